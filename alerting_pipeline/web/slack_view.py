"""Slack blocks as a page can show them: pieces of text with a style, never HTML. The template escapes every piece."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alerting_pipeline.rendering.text import web_link

_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^<>]*)>")
_LABEL = re.compile(r"\*([^*\n]+)\*\n")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text in one style: plain, bold or struck."""

    text: str
    style: str = "plain"


@dataclass(frozen=True, slots=True)
class Button:
    """A link that looks like a button."""

    label: str
    url: str
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """One block: header, text, fields, note or buttons."""

    kind: str
    pieces: tuple[Piece, ...] = ()
    cells: tuple[tuple[Piece, ...], ...] = ()
    buttons: tuple[Button, ...] = ()


def shown(blocks: list[dict[str, Any]]) -> list[Shown]:
    """The blocks in order; what this page does not know is left out."""
    return [view for block in blocks for view in _views(block)]


def pieces(text: dict[str, Any]) -> tuple[Piece, ...]:
    """A text object, with the little markup that our own messages have."""
    said = str(text.get("text", ""))
    if text.get("type") != "mrkdwn":
        return (Piece(said),)
    said = _DATE.sub(lambda match: match.group(1), said)
    if said.startswith("~") and said.endswith("~") and len(said) > 2:
        return (Piece(html.unescape(said[1:-1]), "struck"),)
    label = _LABEL.match(said)
    if label:
        return Piece(html.unescape(label.group(1)), "bold"), Piece(html.unescape(said[label.end() :]))
    return (Piece(html.unescape(said)),)


def _views(block: dict[str, Any]) -> Iterator[Shown]:
    kind = block.get("type")
    if kind == "header":
        yield Shown("header", pieces(block["text"]))
    elif kind == "section":
        if block.get("text"):
            yield Shown("text", pieces(block["text"]))
        if block.get("fields"):
            yield Shown("fields", cells=tuple(pieces(item) for item in block["fields"]))
    elif kind == "context":
        yield Shown("note", tuple(piece for item in block["elements"] for piece in pieces(item)))
    elif kind == "actions":
        yield Shown("buttons", buttons=tuple(_buttons(block["elements"])))


def _buttons(elements: list[dict[str, Any]]) -> Iterator[Button]:
    for item in elements:
        if address := web_link(str(item.get("url", ""))):
            yield Button(str(item["text"]["text"]), address, item.get("style") == "primary")
