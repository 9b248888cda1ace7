"""What would have to change for a mail to go: one plain line for each code that stands against it.

Only commands and files of this version are named. Where nothing may help, the line says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from penstock.cli.data_used import MECHANISMS
from penstock.law.consent import accepted_mechanisms
from penstock.model.codes import PRECEDENCE, Code
from penstock.model.mail import Mail
from penstock.model.verdict import Decision, Reason, Verdict
from penstock.ports import Services

__all__ = ["REMEDIES", "Remedy", "remedies"]

_NO_MEANS = "Nothing"
_CONSENT = "a consent to e-mail from {controller} for the campaign's purpose (penstock consent record …)"
_PROOF = "who, when, in which words, how ({mechanisms}), and the evidence"
_MISTAKE = (
    "Only an entry made by mistake is taken away: penstock suppress check {address}, then suppress remove … --why …."
)
_LETTER = "Mend the template; `penstock lint CAMPAIGN` finds the place."
_BY_RULE: Mapping[str | None, str] = {
    "safety.four_eyes": "A second person approves it: penstock campaign approve CAMPAIGN --by NAME.",
    "inbound.silent_after_hours": "Let the ESP tell again: penstock doctor says what is known of it. The mail stays "
    "queued; next look: {until}.",
    "campaign state": "Somebody resumes it: penstock campaign resume {campaign}. A cancelled campaign stays so.",
}
_TEXTS = {
    (Code.NOTICE_MISSING, "notices"): "A lawyer completes or approves the legal text: penstock notices list shows "
    "which, penstock notices approve LANG --by NAME lets it go.",
    (Code.NOTICE_MISSING, "controller.address"): "Fill address of the controller in the config, and name it in the "
    "identity block of the legal text.",
    (Code.LANGUAGE_MISSING, "notices"): "Write the legal text in that language into the [notices] folder, or the "
    "letter in a language that has one.",
}

REMEDIES: Mapping[Code, str] = {
    Code.SUPPRESSED_PERSON: f"{_NO_MEANS}: the refusal holds for every form of the address. {_MISTAKE}",
    Code.SUPPRESSED_COMPANY: f"{_NO_MEANS}: the refusal holds for the whole company. {_MISTAKE}",
    Code.ERASED_TOMBSTONE: f"{_NO_MEANS}: the person asked to be erased.",
    Code.CONSENT_WITHDRAWN: f"Only {_CONSENT} that the person gave after the withdrawal.",
    Code.RESTRICTED: f"{_NO_MEANS} until the restriction ends (GDPR Art. 18(3)).",
    Code.EXTERNAL_REGISTER: f"{_NO_MEANS} while the address is listed; in Austria alone the person's own consent.",
    Code.HARD_BOUNCED: "Find the address that works today. If this one does again: penstock suppress remove {address} "
    "--why ….",
    Code.COMPLAINED: f"{_NO_MEANS}: a complaint counts as an objection.",
    Code.INVALID_ADDRESS: "Copy the address anew from its source and import it.",
    Code.SMTPUTF8_UNSUPPORTED: "Send by an adapter that takes SMTPUTF8, or find an address in plain letters.",
    Code.NOT_PROFESSIONAL: f"Use the person's address at work, or record {_CONSENT}: {_PROOF}.",
    Code.ROLE_ADDRESS_TECHNICAL: f"{_NO_MEANS}: use a mailbox where somebody reads offers.",
    Code.MINOR: f"{_NO_MEANS}, unless the record is wrong: then correct born or flags.",
    Code.SPECIAL_CATEGORY: "A person decides whether these data may be used at all (GDPR Art. 9(2)).",
    Code.COUNTRY_UNKNOWN: "Fill country, and workplace_country where the person works in another one.",
    Code.LEGAL_FORM_UNKNOWN: "Fill company.legal_form: company, partnership, scottish_partnership, sole_trader or "
    "public_body.",
    Code.CONSENT_REQUIRED: f"Record {_CONSENT}: {_PROOF}. Asking for it by e-mail is advertising, too.",
    Code.CONSENT_CHANNEL: f"Record {_CONSENT}; the one on record is for another channel.",
    Code.CONSENT_CONTROLLER: f"Record {_CONSENT}; one given to another company cannot be passed on.",
    Code.CONSENT_PURPOSE: f"Record {_CONSENT}; the one on record is for something else.",
    Code.CONSENT_UNPROVEN: f"Complete its proof: {_PROOF}. What cannot be proven must be asked for again.",
    Code.CONSENT_EXPIRED: f"Record a fresh one: {_CONSENT}; or correct its date.",
    Code.SOFT_OPTIN_FAILED: f"Fill {{fields}} where that is true and can be shown; else record {_CONSENT}.",
    Code.IMPLIED_CONSENT_EXPIRED: f"A new purchase or inquiry of the person, or {_CONSENT}.",
    Code.NO_LEGAL_BASIS: "A lawyer decides the row of {countries}: penstock policy show; own rows lie in policies/.",
    Code.LIA_MISSING: "Write and approve the assessment: penstock lia new FILE, named as [campaign] lia; "
    "penstock lia check FILE says what is missing.",
    Code.LIA_EXPIRED: "Review the assessment again, then set reviewed_at and expires_at; penstock lia check FILE.",
    Code.DPIA_MISSING: "Carry out an impact assessment (GDPR Art. 35) and name its file as [campaign] dpia.",
    Code.NOT_RELEVANT: f"{_NO_MEANS}: the offer is for others. If the record is wrong, correct {{fields}}.",
    Code.REASON_MISSING: "Write into reason, in a sentence, why this very person is written to.",
    Code.SOURCE_MISSING: "Fill {fields} from what is known of the record's origin.",
    Code.SOURCE_FORBIDDEN: "Find the address at a permitted source and say which; correct {fields} if wrong.",
    Code.ART14_OVERDUE: "Inform the person in another way and fill notice_given_at, or delete the record.",
    Code.CONTACT_UNKNOWN: "Import the contact: penstock contacts import FILE.",
    Code.LANGUAGE_MISSING: "Fill language, or set [message] fallback_language.",
    Code.STALE: f"{_NO_MEANS} until the person gets in touch (last_contact_from_person_at); else delete the record.",
    Code.UNVERIFIED: "Look the address up at its source again and fill verified_at with the day.",
    Code.FREQUENCY_CAP: "Only time: not before {until}.",
    Code.DUPLICATE: f"{_NO_MEANS}: one mail per campaign and person.",
    Code.OVER_SOLICITED: "Find out why so many mails of this list bounced or were complained about, and clean it.",
    Code.CAMPAIGN_NOT_DUE: "Only time: the campaign starts at {until}.",
    Code.CAMPAIGN_STALE: "Look at the campaign, then set [campaign] starts_at and expires_at anew.",
    Code.CAMPAIGN_PAUSED: "See penstock campaign list.",
    Code.NOTICE_MISSING: _LETTER,
    Code.HEADER_INVALID: _LETTER,
    Code.MULTI_RECIPIENT: _LETTER,
    Code.UNSUB_BROKEN: "Set [web] base_url to the https address of the opt-out page, and leave the link visible.",
    Code.AUTH_MISSING: "Give the [[sender]] of From a key (penstock dkim new DOMAIN), or a return_path of the same "
    "organisation.",
    Code.PLACEHOLDER_LEFT: "Take the mark out of the contact's record or of the template.",
    Code.TRACKING_WITHOUT_CONSENT: "Take the tracking image or link out of the template.",
    Code.SUBJECT_DECEPTIVE: "Write a subject that says what the mail is.",
    Code.RENDER_FAILED: "Fill the field that the letter asks for, or write |default or {{% if %}} in the template.",
    Code.MESSAGE_UNTOUCHABLE: "Hand the mail in unsigned: what must be added would break the signature.",
    Code.RATE_BACKOFF: "Only time: the pace of [adapters] rate; it stays queued.",
    Code.STAGE_FAILED: "Mend the stage; the mail is judged again with the next `send`.",
    Code.IMPORT_UNRESOLVED: "Import the mended rows, then: penstock suppress import --resolve FILE.",
    Code.SAFETY_BRAKE: "Change [safety] allow_recipients or daily_ceiling in the config.",
}
"""By code; names in braces are filled in."""


class Remedy(NamedTuple):
    """A code and what would take it away."""

    code: Code
    change: str


@dataclass(frozen=True, slots=True)
class _Words:
    """What the sentences name."""

    address: str
    campaign: str
    controller: str
    mechanisms: str

    @classmethod
    def of(cls, mail: Mail, services: Services) -> Self:
        known, campaign = services.controllers.get(mail.controller), mail.campaign
        return cls(
            mail.address,
            campaign.id if campaign else "",
            mail.controller if known is None else known.legal_name,
            _mechanisms(mail, services),
        )


def remedies(mail: Mail, decision: Decision, services: Services) -> list[Remedy]:
    """One or more for each code that stands against the mail, the headline's first; empty for one that may go."""
    words = _Words.of(mail, services)
    against = [reason for reason in decision.reasons if reason.verdict is not Verdict.SEND and reason.code is not None]
    against.sort(key=lambda reason: PRECEDENCE[reason.code] if reason.code else 0)
    found = [Remedy(reason.code, _change(reason, mail, words)) for reason in against if reason.code is not None]
    return list(dict.fromkeys(found))


def _change(reason: Reason, mail: Mail, words: _Words) -> str:
    code = reason.code
    assert code is not None
    pattern = _special(reason, mail) or REMEDIES[code]
    until = reason.facts.until
    fields = [name for name in reason.facts.fields if not name.startswith("campaign")] or list(reason.facts.fields)
    return pattern.format(
        address=words.address,
        campaign=words.campaign,
        controller=words.controller,
        countries=_listed(_countries(reason)),
        mechanisms=words.mechanisms,
        fields=_listed(fields),
        until=f"{until:%Y-%m-%d %H:%M} UTC" if until else "the time given above",
    )


def _special(reason: Reason, mail: Mail) -> str | None:
    """Where one code has several causes, the fields that it rests on tell them apart."""
    seen, hold, contact = set(reason.facts.fields), reason.verdict is Verdict.HOLD, mail.contact
    match reason.code:
        case Code.EXTERNAL_REGISTER if hold:
            return "Fetch the register's current copy and name it in the config: [registers.NAME] file and fetched_at."
        case Code.INVALID_ADDRESS if hold:
            return "Compare the address with its source, letter by letter, and import the right one."
        case Code.COUNTRY_UNKNOWN if "address" in seen:
            return "Find out where the person works and correct country, workplace_country or the address."
        case Code.COUNTRY_UNKNOWN if "campaign.controller" in seen:
            return "Set country of the controller in the config to one with a row in the table of law."
        case Code.COUNTRY_UNKNOWN if contact is not None and (contact.country or contact.workplace_country):
            return "A lawyer writes a row for that country into policies/; until then nobody can say what is allowed."
        case Code.NO_LEGAL_BASIS if seen & {"campaign.purpose", "campaign.product", "campaign.owner"}:
            return "Say in the campaign file what for, which product and who answers for it: {fields}."
        case Code.NO_LEGAL_BASIS if "consents" in seen:
            return f"Use the person's address at work, or record {_CONSENT}."
        case Code.NO_LEGAL_BASIS if seen == {"country", "workplace_country"}:
            return "A lawyer confirms the rows: penstock policy signoff --by NAME --at DATE."
        case Code.NOT_RELEVANT if hold and reason.stage == "legal_basis":
            return "Name in [audience] functions whose work the offer concerns."
        case Code.NOT_RELEVANT if hold:
            return REMEDIES[Code.COUNTRY_UNKNOWN] if "country" in seen else "Fill {fields}."
        case Code.SOURCE_MISSING | Code.UNVERIFIED | Code.SOURCE_FORBIDDEN if seen == {"source.supplier"}:
            return "Settle the supplier in [suppliers.NAME] (status, contract, last_refresh), or drop its records."
        case Code.SOURCE_MISSING if seen == {"source.method"}:
            return "Find out where the address really comes from, and correct source.method and source.reference."
        case Code.UNVERIFIED if not seen & {"verified_at"}:
            return "Fill source.collected_at or last_contact_from_person_at with the day."
        case Code.UNVERIFIED if "future" in reason.why:
            return "Correct {fields}: a day in the future proves nothing."
        case Code.NOTICE_MISSING | Code.LANGUAGE_MISSING:
            return next((_TEXTS[reason.code, field] for field in seen if (reason.code, field) in _TEXTS), None)
        case Code.CAMPAIGN_PAUSED | Code.RATE_BACKOFF:
            return _BY_RULE.get(reason.rule)
        case Code.DUPLICATE if mail.history.sent_at is not None:
            return f"{_NO_MEANS}: it went on {mail.history.sent_at:%Y-%m-%d}, and a campaign mails a person once."
        case _:
            return None


def _countries(reason: Reason) -> list[str]:
    """Whose rows of law the reason rests on."""
    records = (record.partition(":") for record in reason.facts.records)
    return [name for kind, _, name in records if kind == "jurisdiction"]


def _mechanisms(mail: Mail, services: Services) -> str:
    """How a consent may be given so that every country concerned takes it."""
    contact, today = mail.contact, services.clock.now().date()
    sender = services.controllers.get(mail.controller)
    places = [contact.country, contact.workplace_country] if contact else []
    codes = [cc for cc in (*places, sender.country if sender else None) if cc]
    accepted = accepted_mechanisms(services.jurisdictions.of(cc, today).proof for cc in codes)
    return _listed([words for each, words in MECHANISMS.items() if each in accepted], "or")


def _listed(names: list[str], word: str = "and") -> str:
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else "".join(names)
