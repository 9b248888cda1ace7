"""The account of the fake Amazon SES: its state, configuration sets and identities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from penstock.testing.esp import Refused
from penstock.testing.esps.ses_shapes import PUT_SUPPRESSION

__all__ = ["SesAccount"]

_NO_SET = "NotFoundException: Configuration set <{}> does not exist."


@dataclass
class SesAccount:
    """What an operator would see. `identities`: name → verified, empty: all are. `sets`: configuration set → may send.

    `suppressed_reasons`: which of the suppression list stop a mail. `contact_lists`: name → topic → its default, OPT_IN
    or OPT_OUT; they may be named in ListManagementOptions.
    """

    suspended: bool = False
    sending: bool = True
    production: bool = True
    enforcement: str = "HEALTHY"
    quota: float = 50_000.0
    rate: float = 14.0
    sent: float = 0.0
    identities: dict[str, bool] = field(default_factory=dict)
    sets: dict[str, bool] = field(default_factory=dict)
    suppressed_reasons: list[str] = field(default_factory=lambda: ["BOUNCE", "COMPLAINT"])
    contact_lists: dict[str, dict[str, str]] = field(default_factory=dict)

    def verified(self, address: str) -> bool:
        """Whether mail may leave from the address: it, its domain or a domain above is verified."""
        if not self.identities:
            return True
        domain = address.rpartition("@")[2].lower().split(".")
        names = [address.lower(), *(".".join(domain[at:]) for at in range(len(domain)))]
        return any(self.identities.get(name) for name in names)

    def may_send(self, configuration_set: str | None, recipients: int) -> None:
        """Raises Refused where the account's state forbids to send."""
        if self.suspended:
            raise Refused("AccountSuspendedException: Sending suspended for this account.")
        if not self.sending:
            raise Refused("SendingPausedException: Email sending is disabled for this account.")
        if configuration_set is not None and configuration_set not in self.sets:
            raise Refused(_NO_SET.format(configuration_set), 404)
        if configuration_set is not None and not self.sets[configuration_set]:
            raise Refused(f"SendingPausedException: Sending is disabled for configuration set <{configuration_set}>.")
        if self.sent + recipients > self.quota:
            raise Refused("LimitExceededException: Daily message quota exceeded.")

    def answer(self, method: str, path: str, body: object) -> dict[str, Any] | None:
        """The answer to a request about the account; None for an operation that is unknown. Raises Refused."""
        parts = [unquote(part) for part in path.removeprefix("/v2/email/").split("/")]
        match method, parts:
            case "GET", ["account"]:
                return self._account()
            case "PUT", ["account", "suppression"]:
                PUT_SUPPRESSION.check(body, "")
                assert isinstance(body, dict)
                self.suppressed_reasons = list(body.get("SuppressedReasons") or [])
                return {}
            case "GET", ["configuration-sets", name, *rest] if rest in ([], ["event-destinations"]):
                return self._set(name, rest)
            case "GET", ["identities", name]:
                return self._identity(name)
        return None

    def _account(self) -> dict[str, Any]:
        return {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "SHUTDOWN" if self.suspended else self.enforcement,
            "ProductionAccessEnabled": self.production,
            "SendQuota": {"Max24HourSend": self.quota, "MaxSendRate": self.rate, "SentLast24Hours": self.sent},
            "SendingEnabled": self.sending and not self.suspended,
            "SuppressionAttributes": {"SuppressedReasons": self.suppressed_reasons},
            "VdmAttributes": {"VdmEnabled": "DISABLED"},
        }

    def _set(self, name: str, rest: list[str]) -> dict[str, Any]:
        if name not in self.sets:
            raise Refused(_NO_SET.format(name), 404)
        if rest:
            return {"EventDestinations": []}
        return {"ConfigurationSetName": name, "SendingOptions": {"SendingEnabled": self.sets[name]}}

    def _identity(self, name: str) -> dict[str, Any]:
        if name.lower() not in self.identities:
            raise Refused(f"NotFoundException: Email identity {name} does not exist.", 404)
        verified = self.identities[name.lower()]
        status = "SUCCESS" if verified else "PENDING"
        return {
            "IdentityType": "EMAIL_ADDRESS" if "@" in name else "DOMAIN",
            "FeedbackForwardingStatus": True,
            "VerifiedForSendingStatus": verified,
            "DkimAttributes": {"SigningEnabled": verified, "Status": status, "SigningAttributesOrigin": "AWS_SES"},
            "VerificationStatus": status,
        }
