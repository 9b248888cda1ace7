"""Whether a legal text may leave: only as the package shipped it or as a person approved it."""

from __future__ import annotations

from enum import StrEnum

from penstock.compose.notice_text import NoticeFile
from penstock.model.legal_text import LegalTexts

__all__ = ["TextState", "text_state", "why_held"]


class TextState(StrEnum):
    """Where a text stands. `shipped`: no store remembers one of its language, and the package has it so.

    `adopted`: as it was shipped when the store was first opened. `approved`: by a person. `unapproved`: of the house's
    own folder, and no person approved any of its language. `changed`: no longer what was adopted, approved or
    installed.
    """

    SHIPPED = "shipped"
    ADOPTED = "adopted"
    APPROVED = "approved"
    UNAPPROVED = "unapproved"
    CHANGED = "changed"

    @property
    def holds(self) -> bool:
        """Whether mails with such a text wait."""
        return self in (TextState.UNAPPROVED, TextState.CHANGED)


def text_state(file: NoticeFile, texts: LegalTexts) -> TextState:
    """The state of the text in use of one language."""
    known = texts.approved.get(file.language)
    if known is not None and known.digest == file.digest:
        return TextState.APPROVED if known.approved_by else TextState.ADOPTED
    if file.own and (known is None or not known.approved_by):
        return TextState.UNAPPROVED
    if known is not None or texts.shipped.get(file.language, file.digest) != file.digest:
        return TextState.CHANGED
    return TextState.SHIPPED


def why_held(file: NoticeFile, texts: LegalTexts) -> str | None:
    """One sentence that says what to do, or None where the text may leave."""
    state = text_state(file, texts)
    if not state.holds:
        return None
    name = f"the notice {file.id} in {file.language}"
    mend = (
        f"penstock notices diff {file.language} shows it, penstock notices approve {file.language} --by NAME lets it go"
    )
    if state is TextState.UNAPPROVED:
        return f"no approval is known of {name}, which lies in the [notices] folder; {mend}"
    known = texts.approved.get(file.language)
    since = (
        "it was installed"
        if known is None
        else f"{'it was approved' if known.approved_by else 'it was adopted'} on {known.at:%Y-%m-%d}"
    )
    return f"{name} has changed since {since}; {mend}"
