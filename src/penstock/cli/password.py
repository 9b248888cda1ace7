"""penstock password: the hash by which the relay knows a client."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from penstock.cli.context import DONE, emit, guarded, say
from penstock.errors import InvalidInput

__all__ = ["register"]

_OCTETS = 24
_FEWEST_CHARACTERS = 12
_MOST_CHARACTERS = 512


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(password)


def password(
    generate: Annotated[
        bool, typer.Option("--generate", help="Make a new secret and print it, too; it is shown this once.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Print the argon2id hash of a secret for `password_hash` in [[relay.credentials]].

    The secret is asked for on a terminal, unseen and twice; else it is the first line of standard input.
    """
    guarded(lambda: _password(generate=generate, json=json))


def _password(*, generate: bool, json: bool) -> int:
    import secrets

    from penstock.intake.credentials import password_hash

    secret = secrets.token_urlsafe(_OCTETS) if generate else _asked()
    hashed = password_hash(secret)
    if json:
        emit({"secret": secret, "hash": hashed} if generate else {"hash": hashed})
        return DONE
    if generate:
        say(f"secret: {secret}")
    say(f"hash: {hashed}" if generate else hashed)
    return DONE


def _asked() -> str:
    if sys.stdin.isatty():
        secret = str(typer.prompt("Secret", hide_input=True, confirmation_prompt=True, err=True))
    else:
        try:
            secret = sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError:
            raise InvalidInput("is not UTF-8", where="standard input") from None
    if not _FEWEST_CHARACTERS <= len(secret) <= _MOST_CHARACTERS or not secret.isprintable():
        what = f"a secret has {_FEWEST_CHARACTERS} to {_MOST_CHARACTERS} characters and no control characters"
        raise InvalidInput(what, where="standard input", mend="or let --generate make one")
    return secret
