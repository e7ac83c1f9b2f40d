"""The message as an e-mail: subject, HTML with inlined CSS, and text. Jinja escapes every value by itself here.

Mail programs drop `<style>` or half of what is in it, so the rules are moved onto the elements (css-inline). No image
and no address is fetched when the mail is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment

from alerting_pipeline.rendering import text
from alerting_pipeline.rendering.message import Line, Message

LONGEST_SUBJECT = 200
_COLOURS = {"critical": "#b42318", "high": "#c4560c", "medium": "#a16207", "low": "#1d4ed8", "info": "#475467"}
_RESOLVED = "#067647"


@dataclass(frozen=True, slots=True)
class Email:
    """What a mail shows; who it is from and to is the channel's affair."""

    subject: str
    html: str
    text: str


def email(message: Message) -> Email:
    """Subject, HTML and text of one message."""
    return Email(subject=subject(message), html=_html(message), text=text.text(message))


def subject(message: Message) -> str:
    """One line without control characters: a header can't be broken by it. Of many incidents the title counts them."""
    said = "" if message.sections else text.clean(message.summary)
    return text.shorten(f"{text.heading(message)}: {said}" if said else text.heading(message), LONGEST_SUBJECT)


def _html(message: Message) -> str:
    import css_inline

    page = _template().render(
        heading=text.heading(message),
        summary=text.shorten(text.clean(message.summary), 3_000),
        note=text.shorten(text.clean(message.note), 1_000),
        sections=[
            (text.clean(section.title, 200), [_line(line) for line in section.lines], text.left_out(section))
            for section in message.sections
        ],
        facts=[(fact.label, text.shorten(fact.value, 2_000)) for fact in text.facts(message)],
        links=[(item.label, item.value) for item in text.links(message)],
        description=text.shorten(text.clean(message.description), 2_000),
        origin=text.origin(message),
        is_resolved=message.is_resolved,
        colour=_RESOLVED if message.is_resolved else _COLOURS.get(message.severity, "#475467"),
    )
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False).inline(page)


def _line(line: Line) -> dict[str, Any]:
    return {
        "sign": text.line_sign(line),
        "said": text.clean(line.text, 300),
        "note": text.clean(line.note, 200),
        "address": text.web_link(line.url),
        "is_over": line.is_over,
    }


@lru_cache(maxsize=1)
def _template() -> Any:
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ heading }}</title>
<style>
body { margin: 0; padding: 16px; background: #f2f4f7; color: #101828; font: 15px/1.5 Helvetica, Arial, sans-serif; }
.card { max-width: 600px; margin: 0 auto; background: #ffffff; border-radius: 8px; border-top: 5px solid; }
.inner { padding: 20px 24px; }
h1 { font-size: 18px; line-height: 1.35; margin: 0 0 10px; }
h2 { font-size: 15px; margin: 14px 0 4px; }
ul { list-style: none; margin: 0 0 14px; padding: 0; }
li { padding: 3px 0; overflow-wrap: anywhere; }
.line { color: #101828; }
.summary { font-size: 16px; margin: 0 0 14px; overflow-wrap: anywhere; }
.over { text-decoration: line-through; color: #475467; }
.note { margin: 0 0 14px; padding: 8px 12px; background: #f2f4f7; border-radius: 6px; }
table { width: 100%; border-collapse: collapse; margin: 0 0 18px; }
th { text-align: left; vertical-align: top; padding: 5px 16px 5px 0; color: #475467; width: 120px; }
th { font-weight: normal; }
td { padding: 5px 0; vertical-align: top; font-weight: bold; overflow-wrap: anywhere; }
.button { display: inline-block; margin: 0 8px 8px 0; padding: 9px 16px; border-radius: 6px; text-decoration: none; }
.first { color: #ffffff; }
.other { background: #f2f4f7; color: #101828; }
.small { font-size: 13px; color: #475467; margin: 8px 0 0; }
</style>
</head>
<body>
<div class="card" style="border-top-color: {{ colour }}">
<div class="inner">
<h1>{{ heading }}</h1>
{% if summary %}
<p class="summary{{ ' over' if is_resolved }}">{{ summary }}</p>
{% endif %}
{% if note %}
<p class="note">{{ note }}</p>
{% endif %}
{% for title, lines, more in sections %}
<h2>{{ title }}</h2>
<ul>
{% for line in lines %}
<li{% if line.is_over %} class="over"{% endif %}>{{ line.sign }}
{% if line.address %}
<a class="line" href="{{ line.address }}">{{ line.said }}</a>
{%- else %}
{{ line.said }}
{%- endif %}
{% if line.note %} <span class="small">{{ line.note }}</span>{% endif %}
</li>
{% endfor %}
{% if more %}
<li class="small">{{ more }}</li>
{% endif %}
</ul>
{% endfor %}
{% if facts %}
<table role="presentation">
{% for label, value in facts %}
<tr><th>{{ label }}</th><td>{{ value }}</td></tr>
{% endfor %}
</table>
{% endif %}
{% if links %}
<p>
{% for label, address in links %}
<a class="button {{ 'first' if loop.first else 'other' }}" href="{{ address }}"
{%- if loop.first %} style="background: {{ colour }}"{% endif %}>{{ label }}</a>
{% endfor %}
</p>
{% endif %}
{% if description %}
<p class="small">{{ description }}</p>
{% endif %}
<p class="small">{{ origin }}</p>
</div>
</div>
</body>
</html>
"""
