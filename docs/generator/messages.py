"""The real messages on the pages of examples, from a home in which the sample company ran.

A page marks the place: `<!-- message: NAME -->`. `make examples` runs the sample company in a home of its own and
writes under each mark what the definition of that name sent; a test holds the pages against another run. Numbers of
incidents, keys in links and the real instants at which files were loaded differ from run to run, and are left out.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerting_pipeline.domain.severity import LEVELS
from alerting_pipeline.rendering.email import email
from alerting_pipeline.rendering.message import Message
from alerting_pipeline.rendering.record import record
from alerting_pipeline.rendering.slack import blocks

if TYPE_CHECKING:
    from sqlalchemy import Engine

EXAMPLES = Path(__file__).parent.parent / "examples"
_MARK = re.compile(
    r"<!-- message: (\w+) -->\n(?:<!-- begin: written by make examples -->\n.*?<!-- end -->\n)?", re.DOTALL
)
_CHANNELS = ("slack", "email", "sheet", "table", "csv")
_QUERY = """
    select destination, channel, message
    from ledger.outbox
    where alert = :alert and status = 'sent' and transition = 'opened'
"""
_SENT_REPORT = "select destination, channel, message from ledger.outbox where alert = :alert and status = 'sent'"


@dataclass(frozen=True)
class Sent:
    """One message as it was handed to one destination."""

    destination: str
    channel: str
    message: Message

    @property
    def order(self) -> tuple[int, str, int, str]:
        """The gravest first; of equals the first by its entity, so that every run shows the same."""
        level = LEVELS.index(self.message.severity) if self.message.severity in LEVELS else len(LEVELS)
        entity = json.dumps(self.message.entity, sort_keys=True, default=str)
        channel = _CHANNELS.index(self.channel) if self.channel in _CHANNELS else len(_CHANNELS)
        return level, entity, channel, self.destination


def sent(engine: Engine, alert: str) -> list[Sent]:
    """Everything that one incident's opening, or one report's first message, had sent to its destinations."""
    from sqlalchemy import text

    with engine.connect() as connection:
        rows = connection.execute(text(_QUERY), {"alert": alert}).all()
        rows = rows or connection.execute(text(_SENT_REPORT), {"alert": alert}).all()
    found = sorted((Sent(row[0], row[1], Message.from_json(row[2])) for row in rows), key=lambda each: each.order)
    return [each for each in found if each.order[:2] == found[0].order[:2]]


def with_messages(page: str, engine: Engine) -> str:
    """The page with the messages under its marks."""

    def replaced(match: re.Match[str]) -> str:
        shown = "\n".join(line for each in sent(engine, match[1]) for line in _shown(each))
        if not shown:
            raise SystemExit(f"{match[1]} sent nothing in this run; is that its name?")
        begin, end = "<!-- begin: written by make examples -->", "<!-- end -->"
        return f"<!-- message: {match[1]} -->\n{begin}\n\n{_without_numbers(shown)}\n{end}\n"

    return _MARK.sub(replaced, page)


def pages() -> list[Path]:
    """The pages of examples that have a mark."""
    return [path for path in sorted(EXAMPLES.glob("*.md")) if _MARK.search(path.read_text(encoding="utf-8"))]


def main(home: str) -> None:
    """Write the messages of a home into all pages of examples."""
    from alerting_pipeline.app import App
    from alerting_pipeline.settings import read_settings

    with App(read_settings({"ALERTING_HOME": home})) as app:
        for path in pages():
            path.write_text(with_messages(path.read_text(encoding="utf-8"), app.engine), encoding="utf-8")


def _shown(each: Sent) -> Iterator[str]:
    letter = getattr(each.message, "letter", None)
    if letter is not None:
        from alerting_pipeline.rendering.letter import mail

        yield from _mail(f"E-mail to {letter.to}", mail(letter))
    elif each.channel == "slack":
        yield from _slack(each)
    elif each.channel == "email":
        yield from _mail(f"E-mail to `{each.destination}`", email(each.message))
    else:
        yield from _row(each)


def _slack(each: Sent) -> Iterator[str]:
    yield f"Slack, `{each.destination}`:\n"
    for block in blocks(each.message):
        for line in _block_lines(block):
            yield "  \n".join(f"> {part}" for part in line.split("\n"))
        yield ">"
    yield ""


def _block_lines(block: Mapping[str, Any]) -> list[str]:
    if block["type"] == "header":
        return [f"**{block['text']['text']}**"]
    if block["type"] == "actions":
        return [" · ".join(f"[{element['text']['text']}]" for element in block["elements"])]
    if block["type"] == "context":
        return [f"*{_markdown(element['text'])}*" for element in block["elements"]]
    if "fields" in block:
        return [f"{_markdown(field['text']).replace(chr(10), ': ')}  " for field in block["fields"]]
    return [_markdown(block["text"]["text"])]


def _markdown(mrkdwn: str) -> str:
    """Slack's mark-up as Markdown; a moment shows in the form for programs that know no time zone."""
    text = re.sub(r"<!date\^[^|>]*\|([^>]*)>", r"\1", mrkdwn)
    text = re.sub(r"<(https?:[^|>]*)\|([^>]*)>", r"[\2](\1)", text)
    text = re.sub(r"(?m)^\*([^*\n]+)\*$", r"**\1**", text)
    for sign, entity in (("<", "&lt;"), (">", "&gt;"), ("&", "&amp;")):
        text = text.replace(entity, sign if sign == "&" else f"\\{sign}")
    return text


def _mail(heading: str, content: Any) -> Iterator[str]:
    yield f"{heading}:\n"
    yield f"```text\nSubject: {content.subject}\n\n{content.text.strip()}\n```\n"


def _row(each: Sent) -> Iterator[str]:
    yield f"A row in the {each.channel} `{each.destination}`:\n"
    filled = {column: value for column, value in record(each.message).items() if value is not None}
    yield "| column | value |\n|---|---|"
    yield from (f"| `{column}` | {str(value).replace('|', chr(92) + '|')} |" for column, value in filled.items())
    yield ""


def _without_numbers(text: str) -> str:
    text = re.sub(r"(?<=incidents/)\d+|(?<=[Ii]ncident )\d+|(?<=`incident_id` \| )\d+", "…", text)
    text = re.sub(r"[\d-]{10} \d\d:\d\d UTC (?=(loaded|refused|changed|published) )", "", text)  # of the real clock
    return re.sub(r"(/unsubscribe)[^\s)\"]*", r"\1/…", text)


if __name__ == "__main__":
    main(sys.argv[1])
