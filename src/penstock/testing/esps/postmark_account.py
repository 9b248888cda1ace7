"""What of a Postmark account can be asked and changed: the server and its message streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from penstock.testing.esps.postmark_mail import fields_of, wrong

__all__ = ["PostmarkAccount", "PostmarkStream"]

_MADE = "2026-11-21T08:00:00-05:00"
_SERVER_WORDS: Mapping[str, type] = {"Name": str, "Color": str, "TrackOpens": bool, "TrackLinks": str}


@dataclass
class PostmarkStream:
    """With `unsubscribe` at `Postmark`, it puts its own unsubscribe link and List-Unsubscribe in."""

    id: str
    kind: Literal["Transactional", "Broadcasts", "Inbound"] = "Transactional"
    unsubscribe: Literal["None", "Postmark", "Custom"] = "None"
    archived: bool = False

    def shown(self) -> dict[str, Any]:
        """As it stands in answers."""
        return {
            "ID": self.id,
            "ServerID": 123456,
            "Name": self.id,
            "Description": "",
            "MessageStreamType": self.kind,
            "CreatedAt": _MADE,
            "UpdatedAt": None,
            "ArchivedAt": _MADE if self.archived else None,
            "ExpectedPurgeDate": None,
            "SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": self.unsubscribe},
        }


def _own_streams() -> list[PostmarkStream]:
    return [
        PostmarkStream("outbound"),
        PostmarkStream("broadcast", "Broadcasts", "Postmark"),
        PostmarkStream("inbound", "Inbound"),
    ]


@dataclass
class PostmarkAccount:
    """One server. `track_opens`, `track_links`: its settings, which hold for all mails whatever a request says."""

    streams: list[PostmarkStream] = field(default_factory=_own_streams)
    track_opens: bool = False
    track_links: str = "None"

    @property
    def tracks(self) -> bool:
        """Whether the server changes mails so that opens or clicks are seen."""
        return self.track_opens or self.track_links != "None"

    def stream(self, name: str) -> PostmarkStream | None:
        """The stream of that name that is in use."""
        return next((each for each in self.streams if each.id == name and not each.archived), None)

    def answer(self, method: str, path: str, query: Mapping[str, str], body: object) -> dict[str, Any] | None:
        """What is answered; None where no such path is described. Raises Refused."""
        steps = path.strip("/").split("/")
        known = {"MessageStreamType", "IncludeArchivedStreams"} if steps == ["message-streams"] else set()
        if unknown := sorted(set(query) - known):
            raise wrong(403, f"There is no parameter {unknown[0]}.")
        match method, steps:
            case "GET", ["server"]:
                return self._server()
            case "PUT", ["server"]:
                return self._changed(body)
            case "GET", ["message-streams"]:
                return self._streams(query)
            case "GET", ["message-streams", name]:
                return self.known(name).shown()
        return None

    def _server(self) -> dict[str, Any]:
        return {
            "ID": 123456,
            "Name": "Nordlicht",
            "ApiTokens": ["a-token"],
            "Color": "blue",
            "SmtpApiActivated": False,
            "RawEmailEnabled": False,
            "DeliveryType": "Live",
            "ServerLink": "https://postmark.example/servers/123456/streams",
            "InboundAddress": "inbound@postmark.example",
            "InboundHookUrl": "",
            "BounceHookUrl": "",
            "OpenHookUrl": "",
            "DeliveryHookUrl": "",
            "PostFirstOpenOnly": False,
            "InboundDomain": "",
            "InboundHash": "inbound",
            "InboundSpamThreshold": 0,
            "TrackOpens": self.track_opens,
            "TrackLinks": self.track_links,
            "IncludeBounceContentInHook": False,
            "ClickHookUrl": "",
            "EnableSmtpApiErrorHooks": False,
        }

    def _changed(self, body: object) -> dict[str, Any]:
        asked = fields_of(body, _SERVER_WORDS, "The server")
        self.track_opens = asked.get("TrackOpens", self.track_opens)
        self.track_links = asked.get("TrackLinks", self.track_links)
        return self._server()

    def _streams(self, query: Mapping[str, str]) -> dict[str, Any]:
        kind, archived = query.get("MessageStreamType", "All"), query.get("IncludeArchivedStreams", "false")
        shown = [
            each.shown()
            for each in self.streams
            if kind in {"All", each.kind} and (archived.lower() == "true" or not each.archived)
        ]
        return {"MessageStreams": shown, "TotalCount": len(shown)}

    def known(self, name: str) -> PostmarkStream:
        """The stream of that name that is in use. Raises Refused where there is none."""
        found = self.stream(name)
        if found is None:
            raise wrong(1226, "The message stream for the provided ID was not found.")
        return found
