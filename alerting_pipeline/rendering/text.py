"""The message as plain text, and what every way of writing it shares: the order of the facts, and clean text.

The order is the checklist of good alerts: which system, what, how far off, whose, by when, where to act. An emoji in
front lets a reader skim.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from alerting_pipeline.rendering import words
from alerting_pipeline.rendering.message import Field, Line, Message, Section

SEVERITY_EMOJI = {"critical": "🔴", "high": "🟠", "medium": "🟡", "low": "🔵", "info": "⚪"}
_KINDS = {"data": "Data failure", "system": "System failure"}
_ENDINGS = {
    "cleared": "Cleared",
    "withdrawn": "Withdrawn",
    "expired": "Expired",
    "definition_removed": "No longer watched",
}
_STATES = {
    "updated": "Changed",
    "reopened": "Back again",
    "woken": "No longer snoozed",
    "assigned": "Assigned",
    "reminded": "Reminder",
    "sla_warned": "Response due soon",
    "sla_breached": "Response overdue",
    "escalated": "Escalated",
}
_BREAKS = re.compile(r"\s+")
# Marks that reverse or hide the text around them; a name must not be able to turn a sentence round.
_DIRECTION = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u200b\u2060")


def clean(text: str, longest: int | None = None) -> str:
    """One line without control and direction marks; cut with an ellipsis at `longest` characters."""
    line = _BREAKS.sub(" ", text)
    line = "".join(sign for sign in line if sign not in _DIRECTION and unicodedata.category(sign) not in {"Cc", "Cs"})
    return shorten(line.strip(), longest) if longest else line.strip()


def shorten(text: str, longest: int) -> str:
    """At most `longest` characters, the last one an ellipsis if something was cut."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def web_link(url: str, longest: int = 3_000) -> str:
    """The address if it is http or https with a host and nothing hidden in it, else an empty text."""
    url = url.strip()
    if not url or len(url) > longest or any(sign.isspace() or unicodedata.category(sign) == "Cc" for sign in url):
        return ""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname)
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and has_host and "@" not in parts.netloc else ""


def heading(message: Message) -> str:
    """Emoji, state, system of origin and title: "💳 payments · Large transaction"."""
    state = ""
    if message.is_resolved:
        state = f"{_ENDINGS.get(message.transition, 'Resolved')}: "
    else:
        state = f"{_STATES[message.transition]}: " if message.transition in _STATES else ""
    trial = "[test] " if message.is_test else ""
    emoji = "✅" if message.is_resolved else clean(message.emoji, 8) or SEVERITY_EMOJI.get(message.severity, "🔔")
    system = f"{clean(message.system, 40)} · " if message.system else ""
    return f"{emoji} {trial}{state}{system}{clean(message.title)}"


def facts(message: Message) -> list[Field]:
    """The labelled facts in the order of the checklist, then the fields that the definition shows."""
    if message.sections:  # each incident has facts of its own
        return [Field(clean(item.label, 80), clean(item.value)) for item in message.fields]
    severity = clean(message.severity)
    known = [
        ("Deviance", clean(message.deviance)),
        ("Severity", f"{SEVERITY_EMOJI.get(severity, '')} {severity}".strip()),
        ("Owner", clean(message.owner)),
        ("Time allowed", time_allowed(message)),
        ("When", _instant(message.occurred_at)),
        ("Resolved", _instant(message.resolved_at)),
        ("Runbook", "" if web_link(message.runbook) or message.is_resolved else clean(message.runbook, 300)),
    ]
    shown = [Field(label, value) for label, value in known if value]
    return shown + [Field(clean(item.label, 80), clean(item.value)) for item in message.fields]


def time_allowed(message: Message) -> str:
    """ "1 h, until 5 January 2026, 05:22 UTC"; nothing once the incident has ended."""
    if message.is_resolved or not message.respond_within:
        return ""
    until = f", until {_instant(message.due_at)}" if message.due_at else ""
    return f"{clean(message.respond_within)}{until}"


def links(message: Message) -> list[Field]:
    """Where to act, as (label, address); only addresses that a browser may safely open."""
    page = "Incidents" if message.sections else "Incident"
    asked = [("Open", message.link), ("Runbook", message.runbook), (page, message.incident_url)]
    return [Field(label, address) for label, url in asked if (address := web_link(url))]


def origin(message: Message) -> str:
    """The last line: kind of failure if it isn't a business exception, incident, alert."""
    parts = [_KINDS.get(message.kind, "")]
    parts.append(f"incident {message.incident_id}" if message.incident_id is not None else "")
    parts.append(clean(message.alert))
    return " · ".join(part for part in parts if part)


def line_sign(line: Line) -> str:
    """The sign that one of several incidents is skimmed by."""
    return "✅" if line.is_over else SEVERITY_EMOJI.get(line.severity, "🔔")


def left_out(section: Section) -> str:
    """How many of a section aren't listed, in words; empty where all are."""
    return f"and {section.more:,} more" if section.more else ""


def text(message: Message) -> str:
    """The whole message as plain text, one fact a line."""
    lines = [heading(message), "", clean(message.summary, 3_000)]
    lines += [clean(message.note, 1_000)] if message.note else []
    lines += _sections(message)
    lines += [""] + [f"{item.label}: {shorten(item.value, 2_000)}" for item in facts(message)]
    lines += [""] + [f"{item.label}: {item.value}" for item in links(message)]
    lines += ["", clean(message.description, 2_000), origin(message)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _sections(message: Message) -> list[str]:
    lines: list[str] = []
    for section in message.sections:
        lines += ["", clean(section.title, 200)]
        for line in section.lines:
            note = f" ({clean(line.note, 200)})" if line.note else ""
            lines.append(f"  {line_sign(line)} {clean(line.text, 300)}{note}")
        lines += [f"  {left_out(section)}"] if section.more else []
    return lines


def _instant(written: str) -> str:
    return clean(words.day_and_time(written)) if written else ""
