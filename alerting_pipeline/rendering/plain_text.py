"""HTML read as text: the alternative of a mail, made from its body so that the two never say different things."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset({"p", "div", "h1", "h2", "h3", "h4", "table", "tr", "ul", "ol", "li", "br", "hr", "section"})
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "table", "ul", "ol", "hr"})


def plain_text(markup: str) -> str:
    """The text with its line breaks; a link as `words (address)`, an item as `- item`, cells side by side."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._addresses: list[tuple[str, int]] = []
        self._cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.pieces.append("\n\n" if tag in _SPACED else "\n")
        if tag == "li":
            self.pieces.append("- ")
        elif tag == "tr":
            self._cells = 0
        elif tag in ("td", "th"):
            self.pieces.append(": " if self._cells == 1 else ", " if self._cells else "")
            self._cells += 1
        elif tag == "a":
            self._addresses.append((dict(attrs).get("href") or "", len(self.pieces)))

    def handle_endtag(self, tag: str) -> None:
        if tag in _SPACED:
            self.pieces.append("\n\n")
        elif tag == "a" and self._addresses:
            address, start = self._addresses.pop()
            said = "".join(self.pieces[start:]).strip()
            if address and address not in (said, f"mailto:{said}"):
                self.pieces.append(f" ({address})")

    def handle_data(self, data: str) -> None:
        self.pieces.append(re.sub(r"\s+", " ", data))
