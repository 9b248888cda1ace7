"""What the HTTP door answers, for the answers themselves and for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from penstock.intake.http_problem import Problem, refused
from penstock.ports.intake import Client, Receipt, Refusal, Submission

__all__ = [
    "Accepted",
    "AcceptedMail",
    "Decisions",
    "DryRunItem",
    "Item",
    "MailState",
    "RefusedMail",
    "decisions",
    "summed_up",
]

_TAKEN = 202
_BLAND_LINE = ("address", "campaign", "verdict")
_BLAND_STATE = ("id", "mail_id", "state", "outcome")


class AcceptedMail(BaseModel):
    """One mail that is durably saved."""

    id: str = Field(description="By which it can be looked up.")
    address: str = Field(description="Its recipient.")


class RefusedMail(BaseModel):
    """A recipient of several for whom nothing was saved."""

    address: str
    problem: Problem


class Accepted(BaseModel):
    """What is durably saved, in the order of the recipients."""

    mails: list[AcceptedMail]
    stream: str = Field(description="The stream that they belong to.")
    refused: list[RefusedMail] | None = Field(None, description="Recipients among several that were refused.")


class Item(BaseModel):
    """What came of one mail of a batch: `status` and what a request of its own would have been answered."""

    status: int
    mails: list[AcceptedMail] | None = None
    stream: str | None = None
    refused: list[RefusedMail] | None = None
    problem: Problem | None = None


class Decisions(BaseModel):
    """Decision lines, one for each recipient, as `penstock check --json` writes them."""

    decisions: list[dict[str, Any]]


class DryRunItem(BaseModel):
    """What would come of one mail of a batch."""

    status: int
    decisions: list[dict[str, Any]] | None = None
    problem: Problem | None = None


class MailState(BaseModel):
    """State, decision and outcome of one mail; a client with `detail = "bland"` sees state and outcome only."""

    model_config = ConfigDict(extra="allow")

    state: str | None = Field(None, description="Where it is on its way.")
    decision: Any = Field(None, description="Its decision line, once there is one.")
    outcome: Any = Field(None, description="What became of it: accepted, try_later, failed, uncertain.")

    @classmethod
    def told(cls, found: Mapping[str, Any], client: Client) -> MailState:
        """As much of it as this client may know."""
        if client.detail == "bland":
            return cls(**{name: found[name] for name in _BLAND_STATE if name in found})
        return cls(**found)


def summed_up(pairs: Sequence[tuple[Submission, Receipt | Refusal]], client: Client) -> Accepted | Problem:
    """One answer for the submissions of one mail: accepted as soon as one was, else the first refusal."""
    mails: list[AcceptedMail] = []
    stream, problems = "", []
    for submission, answer in pairs:
        if isinstance(answer, Receipt):
            mails += [AcceptedMail(id=each.mail_id, address=each.address) for each in answer.taken]
            stream = str(answer.stream)
        else:
            problem = refused(answer, client)
            problems += [RefusedMail(address=each.address, problem=problem) for each in submission.recipients]
    return Accepted(mails=mails, stream=stream, refused=problems or None) if mails else problems[0].problem


def decisions(lines: Sequence[Mapping[str, Any]], client: Client) -> list[dict[str, Any]]:
    """The lines; for a client with `detail = "bland"` address and verdict, and neither codes nor reasons."""
    if client.detail == "bland":
        bare: dict[str, Any] = {"code": None, "codes": [], "reasons": [], "outcome": None}
        return [{**{name: line.get(name) for name in _BLAND_LINE}, **bare} for line in lines]
    return [dict(line) for line in lines]
