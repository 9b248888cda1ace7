"""Jinja2 with the doors shut: what a campaign's templates may do, and how what goes wrong becomes a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, Template, Undefined
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from markupsafe import soft_str

from penstock.compose import budget
from penstock.compose.budget import METER, TemplateLimitError
from penstock.compose.fault import TemplateFault
from penstock.compose.guard import COUNTED, ENTERED, FLAT, PRINTED, SIZED, Guard, Translator

__all__ = ["Blank", "Compiled", "Nest", "Sandbox", "Translator", "translator_of"]

_FILTERS = """
    abs capitalize d default e escape first float int last length count list lower max min reverse round sort
    string sum title trim truncate unique upper urlencode wordcount
"""
_STRING_METHODS = """
    capitalize casefold endswith isdigit isupper islower lower lstrip removeprefix removesuffix rsplit rstrip
    split splitlines startswith strip title upper
"""
_LOOP_FIELDS = """
    changed cycle depth depth0 first index index0 last length nextitem previtem revindex revindex0
"""
_OFFERED: tuple[tuple[type, frozenset[str]], ...] = (
    (str, frozenset(_STRING_METHODS.split())),
    (LoopContext, frozenset(_LOOP_FIELDS.split())),
)
_CAPPED: dict[str, Callable[..., Any]] = {
    "join": budget.capped_join,
    "replace": budget.capped_replace,
    "round": budget.capped_round,
    "string": budget.capped_string,
    "sum": budget.capped_sum,
}
# Everything an expression can raise. A bug of ours outside these still surfaces as an exception.
_FAILURES = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


class Unknown(StrictUndefined):
    """A name the template may not or cannot see. Any use is an error whose message is the name."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return str(self._undefined_name)


class BlankPrintedError(UndefinedError):
    """A contact field without a value was printed. The message is the field's name."""


class Blank(Undefined):
    """A contact field without a value: falsy, empty, replaced by `|default`; printing it is an error."""

    __slots__ = ()

    def __init__(self, field: str) -> None:
        super().__init__(hint=field, name=field, exc=BlankPrintedError)

    def __str__(self) -> str:
        raise BlankPrintedError(self._undefined_hint)


class Nest:
    """A group of contact fields, such as `company`: its fields can be named, it cannot be printed."""

    __slots__ = ("_path", "_values")

    def __init__(self, path: str, values: Mapping[str, Any]) -> None:
        self._path = path
        self._values = values

    def __str__(self) -> str:
        raise UndefinedError(self._path)


class Scope(Namespace):
    """Jinja2's namespace, which cannot be printed."""

    def __repr__(self) -> str:
        raise TemplateLimitError("prints a namespace")


def pick(nest: Nest, name: str) -> Any:
    """The field of a group, Unknown when the campaign does not declare it."""
    found = nest._values.get(name)  # noqa: SLF001 - a method would be reachable from templates
    return Unknown(name=f"{nest._path}.{name}") if found is None else found  # noqa: SLF001


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of one part: `html` escapes what is printed, text does not.

    No loading of other templates, no formatting by width, no method calls but harmless ones of texts.
    """

    intercepted_binops = frozenset({"*", "+", "**", "%"})

    def __init__(self, *, html: bool) -> None:
        super().__init__(autoescape=html, undefined=Unknown, cache_size=0, finalize=budget.printed)
        offered = {name: FILTERS[name] for name in _FILTERS.split()} | _CAPPED
        if not html:
            offered |= {"e": soft_str, "escape": soft_str}  # text has nothing to escape
        self.filters = {name: budget.metered(run, _needs(run)) for name, run in offered.items()} | {
            COUNTED: budget.counted,
            ENTERED: budget.entered,
            PRINTED: budget.printed,
            SIZED: budget.sized,
            FLAT: budget.flat,
        }
        self.globals = {"range": budget.capped_range, "namespace": Scope}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ARG002 - jinja2 asks so
        """Only what is listed above may be touched."""
        if isinstance(obj, Namespace):
            return not attr.startswith("_")
        return any(isinstance(obj, kind) and attr in names for kind, names in _OFFERED)

    def wrap_str_format(self, value: Any) -> None:
        """`str.format` is not offered: a width in it can ask for gigabytes."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`company.name` is a look-up in the group, never a Python attribute of it."""
        return pick(obj, attribute) if type(obj) is Nest else super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`company["name"]`, likewise."""
        return pick(obj, str(argument)) if type(obj) is Nest else super().getitem(obj, argument)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - jinja2's names
        """Call a macro or an allowed method; every call is paid for."""
        budget.spend(__context, budget.weight(getattr(__obj, "__self__", None)))
        return budget.sized(super().call(__context, __obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002
        """The operators that can make much out of little."""
        match operator:
            case "*":
                return budget.multiply(left, right)
            case "**":
                return budget.power(left, right)
            case "+":
                return budget.add(left, right)
            case _ if isinstance(left, str):
                raise TemplateLimitError("formats with %, which templates may not")
            case _:
                return left % right

    def compiled(self, source: str, name: str, translate: Translator) -> Compiled | TemplateFault:
        """Compile one template. `t('…')` with a constant is replaced by its translation here, once."""
        try:
            tree = self.parse(source, name)
            guard = Guard(translate)
            code = self.compile(guard.visit(tree), name, name)
            template = Template.from_code(self, code, {})
        except TemplateSyntaxError as fault:
            return TemplateFault(name, fault.lineno, None, _syntax(fault))
        except RecursionError:
            return TemplateFault(name, 1, None, "is nested too deeply")
        except _FAILURES:
            return TemplateFault(name, 1, None, "cannot be compiled")
        seen: dict[str, Any] = {**self.globals, "t": translate}
        return Compiled(name, source, template, seen)


def _needs(run: Callable[..., Any]) -> str | None:
    """What jinja2 gives a filter before the value."""
    asked = getattr(run, "jinja_pass_arg", None)
    return None if asked is None else str(asked.name)


def translator_of(table: Mapping[str, str]) -> Translator:
    """`t`: the translation, or the words themselves where there is none."""

    def translate(words: str) -> str:
        return table.get(words, words)

    return translate


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template ready to render."""

    name: str
    source: str
    template: Template
    seen: dict[str, Any]

    def render(self, values: Mapping[str, Any]) -> str | TemplateFault:
        """The text, or where and why it failed. Never raises for what a template does."""
        context = self.template.new_context({**self.seen, **values, METER: budget.full_meter()}, shared=True)
        try:
            text = "".join(self.template.root_render_func(context))
            if len(text) > budget.LETTER_CHARACTERS:
                raise TemplateLimitError(f"makes more than {budget.LETTER_CHARACTERS} characters")
        except _FAILURES as fault:
            return self._fault(fault)
        return text

    def _fault(self, fault: BaseException) -> TemplateFault:
        line, trace = 1, fault.__traceback__
        while trace is not None:
            if trace.tb_frame.f_globals.get("__jinja_template__") is self.template:
                line = self.template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        variable, what = _plainly(fault)
        # A name computed at run time may hold a value of the contact; one written in the template cannot.
        if variable is not None and variable.rpartition(".")[2] not in self.source:
            variable = None
        return TemplateFault(self.name, line, variable, what)


def _plainly(fault: BaseException) -> tuple[str | None, str]:
    """Variable and sentence for what was raised; Python's own messages may quote values and are not used."""
    match fault:
        case BlankPrintedError():
            return fault.message, "has no value for this contact; use |default or {% if %}"
        case UndefinedError():
            return fault.message, "is unknown here; is it in [message] fields?"
        case TemplateLimitError():
            return None, str(fault.message)
        case SecurityError():
            return None, "uses something that templates may not"
        case RecursionError():
            return None, "calls itself without end"
        case MemoryError():
            return None, "needs too much memory"
        case ZeroDivisionError():
            return None, "divides by zero"
        case _:
            return None, f"fails ({type(fault).__name__})"


def _syntax(fault: TemplateSyntaxError) -> str:
    return (fault.message or "cannot be read").rstrip(".")
