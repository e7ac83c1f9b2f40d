"""A file of JSON lines as COPY takes it. Numbers keep every digit; what is nested becomes JSON text.

The file is read twice: once for the columns, since any line may bring a new key, and once for the rows. Readers that
are faster turn numbers into binary fractions on the way, and money would lose its last digits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from decimal import Decimal
from typing import Any

from alerting_pipeline.adapters.byte_stream import CHUNK, ByteStream
from alerting_pipeline.domain.column_names import BadHeader, column_names
from alerting_pipeline.domain.loading import CopyFormat, Unreadable
from alerting_pipeline.domain.source import Source

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"})
_LONGEST_LINE = 64 * 1024 * 1024


class JsonLines:
    """One file of JSON lines. Every row becomes one line of COPY's text format, so a line number is a line number."""

    def __init__(self, reopen: Callable[[], ByteStream], source: Source) -> None:
        self._reopen = reopen
        self._content = reopen()
        keys: dict[str, None] = {}
        for _, row in _rows(self._content):
            keys.update(dict.fromkeys(row))
        self.headers = tuple(keys)
        try:
            self.columns = column_names(self.headers)
        except BadHeader as error:
            raise Unreadable(str(error)) from None
        self._typed = {column.name for column in source.columns if not column.is_text}
        self.format = CopyFormat(kind="text", delimiter="\t", null="\\N")
        self._lines: list[tuple[int, int]] = []

    @property
    def content_hash(self) -> str:
        return self._content.content_hash

    def line_of(self, line: int) -> int | None:
        """Empty lines are passed over: `_lines` notes by how many from which row on."""
        passed = 0
        for row, count in self._lines:
            if row <= line:
                passed = count
        return line + passed

    def chunks(self) -> Generator[bytes]:
        self._content = self._reopen()
        named = [(key, column in self._typed) for key, column in zip(self.headers, self.columns, strict=True)]
        waiting: list[str] = []
        size = passed = 0
        for row_number, (line, row) in enumerate(_rows(self._content), start=1):
            if line - row_number != passed:
                passed = line - row_number
                self._lines.append((row_number, passed))
            text = "\t".join([_field(row.get(key), is_typed) for key, is_typed in named])
            waiting.append(text)
            size += len(text)
            if size > CHUNK:
                yield ("\n".join(waiting) + "\n").encode("utf-8", "surrogatepass")
                waiting, size = [], 0
        if waiting:
            yield ("\n".join(waiting) + "\n").encode("utf-8", "surrogatepass")


def _field(value: Any, is_typed: bool) -> str:
    """One value in COPY's text format; an empty text means nothing where the column is a number or a date."""
    if value is None or (is_typed and value == ""):
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=float).translate(_ESCAPES)


def _rows(content: ByteStream) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Line number and object of every line that isn't empty."""
    decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse)
    for number, line in enumerate(_lines(content), start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if not text:
                continue
            row = decoder.decode(text)
        except UnicodeDecodeError as error:
            shown = line[max(0, error.start - 10) : error.start + 10].decode("utf-8", "replace")
            raise Unreadable(
                f'the text is not UTF-8 near "{shown}"', line=number, remedy="have it saved as UTF-8"
            ) from None
        except (ValueError, RecursionError) as error:
            shown = line[:80].decode("utf-8", "replace").strip()
            said = (
                f"{error.msg} at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else str(error)
            )
            raise Unreadable(f"the line is not JSON ({said}): {shown}", line=number, remedy="correct it") from None
        if not isinstance(row, dict):
            shown = line[:80].decode("utf-8", "replace").strip()
            raise Unreadable(f"the line is not a JSON object: {shown}", line=number, remedy='write {"key": value}')
        yield number, row


def _lines(content: ByteStream) -> Iterator[bytes]:
    rest = b""
    for chunk in content.chunks():
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if len(rest) > _LONGEST_LINE:
            raise Unreadable("a line is longer than 64 MB", remedy="check that it is a file of JSON lines")
    if rest:
        yield rest


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")
