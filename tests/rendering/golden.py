"""The golden files: every case in every form, to be read by eye; `python -m tests.rendering.golden` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from alerting_pipeline.rendering import email, markdown, pagerduty, postmortem, record, slack, ticket, webhook
from alerting_pipeline.rendering.message import Message
from tests.rendering.accounts import ACCOUNT
from tests.rendering.cases import CASES, HOSTILE, hostile_sample
from tests.rendering.together import TOGETHER

DELIVERY = UUID("00000000-0000-5000-8000-000000000041")
FOLDER = Path(__file__).parent / "golden"


def files() -> Iterator[tuple[str, str]]:
    """(file name, content) of all of them."""
    for name, message in CASES.items():
        yield from _forms(name, message)
    for name, string in HOSTILE.items():
        if len(string) < 1_000:  # the long ones are measured, not read
            yield from _forms(f"hostile_{name}", hostile_sample(string))
    for name, message in TOGETHER.items():  # told to people alone
        for file, content in _forms(name, message):
            if file.endswith((".slack.json", ".html", ".txt")):
                yield file, content
    yield "postmortem.md", postmortem.postmortem(ACCOUNT)


def _forms(name: str, message: Message) -> Iterator[tuple[str, str]]:
    shown = {"text": slack.fallback(message), "blocks": slack.blocks(message)}
    yield f"{name}.slack.json", json.dumps(shown, ensure_ascii=False, indent=1) + "\n"
    mail = email.email(message)
    yield f"{name}.html", mail.html.rstrip() + "\n"
    yield f"{name}.txt", f"Subject: {mail.subject}\n\n{mail.text}"
    yield f"{name}.md", markdown.markdown(message)
    yield f"{name}.webhook.json", json.dumps(webhook.payload(DELIVERY, message), ensure_ascii=False, indent=1) + "\n"
    yield f"{name}.pagerduty.json", json.dumps(pagerduty.event(message), ensure_ascii=False, indent=1) + "\n"
    told = {"title": ticket.title(message), "news": ticket.news(message), "jira": ticket.document(message)}
    yield f"{name}.ticket.json", json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    yield f"{name}.record.json", json.dumps(record.record(message), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for name, content in files():
        (FOLDER / name).write_text(content, encoding="utf-8", errors="backslashreplace", newline="")


if __name__ == "__main__":
    main()
