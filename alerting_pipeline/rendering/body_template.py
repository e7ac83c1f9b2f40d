"""The body of a report: an HTML fragment in the small template language, with every value escaped as it is put in.

Escaping makes data harmless in text and in quoted attributes; so a value may stand nowhere else, which is checked once
when the file is read. An address that a row brings is looked at when it is known: a mail must not carry a script's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import unescape
from html.parser import HTMLParser
from typing import Any

from jinja2 import TemplateError, UndefinedError, meta

from alerting_pipeline.rendering.template import BadTemplate, environment, parse
from alerting_pipeline.rendering.text import web_link

LONGEST_BODY = 60_000
LONGEST_RESULT = 200_000
_VALUE, _CODE = re.compile(r"\{\{.*?\}\}", re.DOTALL), re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_MARK = "\N{SECTION SIGN}value\N{SECTION SIGN}"
_REFUSED = frozenset(
    {"script", "style", "iframe", "object", "embed", "form", "base", "meta", "link", "svg", "html", "head", "body"}
)
_MAY_HOLD_VALUES = frozenset({"href", "title", "alt", "class"})
_ADDRESS = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)


def render_body(template: str, values: Mapping[str, Any]) -> str:
    """The fragment with the values put in. Raises BadTemplate for a name without a value, arithmetic that fails, and a
    link that is no http(s) or mail address.
    """
    try:
        text = _compiled(template).render(dict(values))
    except UndefinedError as error:
        raise BadTemplate(f"the template uses a name that has no value: {error.message}") from error
    except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise BadTemplate(f"the template could not be filled in: {type(error).__name__}") from error
    if len(text) > LONGEST_RESULT:
        raise BadTemplate(f"the message is longer than {LONGEST_RESULT} characters")
    for match in _ADDRESS.finditer(text):
        address = unescape(match.group(1) if match.group(1) is not None else match.group(2))
        if not address.startswith("mailto:") and not web_link(address):
            raise BadTemplate("a link of the message is not an http(s) address")
    return text


def body_names(template: str) -> frozenset[str]:
    """The names that the body needs; raises BadTemplate for what is outside the language, or where data could act."""
    names = meta.find_undeclared_variables(parse(template, LONGEST_BODY))
    _check_places(template)
    return frozenset(names)


@lru_cache(maxsize=256)
def _compiled(template: str) -> Any:
    parse(template, LONGEST_BODY)
    return environment(is_html=True).from_string(template)


def _check_places(template: str) -> None:
    marked = _CODE.sub("", _VALUE.sub(_MARK, template))
    unquoted = re.search(rf"=\s*{_MARK}", marked)
    if unquoted:
        line = template[: template.find("{{")].count("\n") + 1
        raise BadTemplate('an attribute holds a value without quotes; write name="{{ column }}"', line)
    if re.search(rf"<\s*/?\s*{_MARK}", marked):
        raise BadTemplate("a value stands where a tag has its name; write the tag out")
    checker = _Places()
    checker.feed(marked)
    checker.close()


class _Places(HTMLParser):
    """Goes through the markup around the values, and refuses what would run, load or be steered by data."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        if tag in _REFUSED:
            raise BadTemplate(f"the body may not have <{tag}>; write the content alone, as in <p>…</p>", line)
        for name, value in attrs:
            if name.startswith("on") or _MARK in name:
                raise BadTemplate(f"the attribute {name.replace(_MARK, '{{ … }}')} is not allowed in a mail", line)
            if value and _MARK in value and name not in _MAY_HOLD_VALUES:
                raise BadTemplate(f"the attribute {name} may not hold a value; only href, title and alt may", line)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
