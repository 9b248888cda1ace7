from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.config.campaign_file import campaign_digest, read_campaign
from penstock.config.enclosure_files import AttachmentTable, read_enclosures
from penstock.config.settings import Settings, load_settings
from penstock.config.toml_document import dotted
from penstock.errors import InvalidInput
from penstock.model.campaign import Campaign

CONFIG = """
[controllers.nordlicht]
legal_name = "Nordlicht Software AB"
address = "Storgatan 1, 111 22 Stockholm, Sweden"
country = "SE"
"""
CAMPAIGN = """[campaign]
id = "visit"
controller = "nordlicht"
purpose = "offer of purchasing software"
[message]
from = "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>"
subject = "purchasing"
html = "letter.html.j2"
"""
MEGABYTE = 1024 * 1024

Read = Callable[..., Campaign]
Refused = Callable[..., str]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "config.toml").write_text(CONFIG)
    return load_settings(tmp_path / "config.toml", {})


@pytest.fixture
def read(tmp_path: Path, settings: Settings) -> Read:
    """Reads the campaign with these lines at the end of `[message]`."""
    (tmp_path / "letter.html.j2").write_text('<img src="cid:logo">')
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "logo.png").write_bytes(b"png")
    (tmp_path / "brochure.pdf").write_bytes(b"%PDF")

    def done(lines: str = "") -> Campaign:
        (tmp_path / "visit.toml").write_text(CAMPAIGN + lines)
        return read_campaign(tmp_path / "visit.toml", settings)

    return done


@pytest.fixture
def refused(read: Read, tmp_path: Path) -> Refused:
    """What reading says, with the path taken off."""

    def done(lines: str) -> str:
        with pytest.raises(InvalidInput) as caught:
            read(lines)
        return str(caught.value).replace(str(tmp_path / "visit.toml"), "visit.toml")

    return done


def test_attachments_and_images_are_read_with_name_type_and_digest(read: Read, tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"\0")
    found = read(
        'attachments = ["brochure.pdf", { path = "x.bin", name = "Übersicht.dat", type = "Application/X-Data" }]\n'
        'images = { logo = "img/logo.png" }\n'
    ).message.enclosures
    assert [(each.key, each.name, each.type, each.data) for each in found] == [
        ("", "brochure.pdf", "application/pdf", b"%PDF"),
        ("", "Übersicht.dat", "application/x-data", b"\0"),
        ("logo", "logo.png", "image/png", b"png"),
    ]
    assert found[0].digest == hashlib.sha256(b"%PDF").hexdigest()
    assert "%PDF" not in repr(found)


def test_a_calendar_has_language_variants_like_any_template(read: Read, tmp_path: Path) -> None:
    (tmp_path / "visit.ics.j2").write_text("BEGIN:VCALENDAR")
    (tmp_path / "visit.fr.ics.j2").write_text("BEGIN:VCALENDAR\nX-FR:1")
    message = read('calendar = "visit.ics.j2"\n').message
    assert [(t.part, t.language, t.name) for t in message.templates] == [
        ("html", "", "letter.html.j2"),
        ("calendar", "", "visit.ics.j2"),
        ("calendar", "fr", "visit.fr.ics.j2"),
    ]


def test_the_digest_binds_every_octet_name_and_type(read: Read, tmp_path: Path) -> None:
    one = 'attachments = ["brochure.pdf"]\n'
    campaigns = [read(), read(one), read('attachments = [{ path = "brochure.pdf", name = "b.pdf" }]\n')]
    campaigns.append(read('attachments = [{ path = "brochure.pdf", type = "application/x-pdf" }]\n'))
    campaigns.append(read('images = { logo = "img/logo.png" }\n'))
    (tmp_path / "brochure.pdf").write_bytes(b"%PDF-2")
    campaigns.append(read(one))
    assert len({campaign.digest for campaign in campaigns}) == len(campaigns)
    assert campaign_digest(campaigns[-1]) == campaigns[-1].digest == read(one).digest


@pytest.mark.parametrize(
    ("lines", "where", "what"),
    [
        ('attachments = ["no.pdf"]', "visit.toml:9 message.attachments[0]", "there is no file no.pdf"),
        ('attachments = ["brochure.pdf", "img"]', "visit.toml:9 message.attachments[1]", "img is no file"),
        ('images = { logo = "no.png" }', "visit.toml:9 message.images.logo", "there is no file no.png"),
        ('images = { "lo go" = "img/logo.png" }', "visit.toml:9", "a key of images has letters"),
        ('images = { logo = "brochure.pdf" }', "visit.toml:9 message.images.logo", "brochure.pdf is no image"),
        ('attachments = "brochure.pdf"', "visit.toml:9 message.attachments", "expected a list"),
        ("attachments = [7]", "visit.toml:9 message.attachments[0]", "expected a table"),
        ('attachments = [{ path = "brochure.pdf", nam = "x" }]', "attachments[0].nam", "did you mean 'name'?"),
        ('attachments = [{ name = "x" }]', "attachments[0].path", "the key 'path' is missing"),
        ('attachment = ["brochure.pdf"]', "visit.toml:9 message.attachment", "did you mean 'attachments'?"),
        ('attachments = [{ path = "brochure.pdf", name = "a\\r\\nb.pdf" }]', "attachments[0]", "line break"),
        ('attachments = [{ path = "brochure.pdf", name = "a\\u0000b.pdf" }]', "attachments[0]", "control character"),
        ('attachments = [{ path = "brochure.pdf", name = "a/b.pdf" }]', "attachments[0]", "path separator"),
        ('attachments = [{ path = "brochure.pdf", name = "a\\\\b.pdf" }]', "attachments[0]", "path separator"),
        ('attachments = [{ path = "brochure.pdf", name = "fdp.\\u202eexe" }]', "attachments[0]", "turns the direction"),
        ('attachments = [{ path = "brochure.pdf", name = "b.exe" }]', "attachments[0]", "program or script (.exe)"),
        ('attachments = [{ path = "brochure.pdf", type = "pdf" }]', "attachments[0]", "no media type"),
        ('attachments = ["a\\u0000b"]', "attachments[0]", "control character"),
        ('attachments = ["x/"]', "attachments[0]", "there is no file x/"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(refused: Refused, lines: str, where: str, what: str) -> None:
    told = refused(lines)
    assert where in told
    assert what in told
    assert "\n" not in told


def test_a_program_is_refused_whatever_it_is_called(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "setup.exe").write_bytes(b"MZ")
    assert "program" in refused('attachments = ["setup.exe"]')
    assert "program" in refused('attachments = [{ path = "setup.exe", name = "a.pdf", type = "application/pdf" }]')


def test_a_large_file_is_refused_by_name_and_limit_without_being_read(refused: Refused, tmp_path: Path) -> None:
    with (tmp_path / "img" / "huge.png").open("wb") as file:
        os.truncate(file.fileno(), 30 * MEGABYTE)
    told = refused('images = { huge = "img/huge.png" }')
    assert "visit.toml:9 message.images.huge" in told
    assert "img/huge.png has 30 MB" in told
    assert "at most 10 MB for one file" in told


def test_ten_megabytes_are_the_limit_for_one_file(read: Read, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(10 * MEGABYTE))
    assert read('attachments = ["a.bin"]\n').message.enclosed == 10 * MEGABYTE
    (tmp_path / "a.bin").write_bytes(bytes(10 * MEGABYTE + 1))
    assert "at most 10 MB" in refused('attachments = ["a.bin"]\n')


def test_all_files_together_have_a_limit_too(refused: Refused, read: Read, tmp_path: Path) -> None:
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(bytes(6 * MEGABYTE))
    assert read('attachments = ["a.bin"]\n').message.enclosures
    told = refused('attachments = ["a.bin", "b.bin"]\n')
    assert "message.attachments[1]: with b.bin the files have 16.4 MB together once encoded" in told
    assert "at most 15 MB" in told


def test_a_pipe_is_no_file_and_does_not_make_reading_wait(refused: Refused, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    assert "pipe.pdf is no file" in refused('attachments = ["pipe.pdf"]\n')


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A config, a key, links to both, and a brochure that is not in the keys folder, whatever its name begins with."""
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "logo.png").write_bytes(b"secret")
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "link.png").symlink_to("../keys/logo.png")
    (tmp_path / "img" / "config.png").symlink_to("../config.toml")
    (tmp_path / "img" / "hard.png").hardlink_to(tmp_path / "config.toml")
    (tmp_path / "keys.png").write_bytes(b"png")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("keys/logo.png", "in the keys folder"),
        ("img/../keys/logo.png", "in the keys folder"),
        ("img/link.png", "in the keys folder"),
        ("config.toml", "the config file"),
        ("img/config.png", "the config file"),
        ("img/hard.png", "the config file"),
    ],
)
def test_keys_and_the_config_go_with_no_mail(secrets: Path, path: str, what: str) -> None:
    settings = load_settings(secrets / "config.toml", {})
    given = [AttachmentTable(path=path, name="logo.png")]
    with pytest.raises(InvalidInput, match=rf"message\.attachments\[0\]: {path} is {what}"):
        read_enclosures(secrets, given, {}, dotted, settings)
    if path.endswith("png"):
        with pytest.raises(InvalidInput, match=rf"message\.images\.logo: {path} is {what}"):
            read_enclosures(secrets, [], {"logo": path}, dotted, settings)


def test_a_file_beside_the_keys_folder_goes(secrets: Path) -> None:
    settings = load_settings(secrets / "config.toml", {})
    assert read_enclosures(secrets, [], {"logo": "keys.png"}, dotted, settings)[0].data == b"png"
