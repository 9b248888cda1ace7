"""Subjects that claim what is not so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from penstock.compose.subject_faults import beside_the_topic, is_blank, poses_as_business, topic_stems
from penstock.model.campaign import Campaign, Stream

CLAIMS = [
    *("Order confirmation", "Your order 12345", "Payment reminder", "Overdue invoice", "Invoice no. 7", "Invoice #12"),
    *("Account suspended", "Security alert!", "Delivery failed", "INVOICE", "Your order: 4711", "Delivery attempt"),
    *("Bestellbestätigung", "Ihre Auftragsbestätigung", "Ihre Bestellung 4711", "Zahlungserinnerung", "Rechnung Nr. 5"),
    *("2. Mahnung: Mahnung", "Confirmation de commande", "Votre commande n° 8", "Rappel de paiement", "Facture 20261"),
    *("Mise en demeure", "Orderbekräftelse", "Din beställning 1234", "Betalningspåminnelse", "Faktura nr 9"),
    *("Confirmación del pedido", "Su pedido 4711", "Recordatorio de pago", "Factura n.º 12", "Conferma d'ordine"),
    *("Il suo ordine", "Conferma dell’ordine", "Sollecito di pagamento", "Fattura 2026-12", "Orderbevestiging"),
    *("Uw bestelling", "Betalingsherinnering", "Factuur 1234", "Potwierdzenie zamówienia", "Twoje zamówienie"),
    *("Przypomnienie o płatności", "Ordrebekræftelse", "Din ordre 4711", "Betalingspåmindelse", "Tilausvahvistus"),
    *("Tilauksesi", "Maksumuistutus", "Lasku 12345", "Confirmação de encomenda", "A sua encomenda"),
    *("Lembrete de pagamento", "Fatura n.º 3", "Potvrzení objednávky", "Vaše objednávka", "Upomínka"),
    *("Muster Werk SA: Your order", "Brøndby: Ordrebekræftelse 990"),
]
HONEST = [
    *("Order confirmations without paper", "Order confirmation software for machinery", "Your orders in one place"),
    *("Your order process, easier", "Invoices in two minutes", "Rechnungen ohne Papier", "Invoice software 2026"),
    *(
        "Purchasing without spreadsheets",
        "Rechnungsprüfung 2026",
        "Muster: Einkauf ohne Tabellen",
        "Faktura utan krångel",
    ),
    *("Security alerts for your plant", "Achats sans tableur", "Une facture plus claire", "Account planning", ""),
]


@pytest.mark.parametrize("subject", CLAIMS)
def test_a_claim_of_an_order_a_bill_or_an_account_is_found(subject: str) -> None:
    assert poses_as_business(subject, Stream.PROSPECTING)
    assert poses_as_business(subject.upper(), Stream.NEWSLETTER)
    assert not poses_as_business(subject, Stream.CUSTOMER)


@pytest.mark.parametrize("subject", HONEST)
def test_an_honest_offer_about_orders_or_bills_is_none(subject: str) -> None:
    assert not poses_as_business(subject, Stream.PROSPECTING)


def test_the_topic_of_an_offer_is_no_claim() -> None:
    assert poses_as_business("Payment reminder", Stream.PROSPECTING, ("purchasing",))
    assert not poses_as_business("Payment reminder", Stream.PROSPECTING, ("reminders",))


@pytest.mark.parametrize("subject", ["", " ", "\u200b", "\u00a0\u2060", "\u0301", "\u202e\u202c", "\u00ad"])
def test_a_subject_without_a_visible_sign_is_blank(subject: str) -> None:
    assert is_blank(subject)


@pytest.mark.parametrize("subject", ["x", "\u200bx", "日本", "…", "👋", "שלום"])
def test_a_subject_with_a_visible_sign_is_not(subject: str) -> None:
    assert not is_blank(subject)


def test_the_topic_is_known_in_the_campaigns_own_language_and_where_it_is_translated(
    campaign: Callable[..., Campaign],
) -> None:
    made = campaign(topic=("purchasing", "Büro"), translations={"fr": {"purchasing": "achats"}, "de": {"x": "y"}})
    assert topic_stems(made, "en", "en") == {"purchas", "buro"}
    assert topic_stems(made, "fr", "en") == {"purchas", "buro", "acha"}
    assert topic_stems(made, "de", "en") == frozenset()
    assert topic_stems(campaign(topic=()), "en", "en") == frozenset()
    assert topic_stems(campaign(topic=("AI", "of it all")), "en", "en") == {"ai"}


@pytest.mark.parametrize(
    ("subject", "text", "expected"),
    [
        ("Great news", "Hello there.", True),
        ("Great PURCHASES", "Hello there.", False),
        ("Great news", "About pürchasing.", False),
        ("", "", True),
    ],
)
def test_subject_or_letter_must_name_the_topic_in_any_form(subject: str, text: str, expected: bool) -> None:
    assert beside_the_topic(subject, text, frozenset({"purchas"})) is expected
    assert not beside_the_topic(subject, text, frozenset())
