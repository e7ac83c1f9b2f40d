"""One stream of rows into one table by COPY, and what Postgres complains about as a sentence with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import psycopg
from psycopg import sql
from psycopg.errors import DataError, ProgramLimitExceeded

from alerting_pipeline.domain.loading import TableStream, Unreadable

_CONTEXT = re.compile(r'^COPY .+?, line (\d+)(?:, column (.+?))?(?:: "(.*)"|: null input)?$', re.DOTALL)
_UNCLOSED = "unterminated CSV quoted field"
_SYNTAX = re.compile(r'invalid input syntax for (?:type )?([a-z ]+): "(.*)"', re.DOTALL)


def copy_rows(
    connection: psycopg.Connection[Any],
    table: sql.Composable,
    stream: TableStream,
    typed: Mapping[str, str],
    options: tuple[bool, Callable[[int], None]],
) -> int:
    """Copy the stream's rows; `typed` has the table's column types. `options` are: frozen rows, and who hears of bytes.

    Returns the number of rows. Raises Unreadable where a row doesn't fit.
    """
    is_frozen, on_bytes = options
    statement = _statement(table, stream, typed, is_frozen=is_frozen)
    try:
        with connection.cursor() as cursor:
            with cursor.copy(statement) as copy, closing(stream.chunks()) as chunks:
                for chunk in chunks:
                    copy.write(chunk)
                    on_bytes(len(chunk))
            return cursor.rowcount
    except (DataError, ProgramLimitExceeded) as error:
        raise _refused(error, stream, typed) from error


def _statement(
    table: sql.Composable, stream: TableStream, typed: Mapping[str, str], *, is_frozen: bool
) -> sql.Composed:
    form = stream.format
    options: list[sql.Composable] = [
        sql.SQL("format {}").format(sql.SQL("csv" if form.kind == "csv" else "text")),
        sql.SQL("delimiter {}").format(sql.Literal(form.delimiter)),
        sql.SQL("null {}").format(sql.Literal(form.null)),
        sql.SQL("encoding {}").format(sql.Literal(form.encoding)),
    ]
    if is_frozen:
        options.append(sql.SQL("freeze"))
    if form.has_header:
        options.append(sql.SQL("header"))
    if form.kind == "csv":
        # A quoted empty field is an empty text, but no number and no date: there it means nothing.
        every = form.is_null_quoted
        empty = [name for name in stream.columns if every or not typed[name].startswith(("text", "character"))]
        if empty:
            options.append(sql.SQL("force_null ({})").format(_names(empty)))
    columns = _names(stream.columns)
    return sql.SQL("copy {} ({}) from stdin ({})").format(table, columns, sql.SQL(", ").join(options))


def _names(columns: Any) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _refused(error: psycopg.Error, stream: TableStream, typed: Mapping[str, str]) -> Unreadable:
    """A sentence for people: the line of the file, its own name of the column, the text that doesn't fit."""
    said = (error.diag.message_primary or str(error)).strip()
    context = _CONTEXT.match(error.diag.context or "")
    line, column, raw = context.groups() if context else (None, None, None)
    headers = dict(zip(stream.columns, stream.headers, strict=True))
    header = headers.get(column or "", column)
    what, remedy = _explained(said, column, typed.get(column or "", ""))
    where = f'column "{header}": ' if header else ""
    excerpt = f": {' '.join(raw.split())[:100]}" if raw and column is None else ""
    if _UNCLOSED in said:
        line = None  # of an open quote Postgres only knows where the file ends
    return Unreadable(
        f"{where}{what}{excerpt}",
        line=stream.line_of(int(line)) if line else None,
        remedy=remedy,
    )


def _explained(said: str, column: str | None, data_type: str) -> tuple[str, str]:
    if syntax := _SYNTAX.search(said):
        shown = syntax.group(2)[:100]
        return f'"{shown}" is not a value of type {data_type}', "correct the file, or declare the column as text"
    if "extra data after last expected column" in said:
        return "the line has more fields than the header", "quote the fields that contain the delimiter"
    if said.startswith("missing data for column"):
        return "the line has fewer fields than the header", "correct the file"
    if _UNCLOSED in said:
        return "a quote is opened and never closed, in the record that begins", "correct the file"
    if said.startswith("unquoted"):
        return "the file mixes kinds of line ends", "have it saved with one kind of line end"
    if "invalid byte sequence" in said:
        remedy = "correct the file, or declare its encoding under ingest"
        return said.replace("encoding ", "the encoding "), remedy
    if said.startswith("date/time"):
        return said, "have dates written as 2026-01-31, or declare the column as text and convert it in staging"
    if "out of range" in said:
        return said, f"correct the file, or declare a wider type than {data_type}" if data_type else "correct the file"
    return said, "correct the file"
