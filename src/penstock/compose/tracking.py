"""Links and images that tell who opens them: addresses in a template that carry what the contact is known by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import TemplateError, nodes

from penstock.compose.branches import TAG
from penstock.compose.fields import CONTACT_FIELDS
from penstock.compose.sandbox import Sandbox
from penstock.model.campaign import Campaign

__all__ = ["PersonalUrl", "campaign_urls", "personal_urls"]

_SHARED = frozenset(
    {
        *("language", "country", "workplace_country", "function", "seniority", "recipient_kind"),
        *("company.industry", "company.region", "company.legal_form"),
    }
)
"""Fields that many contacts have in common: an address may differ by them."""
_THEIRS = frozenset({"source.reference", "published.url", "company.domains"})
"""Fields that are addresses of the recipient's own: a link there comes back to nobody."""
_GROUPS = frozenset(field.partition(".")[0] for field in CONTACT_FIELDS if "." in field)
_URL = re.compile(
    rf"\b(?:href|src|srcset|background|poster|action|data|cite|longdesc)\s*=\s*"
    rf"(?:\"(?P<double>(?:{TAG}|[^\"])*+)|'(?P<single>(?:{TAG}|[^'])*+)|(?P<bare>(?:{TAG}|[^\s>])++))"
    rf"|\burl\(\s*(?P<css>(?:{TAG}|[^)])*+)"
    rf"|(?P<written>https?://(?:{TAG}|[^\s<>\"'])++)",
    re.DOTALL | re.IGNORECASE,
)
_PRINTED = re.compile(TAG, re.DOTALL)
_LEADING = re.compile(r"\s*['\"]?(?:(?:https?:)?//(?:www\.)?)?", re.IGNORECASE)
_NOWHERE = re.compile(r"\s*['\"]?(?:mailto:|tel:|sms:|cid:|data:|#)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PersonalUrl:
    """Where a template has an address that differs by recipient, and by which field."""

    line: int
    field: str


def campaign_urls(campaign: Campaign, language: str | None = None) -> Iterator[tuple[str, PersonalUrl]]:
    """(file, address) for the personal addresses of a campaign's letters, those in one language or all."""
    files = [file for file in campaign.message.templates if file.part != "calendar"]
    own = {file.part for file in files if file.language == language}
    for file in files:
        used = file.language == language or (not file.language and file.part not in own)
        if language is None or used:
            for url in personal_urls(file.source):
                yield file.name, url


def personal_urls(source: str) -> Iterator[PersonalUrl]:
    """The links, images and other addresses of a template, HTML or text, that carry a field of one contact.

    Fields that many share (language, country, function, industry) may stand in an address, and a contact's own web
    address may be one. Names that a template gives to such values itself are followed.
    """
    flow = _Flow(source)
    for url in _URL.finditer(source):
        group = url.lastgroup or ""
        value = url[group]
        if _NOWHERE.match(value):
            continue
        start = _LEADING.match(value)
        first = start.end() if start else 0
        for tag in _PRINTED.finditer(value):
            if not tag[0].startswith("{{"):
                continue
            for field in flow.fields(tag[0]):
                if not (field in _THEIRS and tag.start() <= first):
                    yield PersonalUrl(source.count("\n", 0, url.start(group) + tag.start()) + 1, field)


class _Flow:
    """Which names of a template hold what a contact is known by, and by which field."""

    def __init__(self, source: str) -> None:
        self._sandbox = Sandbox(html=False)
        self._named: dict[str, str] = {}
        try:
            tree: nodes.Template | None = self._sandbox.parse(source)
        except (TemplateError, RecursionError):
            tree = None  # compiling reports it
        while tree is not None and self._grown(tree):
            pass

    def fields(self, printed: str) -> Iterator[str]:
        """The personal fields in one `{{ … }}`."""
        try:
            yield from dict.fromkeys(self._in(self._sandbox.parse(printed)))
        except (TemplateError, RecursionError):
            return

    def _grown(self, tree: nodes.Template) -> bool:
        before = len(self._named)
        for node in tree.find_all((nodes.Assign, nodes.AssignBlock, nodes.For, nodes.With, nodes.Macro, nodes.Call)):
            match node:
                case nodes.Assign(target=target, node=value):
                    self._give(target, value)
                case nodes.AssignBlock(target=target, body=body):
                    self._give(target, nodes.Scope(body))
                case nodes.For(target=target, iter=value):
                    self._give(target, value)
                case nodes.With(targets=targets, values=values):
                    for target, value in zip(targets, values, strict=True):
                        self._give(target, value)
                case nodes.Macro(name=name, body=body):
                    self._give(nodes.Name(name, "store"), nodes.Scope(body))
                case nodes.Call(node=nodes.Name(name=name)):
                    self._call(tree, name, node)
        return len(self._named) > before

    def _call(self, tree: nodes.Template, name: str, call: nodes.Node) -> None:
        """What is handed to a macro of the template: its parameters are known by it, whichever."""
        for macro in tree.find_all(nodes.Macro):
            if macro.name == name:
                for parameter in macro.args:
                    self._give(parameter, call)

    def _give(self, target: nodes.Node, value: nodes.Node) -> None:
        field = next(self._in(value), None)
        if field is not None:
            for name in (target, *target.find_all((nodes.Name, nodes.NSRef))):
                if isinstance(name, nodes.Name | nodes.NSRef):
                    self._named.setdefault(name.name, field)

    def _in(self, node: nodes.Node) -> Iterator[str]:
        match node:
            case nodes.Name(name=name):
                if name in self._named:
                    yield self._named[name]
                elif (name in CONTACT_FIELDS and name not in _SHARED) or name in _GROUPS:
                    yield name
            case nodes.Getattr(node=nodes.Name(name=group), attr=str() as field) if group in _GROUPS:
                yield from _personal(f"{group}.{field}")
            case nodes.Getitem(node=nodes.Name(name=group), arg=nodes.Const(value=str() as field)) if group in _GROUPS:
                yield from _personal(f"{group}.{field}")
            case nodes.CondExpr(expr1=yes, expr2=no):  # the condition itself tells next to nothing
                yield from self._in(yes)
                if no is not None:
                    yield from self._in(no)
            case _:
                for child in node.iter_child_nodes():
                    yield from self._in(child)


def _personal(field: str) -> Iterator[str]:
    if field not in _SHARED:
        yield field
