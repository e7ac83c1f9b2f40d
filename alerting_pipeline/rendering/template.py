"""Templates of definitions: `summary`, `link`, `subject`. Data never becomes code here.

A template is a small language of its own: text, names, listed filters, conditions and arithmetic. Everything else that
Jinja knows (attributes, items, calls, loops, assignments, imports) is refused when the template is parsed, so that the
sandbox below it is a second fence and not the only one. Values are put in as they are; the channels encode them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateError, Undefined, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.rendering import words
from alerting_pipeline.rendering.text import web_link

LONGEST_TEMPLATE = 4_000
LONGEST_RESULT = 10_000

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter, nodes.Keyword, nodes.If,
    nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test, nodes.Concat,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.Neg, nodes.Pos,
)  # fmt: skip
_TESTS = frozenset({"none", "defined", "undefined", "number", "string", "eq", "ne", "lt", "le", "gt", "ge", "in"})
_RESERVED = frozenset({"self", "super", "loop", "caller", "varargs", "kwargs"})


class BadTemplate(AlertingError):
    """The template can't be used. `line` counts from 1 within the template."""

    def __init__(self, what: str, line: int = 1) -> None:
        super().__init__(what)
        self.line = line


def render(template: str, values: Mapping[str, Any]) -> str:
    """The template with the values put in, at most LONGEST_RESULT characters.

    Raises BadTemplate for a template that `variables` refuses, for a name without a value, and for arithmetic that
    fails. A value of None reads as a dash.
    """
    compiled = _compile(template)
    try:
        text = compiled.render(dict(values))
    except UndefinedError as error:
        raise BadTemplate(f"the template uses a name that has no value: {error.message}") from error
    except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise BadTemplate(f"the template could not be filled in: {type(error).__name__}: {error}") from error
    return text if len(text) <= LONGEST_RESULT else text[: LONGEST_RESULT - 1] + "…"


def render_link(template: str, values: Mapping[str, Any]) -> str:
    """A web address with the values put in and percent-encoded, so that none of them reaches beyond its place.

    A template that begins with a value takes the whole address from the data, as it is. The result is empty unless it
    is an http(s) address. Raises BadTemplate as `render` does.
    """
    if not template.lstrip().startswith("{{"):
        values = {name: _quoted(value) for name, value in values.items()}
    return web_link(render(template, values))


def variables(template: str) -> frozenset[str]:
    """The names that the template needs; raises BadTemplate for anything outside the small language."""
    return frozenset(meta.find_undeclared_variables(parse(template)))


def filters() -> tuple[str, ...]:
    """The filters that a template may use."""
    return tuple(sorted(environment().filters))


class _Environment(SandboxedEnvironment):
    """Jinja's sandbox with no way from a value to anything behind it."""

    intercepted_binops = frozenset({"*", "+"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        raise SecurityError(f"attribute {attribute!r} is not allowed in a template")

    def getitem(self, obj: Any, argument: Any) -> Any:
        raise SecurityError("items are not allowed in a template")

    def call(self, *args: Any, **kwargs: Any) -> Any:
        raise SecurityError("calls are not allowed in a template")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic is for numbers: text times a number would fill the memory."""
        if isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple):
            raise SecurityError(f"{operator} is only for numbers; use ~ to join texts")
        return super().call_binop(context, operator, left, right)


@lru_cache(maxsize=2)
def environment(*, is_html: bool = False) -> SandboxedEnvironment:
    """The small language. `is_html`: every value is escaped as it is put in, for a body that is markup itself."""
    environment = _Environment(undefined=StrictUndefined, autoescape=is_html, finalize=_finalize)
    kept = {name: environment.filters[name] for name in ("abs", "capitalize", "lower", "title", "trim", "upper")}
    environment.filters = {
        **kept,
        "date": words.day,
        "datetime": words.day_and_time,
        "default": _default,
        "duration": words.duration,
        "local": words.local,
        "money": words.money,
        "number": words.number,
        "percent": words.percent,
        "round": _rounded,
        "time": words.clock_time,
        "truncate": _truncated,
        "urlencode": _quoted_text,
    }
    environment.tests = {name: test for name, test in environment.tests.items() if name in _TESTS}
    environment.globals = {}
    return environment


def parse(template: str, longest: int = LONGEST_TEMPLATE) -> nodes.Template:
    """The template's tree. Raises BadTemplate for anything outside the small language."""
    if len(template) > longest:
        raise BadTemplate(f"the template has {len(template)} characters; {longest} are allowed")
    known = environment()
    try:
        tree = known.parse(template)
    except TemplateError as error:
        raise BadTemplate(f"the template is not valid: {error}", getattr(error, "lineno", None) or 1) from error
    for node in [tree, *tree.find_all(nodes.Node)]:
        if not isinstance(node, _ALLOWED):
            raise BadTemplate(_refusal(node), node.lineno)
        if isinstance(node, nodes.Name) and node.name in _RESERVED:
            raise BadTemplate(
                f"{node.name!r} is a word of the template language; name the column otherwise", node.lineno
            )
        if isinstance(node, nodes.Filter) and node.name not in known.filters:
            there = ", ".join(filters())
            raise BadTemplate(f"there is no filter {node.name!r} in templates; there are {there}", node.lineno)
        if isinstance(node, nodes.Test) and node.name not in known.tests:
            raise BadTemplate(f"there is no test {node.name!r} in templates", node.lineno)
    return tree


def _refusal(node: nodes.Node) -> str:
    kind = type(node).__name__.lower()
    hints = {
        "getattr": "a template may not look inside a value; select the column under a name of its own",
        "getitem": "a template may not look inside a value; select the column under a name of its own",
        "call": "a template may not call anything; use a filter such as | money",
        "for": "a template has no loops; aggregate in the model",
    }
    return hints.get(kind, f"{kind} is not allowed in a template; use names, filters, conditions and arithmetic")


@lru_cache(maxsize=2048)
def _compile(template: str) -> Any:
    return environment().from_string(parse(template))


def _finalize(value: object) -> object:
    return value if isinstance(value, str | Undefined) else words.plain(value)


def _default(value: object, instead: object = "") -> object:
    return instead if value is None or isinstance(value, Undefined) else value


def _rounded(value: object, decimals: int = 0) -> str:
    return words.number(value, decimals)


def _truncated(value: object, length: int = 80) -> str:
    text = words.plain(value)
    return text if len(text) <= length else text[: max(0, length - 1)] + "…"


def _quoted_text(value: object) -> str:
    return "" if value is None else quote(str(value), safe="")


def _quoted(value: object) -> object:
    return quote(value, safe="") if isinstance(value, str) else value
