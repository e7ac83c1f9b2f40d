"""From a row of a report to its letter, and from the letter to the mail that its recipient reads.

The letter is composed when it is written to the outbox, so that what is sent is what the row said then; the page around
it (styles, the last line, the link that ends it) is added when it leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment

from alerting_pipeline.domain.letter import DueLetter, Fate, Judged, Letter, has_unknown_zone, judged_before_rendering
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.rendering import text
from alerting_pipeline.rendering.body_template import body_names, render_body
from alerting_pipeline.rendering.email import LONGEST_SUBJECT, Email
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.plain_text import plain_text
from alerting_pipeline.rendering.template import BadTemplate, render, variables
from alerting_pipeline.rendering.violation_text import typed

UnsubscribeUrl = Callable[[str, str], str]
"""The address that ends a report (its name) for a recipient (the address)."""


def judged(definition: ReportDefinition, due: DueLetter, now: datetime, public_url: str, url: UnsubscribeUrl) -> Judged:
    """The row's fate at `now`, and its letter where it is to be sent. A text that can't be filled in skips the row."""
    early = judged_before_rendering(definition, due, now)
    if early is not None:
        return early
    try:
        letter = compose(definition, due, now, public_url, url)
    except BadTemplate as error:
        return Judged(due, Fate.SKIPPED, str(error))
    hours = definition.send_within
    unknown = hours is not None and has_unknown_zone(hours, due.zone)
    return Judged(due, Fate.QUEUED, letter=letter, has_unknown_zone=unknown)


def compose(
    definition: ReportDefinition, due: DueLetter, now: datetime, public_url: str, url: UnsubscribeUrl
) -> Letter:
    """The letter of a row that has an address. Raises BadTemplate."""
    recipient = due.recipient or ""
    values = _values(definition, due, now, public_url)
    said = {name: values[name] for name in _names(definition.subject, False) if name in values}
    shown = {name: values[name] for name in _names(definition.template_text, True) if name in values}
    subject = text.shorten(text.clean(render(definition.subject, said)), LONGEST_SUBJECT)
    if not subject:
        raise BadTemplate("the subject is empty")
    return Letter(
        report=definition.report,
        to=recipient,
        subject=subject,
        body=render_body(definition.template_text, shown),
        why=definition.description,
        from_name=definition.from_name or "",
        unsubscribe_url=url(definition.report, recipient) if definition.unsubscribe else "",
    )


def message(definition: ReportDefinition, due: DueLetter, letter: Letter) -> Message:
    """The letter as the outbox keeps it: a message like others, for pages and lists, with the letter inside."""
    return Message(
        alert=definition.report,
        transition="report",
        title=definition.heading,
        summary=letter.subject,
        kind="report",
        status="report",
        severity="info",
        emoji="✉️",
        system=definition.system,
        description=definition.description,
        owner=definition.owner,
        entity={name: value if value is not None else "" for name, value in due.entity.items()},
        letter=letter,
    )


def mail(letter: Letter) -> Email:
    """Subject, HTML with inlined styles, and text."""
    import css_inline

    page = _page().render(letter=letter, why=text.shorten(text.clean(letter.why), 500))
    inlined = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False).inline(page)
    words = [plain_text(letter.body)]
    if letter.why:
        words.append(f"--\n{text.clean(letter.why)}\n")
    if letter.unsubscribe_url:
        words.append(f"Unsubscribe: {letter.unsubscribe_url}\n")
    return Email(subject=letter.subject, html=inlined, text="\n".join(words))


def _values(definition: ReportDefinition, due: DueLetter, now: datetime, public_url: str) -> Mapping[str, Any]:
    named = {
        "report": definition.report,
        "title": definition.heading,
        "entity": ", ".join(str(value) for value in due.entity.values()),
        "owner": definition.owner,
        "as_of": now,
        "report_window": due.window,
        "recipient": due.recipient,
        "public_url": public_url,
    }
    columns = {name: typed(value, definition.parameters, name) for name, value in due.record.items()}
    # A value is one line without marks that turn the text around it: it must not be able to rewrite a mail.
    return {**named, **{name: text.clean(each) if isinstance(each, str) else each for name, each in columns.items()}}


@lru_cache(maxsize=256)
def _names(template: str, is_body: bool) -> frozenset[str]:
    return body_names(template) if is_body else variables(template)


@lru_cache(maxsize=1)
def _page() -> Any:
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ letter.subject }}</title>
<style>
body { margin: 0; padding: 16px; background: #f2f4f7; color: #101828; font: 15px/1.5 Helvetica, Arial, sans-serif; }
.card { max-width: 600px; margin: 0 auto; padding: 20px 24px; background: #ffffff; border-radius: 8px; }
h1 { font-size: 19px; line-height: 1.35; margin: 0 0 12px; }
h2 { font-size: 16px; margin: 18px 0 8px; }
p { margin: 0 0 14px; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; margin: 0 0 18px; }
th { text-align: left; vertical-align: top; padding: 5px 16px 5px 0; color: #475467; font-weight: normal; }
td { padding: 5px 0; vertical-align: top; font-weight: bold; overflow-wrap: anywhere; }
.button { display: inline-block; padding: 9px 16px; border-radius: 6px; text-decoration: none; }
a.button { color: #ffffff; background: #1d4ed8; }
.small { max-width: 600px; margin: 12px auto 0; font-size: 13px; color: #475467; }
</style>
</head>
<body>
<div class="card">
{{ letter.body | safe }}
</div>
<p class="small">
{{ why }}
{% if letter.unsubscribe_url %}
<a href="{{ letter.unsubscribe_url }}">Unsubscribe</a>
{% endif %}
</p>
</body>
</html>
"""
