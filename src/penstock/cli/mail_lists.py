"""Lists of mails by id and state, for holds and uncertain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from penstock.cli.context import emit, say

if TYPE_CHECKING:
    from penstock.store.desk import MailState

__all__ = ["each_state", "show_states"]

_PAGE = 500


async def each_state(page: Callable[[str, int], Awaitable[Sequence[MailState]]]) -> AsyncIterator[MailState]:
    """Walk a paged list to its end."""
    after = ""
    while found := await page(after, _PAGE):
        for each in found:
            yield each
        after = found[-1].mail_id


async def show_states(states: AsyncIterator[MailState], word: str, *, json: bool) -> int:
    """One line per mail; ids only, the address stays in the store. How many they were."""
    from penstock.decision_line import iso

    number = 0
    async for each in states:
        number += 1
        if json:
            emit(
                {
                    "mail_id": each.mail_id,
                    "campaign": each.step,
                    "state": each.state,
                    "code": each.code,
                    "until": iso(each.until),
                    "contact_id": each.contact_id,
                }
            )
        else:
            say(f"{each.mail_id}  {each.step:24} {each.code or ''}")
    if not json:
        say(f"{number} {word}")
    return number
