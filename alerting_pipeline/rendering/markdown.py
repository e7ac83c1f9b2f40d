"""The message as Markdown, for tickets and check results. Every sign that Markdown could read in data is escaped."""

from __future__ import annotations

import re

from alerting_pipeline.rendering import text
from alerting_pipeline.rendering.message import Line, Message

_SIGNS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>&@:])")


def escape(value: str) -> str:
    """One line of data that shows as itself: no link, no mention, no heading, no HTML."""
    return _SIGNS.sub(r"\\\1", text.clean(value))


def markdown(message: Message) -> str:
    """Heading, what is wrong, a table of the facts, links."""
    lines = [f"### {escape(text.heading(message))}", "", escape(text.shorten(text.clean(message.summary), 3_000)), ""]
    if message.note:
        lines += [f"*{escape(message.note)}*", ""]
    for section in message.sections:
        lines += [f"**{escape(section.title)}**", "", *(_line(line) for line in section.lines)]
        lines += [f"- {text.left_out(section)}", ""] if section.more else [""]
    lines += ["| | |", "|---|---|"] if not message.sections else []
    lines += [f"| {escape(fact.label)} | {escape(text.shorten(fact.value, 2_000))} |" for fact in text.facts(message)]
    where = " · ".join(f"[{item.label}](<{_address(item.value)}>)" for item in text.links(message))
    lines += ["", where] if where else []
    lines += ["", escape(text.shorten(text.clean(message.description), 2_000))] if message.description else []
    return "\n".join([*lines, "", escape(text.origin(message))]) + "\n"


def _line(line: Line) -> str:
    said, address = escape(text.shorten(line.text, 300)), text.web_link(line.url)
    said = f"[{said}](<{_address(address)}>)" if address else said
    return f"- {text.line_sign(line)} {said}{f' – {escape(line.note)}' if line.note else ''}"


def _address(url: str) -> str:
    return url.replace("<", "%3C").replace(">", "%3E")
