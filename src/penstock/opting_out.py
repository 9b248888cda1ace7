"""What an opt-out link does: an entry of the suppression list, for all advertising of the mail's controller."""

from __future__ import annotations

from penstock.errors import StoreUnavailable
from penstock.law.countries import official_language
from penstock.model.campaign import Controller
from penstock.model.suppression import Suppression, SuppressionKind, SuppressionReason
from penstock.observe.log import get_logger
from penstock.store.opt_outs import Addressee, OptOuts
from penstock.web.opt_out import OptOut
from penstock.wiring import House

__all__ = ["OptingOut"]

_REASONS = {"header": SuppressionReason.UNSUBSCRIBE, "body": SuppressionReason.OBJECTION}
"""A mail program's button unsubscribes (RFC 8058). The link in the letter is where the notice says that one may object
(GDPR Art. 21(2) and (4))."""
_TEST = "test-"

_log = get_logger("opting_out")


class OptingOut:
    """Obeys the links of an open house. `penstock.web.opt_out` says what is promised."""

    def __init__(self, house: House) -> None:
        self._tokens = house.services.tokens
        self._controllers = house.services.controllers
        self._store = house.store
        self._clock = house.clock
        self._opt_outs = OptOuts(house.store.database)

    async def look_up(self, token: str, /) -> OptOut | None:
        """Header and body links and the tests of both; every other purpose is none of this page's."""
        read = self._tokens.read(token.removesuffix("/"))
        purpose = read[0].removeprefix(_TEST) if read is not None else ""
        if read is None or purpose not in _REASONS:
            return None
        mail_id, test = read[1], read[0].startswith(_TEST)
        mail = await self._opt_outs.addressee(mail_id)
        if mail is None:
            if test:
                return OptOut(mail_id, purpose, self._only(), None, test=True)
            raise await self._nobody(mail_id)
        # A redirected mail went to a tester, who objects for nobody else.
        test = test or mail.redirected
        return OptOut(mail_id, purpose, self._controllers.get(mail.controller), _language(mail), test=test)

    async def opt_out(self, found: OptOut, /) -> None:
        """One entry for each reason and controller, however often; the ledger has it in the same transaction."""
        if found.test:
            return
        mail = await self._opt_outs.addressee(found.mail_id)
        if mail is None:
            raise await self._nobody(found.mail_id)
        entry = Suppression(
            kind=SuppressionKind.PERSON,
            keys=mail.identity.person_keys,
            scope=f"controller:{mail.controller}",
            reason=_REASONS[found.purpose],
            at=self._clock.now(),
            subject=mail.address,
            origin=f"link:{found.purpose}:{found.mail_id}",
        )
        await self._store.suppressions.add([entry])

    def _only(self) -> Controller | None:
        """The controller of a link that names no mail, where there can be but one."""
        return next(iter(self._controllers.values())) if len(self._controllers) == 1 else None

    async def _nobody(self, mail_id: str) -> StoreUnavailable:
        """A genuine link to a mail that the store lost: nobody must believe that it was obeyed."""
        _log.error("opt_out_of_unknown_mail", mail=mail_id)
        await self._store.returns.count("web", "opt_out_unknown")
        return StoreUnavailable("a mail that an opt-out link names is not in the store", mend="restore a newer backup")


def _language(mail: Addressee) -> str | None:
    """The contact's, else the single official one of the country: what the letter was most likely written in."""
    return mail.language or (official_language(mail.country) if mail.country else None)
