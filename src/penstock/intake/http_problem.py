"""What the HTTP door says when it says no: problem documents (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from penstock.errors import InvalidInput
from penstock.ports.intake import Client, Refusal, RefusalKind

__all__ = ["LATER_SECONDS", "NO_STORE", "Problem", "RequestError", "answered", "nearest", "problem_of", "refused"]

LATER_SECONDS = 30
"""After so long a request that could not be served may be made again."""
NO_STORE = {"Cache-Control": "no-store"}
_STATUS = {
    RefusalKind.INVALID: 422,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.BLOCKED: 422,
    RefusalKind.CONFLICT: 409,
    RefusalKind.LATER: 503,
}
_TOLD_TO_ALL = frozenset({RefusalKind.CONFLICT, RefusalKind.LATER})
_BLAND = 422


class RequestError(InvalidInput):
    """A request that is not served: its HTTP status and, as `where`, the path of the field in the request."""

    def __init__(
        self, status: int, what: str, *, where: str = "", mend: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(what, where=where, mend=mend)
        self.status = status
        self.headers = dict(headers or {})


class Problem(BaseModel):
    """Why a request was not served (RFC 9457)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field("about:blank", description="Always about:blank: the status says what kind of problem it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="One sentence for people; it quotes nothing of the request's content.")
    code: str | None = Field(None, description="The code of the verdict that stands against it, where there is one.")
    where: str | None = Field(None, description="The field, parameter or header that is meant.")
    mend: str | None = Field(None, description="How to put it right.")


def problem_of(fault: RequestError) -> Problem:
    """The document of a request that could not be served."""
    title = HTTPStatus(fault.status).phrase
    return Problem(
        title=title, status=fault.status, detail=fault.what, where=fault.where or None, mend=fault.mend or None
    )


def refused(refusal: Refusal, client: Client) -> Problem:
    """The document of a refusal, no plainer than `detail` allows this client."""
    if client.detail == "bland" and refusal.kind not in _TOLD_TO_ALL:
        return Problem(title=HTTPStatus(_BLAND).phrase, status=_BLAND, detail="not accepted")
    status = _STATUS[refusal.kind]
    return Problem(
        title=HTTPStatus(status).phrase, status=status, detail=refusal.why or "not accepted", code=refusal.code or None
    )


def answered(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that carries it."""
    more = {"Retry-After": str(LATER_SECONDS)} if problem.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Response(
        problem.model_dump_json(exclude_none=True),
        problem.status,
        {**NO_STORE, **more, **(headers or {})},
        media_type="application/problem+json",
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for `mend`: the nearest known word, else all of them."""
    words = sorted(known)
    close = get_close_matches(word[:100].lower(), words, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(words)}"
