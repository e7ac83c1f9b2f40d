"""A CSV file as COPY takes it: its header is read here, and all of it goes to the database byte for byte."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator

from alerting_pipeline.adapters.byte_stream import ByteStream
from alerting_pipeline.domain.column_names import BadHeader, column_names
from alerting_pipeline.domain.loading import CopyFormat, Unreadable
from alerting_pipeline.domain.source import Ingest

_LONGEST_HEADER = 1024 * 1024
_ENCODINGS = {"utf-8": "UTF8", "latin-1": "LATIN1", "windows-1252": "WIN1252"}
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class CsvStream:
    """One CSV file. Its columns are whatever its own header says, in the file's order."""

    def __init__(self, content: ByteStream, ingest: Ingest) -> None:
        self._content = content
        self._chunks = content.chunks()
        header, self._rest, self._line_end = self._read_header()
        self._header = header + self._line_end
        self.headers = _parsed(header, ingest)
        try:
            self.columns = column_names(self.headers)
        except BadHeader as error:
            raise Unreadable(str(error), line=1) from None
        self._extra_lines = header.count(b"\n")
        self.format = CopyFormat(
            delimiter=ingest.delimiter,
            null=ingest.null_as,
            encoding=_ENCODINGS[ingest.encoding],
            is_null_quoted=bool(ingest.null_as),
            has_header=True,
        )

    @property
    def content_hash(self) -> str:
        return self._content.content_hash

    def line_of(self, line: int) -> int | None:
        """Postgres doesn't count line ends within the header's own quotes, for it has yet to see how lines end."""
        return line + self._extra_lines

    def chunks(self) -> Generator[bytes]:
        """Header and rows. Empty lines at the end of the file, which COPY would take for broken rows, are left out."""
        held = b""
        yield self._header
        is_empty = True
        for chunk in self._all():
            text = held + chunk
            kept = text.rstrip(b"\r\n")
            held = text[len(kept) :]
            if kept:
                is_empty = False
                yield kept
        if not is_empty:
            yield self._line_end

    def _all(self) -> Iterator[bytes]:
        if self._rest:
            yield self._rest
        yield from self._chunks

    def _read_header(self) -> tuple[bytes, bytes, bytes]:
        """The first record, what was read beyond it, and the file's line end."""
        text = b""
        for chunk in self._chunks:
            text += chunk
            if text.startswith(_UTF16_MARKS):
                raise Unreadable("the file is UTF-16", remedy="have it saved as UTF-8")
            if end := _record_end(text):
                start, stop = end
                return text[:start].removeprefix(_UTF8_MARK), text[stop:], text[start:stop]
            if len(text) > _LONGEST_HEADER:
                raise Unreadable("the header does not end within a megabyte", remedy="check that it is a CSV file")
        if not text.removeprefix(_UTF8_MARK).strip():
            raise Unreadable("the file is empty: it lacks even a header", remedy="have it delivered again")
        return text.rstrip(b"\r").removeprefix(_UTF8_MARK), b"", b"\n"


def _record_end(text: bytes) -> tuple[int, int] | None:
    """Where the first line end outside quotes begins and stops; None if it isn't read yet."""
    start = 0
    while True:
        feeds = [at for at in (text.find(b"\n", start), text.find(b"\r", start)) if at >= 0]
        if not feeds:
            return None
        at = min(feeds)
        if text.count(b'"', 0, at) % 2 == 0:
            if text[at : at + 1] == b"\n":
                return at, at + 1
            if at + 1 == len(text):
                return None
            return at, at + (2 if text[at + 1 : at + 2] == b"\n" else 1)
        start = at + 1


def _parsed(header: bytes, ingest: Ingest) -> tuple[str, ...]:
    try:
        text = header.decode(ingest.encoding)
    except UnicodeDecodeError as error:
        shown = header[max(0, error.start - 10) : error.start + 10].decode(ingest.encoding, "replace")
        raise Unreadable(
            f'the header is not {ingest.encoding} near "{shown}"', line=1, remedy="declare its encoding under ingest"
        ) from None
    if "\0" in text:
        raise Unreadable("the header contains zero bytes", line=1, remedy="check that it is a CSV file, unpacked")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=ingest.delimiter, strict=True))
    except csv.Error as error:
        raise Unreadable(f"the header is not CSV ({error})", line=1, remedy="correct its quotes") from None
    return tuple(rows[0]) if rows else ("",)
