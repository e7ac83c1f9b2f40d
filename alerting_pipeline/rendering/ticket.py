"""The message as a ticket: its title, its text as Markdown or as Atlassian's document format, and later comments.

A marker that people don't see names the conversation in the text, and the delivery in a comment.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from alerting_pipeline.rendering import text
from alerting_pipeline.rendering.markdown import escape, markdown
from alerting_pipeline.rendering.message import Message

LONGEST_TITLE = 250
LONGEST_BODY = 60_000
_MOST_FACTS, _LONGEST_FACT = 60, 300  # a description of Jira holds 32,767 signs
_VERBS = {"updated": "Changed", "acknowledged": "Taken", "reopened": "Open again", "cleared": "Cleared"}


def title(message: Message) -> str:
    """One line: what it is, and about what."""
    trial = "[test] " if message.is_test else ""
    return text.shorten(f"{trial}{text.clean(message.title)}: {text.clean(message.summary)}", LONGEST_TITLE)


def mark(key: UUID) -> str:
    """A comment of HTML, which Markdown doesn't show; data can't forge one, since its signs are escaped."""
    return f"<!-- alerting-pipeline {key} -->"


def body(message: Message, marker: UUID) -> str:
    """The ticket's text as Markdown."""
    return f"{text.shorten(markdown(message), LONGEST_BODY)}\n{mark(marker)}\n"


def news(message: Message) -> str:
    """What happened, in a line without markup."""
    verb = _VERBS.get(message.transition) or message.transition.replace("_", " ").capitalize()
    parts = [f"{verb}: {text.clean(message.summary, 1_000)}"]
    if not message.is_resolved:
        deviance = f", {text.clean(message.deviance)}" if message.deviance else ""
        parts.append(f"({text.clean(message.severity)}{deviance})")
    return " ".join([*parts, text.clean(message.note, 1_000)]).strip()


def comment(message: Message, key: UUID) -> str:
    """A comment as Markdown."""
    return f"{escape(news(message))}\n\n{mark(key)}\n"


# --- Atlassian Document Format ----------------------------------------------------------------------------------------


def document(message: Message) -> dict[str, Any]:
    """The ticket's text for Jira. Text nodes hold text: nothing in them is read as markup."""
    facts = [
        {
            "type": "listItem",
            "content": [
                _paragraph(_text(f"{fact.label}: ", strong=True), _text(text.shorten(fact.value, _LONGEST_FACT)))
            ],
        }
        for fact in text.facts(message)[:_MOST_FACTS]
        if text.clean(fact.value)
    ]
    links = [_text(item.label, href=item.value) for item in text.links(message)]
    spaced = [part for link in links for part in (_text(" · "), link)][1:]
    parts = [
        _paragraph(_text(text.clean(message.summary, 3_000))),
        _paragraph(_text(text.clean(message.note, 1_000))) if message.note else None,
        {"type": "bulletList", "content": facts} if facts else None,
        _paragraph(*spaced) if spaced else None,
        _paragraph(_text(text.clean(message.description, 2_000))) if message.description else None,
        _paragraph(_text(text.origin(message))),
    ]
    return _document(*(part for part in parts if part is not None))


def comment_document(message: Message) -> dict[str, Any]:
    """A comment for Jira."""
    return _document(_paragraph(_text(news(message))))


def _document(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "doc", "version": 1, "content": list(content)}


def _paragraph(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "paragraph", "content": [part for part in content if part["text"]]}


def _text(value: str, *, strong: bool = False, href: str = "") -> dict[str, Any]:
    node: dict[str, Any] = {"type": "text", "text": value}
    if strong:
        node["marks"] = [{"type": "strong"}]
    if href:
        node["marks"] = [{"type": "link", "attrs": {"href": href}}]
    return node
