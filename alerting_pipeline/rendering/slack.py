"""The message as Slack Block Kit, in the order of the checklist, within Slack's limits, whatever the data says.

Data goes into `mrkdwn` objects that are `verbatim` (Slack then makes no links, mentions or channel names of its own)
with & < > escaped, so that only this module can write `<…>`. Text is cut by its escaped length: Slack counts that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from alerting_pipeline.rendering import text, words
from alerting_pipeline.rendering.message import Field, Line, Message

MOST_BLOCKS = 50
LONGEST_TEXT = 3_000
LONGEST_HEADER = 150
LONGEST_FIELD = 2_000
MOST_FIELDS = 10
LONGEST_BUTTON = 75
MOST_SECTIONS_OF_FIELDS = 4
MOST_BLOCKS_OF_LINES = 40
LONGEST_LINE = 250
EVENT_TYPE = "alerting_delivery"

Block = dict[str, Any]


def escape(value: str, longest: int = LONGEST_TEXT) -> str:
    """Data as mrkdwn that shows as itself, at most `longest` characters after escaping, no entity cut in two."""
    signs = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    written, room = [], longest
    pieces = [signs.get(sign, sign) for sign in text.clean(value)]
    if sum(map(len, pieces)) <= longest:
        return "".join(pieces)
    for piece in pieces:
        if len(piece) > room - 1:
            break
        written.append(piece)
        room -= len(piece)
    return "".join(written).rstrip() + "…"


def blocks(message: Message) -> list[Block]:
    """Header, what, facts, note, buttons, origin: at most MOST_BLOCKS blocks."""
    laid = [_header(message), *_what(message), *_sections(message), *_facts(message)]
    if message.note:
        laid.append(_context(escape(message.note, 1_000)))
    if message.description and not message.is_resolved:
        laid.append(_context(escape(message.description, 2_000)))
    laid += _buttons(message)
    laid.append(_context(escape(text.origin(message), 1_000)))
    return laid[:MOST_BLOCKS]


def fallback(message: Message) -> str:
    """The text of notifications and screen readers: heading, summary, how far off, by when."""
    parts = [escape(text.heading(message), 300), escape(message.summary, 1_500)]
    parts += [escape(part, 300) for part in (message.deviance, text.time_allowed(message)) if part]
    return " – ".join(part for part in parts if part)


def note_of_change(message: Message) -> str:
    """One line for the thread under the first message: what has just changed."""
    parts = [text.heading(message), text.clean(message.deviance), text.clean(message.note)]
    return escape(" – ".join(part for part in parts if part), 1_000)


def note_blocks(message: Message) -> list[Block]:
    """The same line as a block, in which Slack makes no links of its own."""
    return [{"type": "section", "text": _mrkdwn(note_of_change(message))}]


def metadata(delivery_id: UUID, message: Message) -> dict[str, Any]:
    """What a resend is recognised by, and what a button will say."""
    incident = str(message.incident_id) if message.incident_id is not None else ""
    return {
        "event_type": EVENT_TYPE,
        "event_payload": {"delivery_id": str(delivery_id), "incident_id": incident, "alert": message.alert},
    }


def _header(message: Message) -> Block:
    title = text.shorten(text.heading(message), LONGEST_HEADER)
    return {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}}


def _what(message: Message) -> list[Block]:
    said = escape(message.summary.replace("~", "∼") if message.is_resolved else message.summary, LONGEST_TEXT - 2)
    if not said:
        return []
    return [{"type": "section", "text": _mrkdwn(f"~{said}~" if message.is_resolved else said)}]


def _sections(message: Message) -> list[Block]:
    """Several incidents, a line each, in as few blocks as Slack's limit of a text allows."""
    laid: list[Block] = []
    for section in message.sections:
        said = f"*{escape(section.title, 200)}*"
        for line in (*map(_line, section.lines), *filter(None, [text.left_out(section)])):
            if len(said) + len(line) + 1 > LONGEST_TEXT:
                laid.append({"type": "section", "text": _mrkdwn(said)})
                said = line
            else:
                said += f"\n{line}"
        laid.append({"type": "section", "text": _mrkdwn(said)})
    return laid[:MOST_BLOCKS_OF_LINES]


def _line(line: Line) -> str:
    said = escape(line.text, LONGEST_LINE)
    address = text.web_link(line.url, 500)
    if line.is_over:
        said = f"~{said.replace('~', '∼')}~"
    elif address and not set(address) & set("<>|"):
        said = f"<{escape(address, 1_000)}|{said.replace('|', '∣')}>"
    return f"{text.line_sign(line)} {said}{f' – {escape(line.note, 150)}' if line.note else ''}"


def _facts(message: Message) -> list[Block]:
    facts = text.facts(message)
    room = MOST_FIELDS * MOST_SECTIONS_OF_FIELDS
    if len(facts) > room:
        facts = [*facts[: room - 1], Field("And more", f"{len(facts) - room + 1} fields are not shown")]
    laid = [_mrkdwn(_fact(fact, message)) for fact in facts]
    return [
        {"type": "section", "fields": laid[start : start + MOST_FIELDS]} for start in range(0, len(laid), MOST_FIELDS)
    ]


def _fact(fact: Field, message: Message) -> str:
    label = escape(fact.label, 100)
    if fact.label == "Time allowed" and message.due_at:
        local = _local_time(message.due_at)
        return f"*{label}*\n{escape(message.respond_within, 100)}{f', until {local}' if local else ''}"
    if fact.label == "When" and (local := _local_time(message.occurred_at)):
        return f"*{label}*\n{local}"
    return f"*{label}*\n{escape(fact.value, LONGEST_FIELD - len(label) - 3) or words.NOTHING}"


def _local_time(instant: str) -> str:
    """Slack shows the reader's own time zone; the text after the bar is for clients that can't."""
    try:
        seconds = int(datetime.fromisoformat(instant).timestamp())
    except ValueError:
        return ""
    return f"<!date^{seconds}^{{date_short_pretty}} at {{time}}|{escape(words.day_and_time(instant))}>"


def _buttons(message: Message) -> list[Block]:
    labels = {"Open": "Open to resolve", "Runbook": "Runbook", "Incident": "History", "Incidents": "All incidents"}
    laid: list[Block] = []
    for position, item in enumerate(text.links(message)):
        button: Block = {
            "type": "button",
            "action_id": f"link_{position}",
            "text": {"type": "plain_text", "text": labels[item.label][:LONGEST_BUTTON], "emoji": True},
            "url": item.value,
        }
        if not laid and item.label == "Open" and not message.is_resolved:
            button["style"] = "primary"
        laid.append(button)
    return [{"type": "actions", "elements": laid}] if laid else []


def _context(said: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(said)]}


def _mrkdwn(said: str) -> Block:
    return {"type": "mrkdwn", "text": said, "verbatim": True}
