"""The mistakes that splicers make."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Fault"]


class Fault(StrEnum):
    """One plausible mistake each."""

    APPENDS_AFTER_CLOSING = "writes the text below the closing delimiter"
    IGNORES_ENCODING = "writes plain octets into an encoded leaf"
    IGNORES_CHARSET = "reads every leaf as ISO 8859-1"
    FORGETS_LABEL = "recodes to UTF-8 and leaves the charset parameter as it was"
    WRITES_LF = "ends the lines it adds with LF"
    SPLITS_ON_LF = "rewrites every line end of the mail"
    EDITS_ATTACHMENTS = "takes every text leaf for a body"
    EDITS_ATTACHED_MAILS = "replaces fields in attached mails as well"
    EDITS_FIRST_BRANCH = "stops after the first branch of an alternative"
    EDITS_CALENDARS = "takes calendars and AMP for pages"
    EDITS_EVERY_TEXT = "takes the second text of a mixed for a body"
    IGNORES_START = "takes the first part of a related for its root"
    EDITS_SIGNED = "edits signed mails"
    IGNORES_ARMOUR = "does not look for inline PGP"
    FINDS_FIRST_TAG = "writes before the first </body> it finds"
    FINDS_LAST_TAG = "writes before the last </body> it finds"
    CASE_MATTERS = "knows only </body> in small letters, and writes into the head without it"
    KEEPS_DKIM = "keeps signatures it breaks"
    DROPS_ARC = "takes away all seals"
    KEEPS_REQUESTS = "keeps what had to be dropped"
    DOUBLES_FIELDS = "adds its fields beside those that are there"
    DROPS_BY_PREFIX = "drops every field whose name begins with x-penstock"
    DROPS_ONE_LINE = "drops a folded field's first line only"
    UNFOLDS_FIELDS = "writes every field anew on one line"
    SERIALISES_ANEW = "parses and serialises by the standard library"
    LOSES_PREAMBLE = "drops what stands before the first delimiter"
    LOSES_EPILOGUE = "drops what stands after the closing delimiter"
    CLOSES_OPEN_PARTS = "adds the closing delimiter that the writer forgot"
    LOSES_PARAMETERS = "writes a new Content-Type with nothing but the charset"
    LOSES_FLOW = "lets a soft line flow into the notice"
    WRAPS_ATTACHMENTS = "wraps base64 anew, also that of files"
    LONG_LINES = "writes the fragment as it is, however long its line"
    RUNS_TWICE = "does not see that the notice is there"
    SEES_ANY_DASHES = "takes any line of dashes for its notice"
    SEES_ANY_MARK = "takes any data-penstock for its notice"
    GLUES_THE_SEAM = "adds the notice to the last line"
    TRUSTS_BOUNDARIES = "takes a multipart without parts for a text"
