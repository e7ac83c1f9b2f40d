"""All lines of a CSV file that don't fit their declaration. COPY stops at the first; a person wants to see them all."""

from __future__ import annotations

from pathlib import Path

from alerting_pipeline.domain.column_names import BadHeader, column_names
from alerting_pipeline.domain.source import Source

MOST = 20
_LARGEST = 2 * 1024**3
_TYPES = {
    "timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp", "real": "double",
    "double precision": "double", "time without time zone": "time",
}  # fmt: skip


def rejects(source: Source, path: Path, headers: tuple[str, ...]) -> list[tuple[int, str]]:
    """Up to a score of lines, each with a sentence, by DuckDB's own reading; none where it finds none."""
    import duckdb

    if path.stat().st_size > _LARGEST:
        return []
    try:
        names = column_names(headers)
    except BadHeader:
        return []
    ingest = source.ingest
    columns = ", ".join(f"{_quoted(name)}: {_quoted(_type(source.types.get(name, 'text')))}" for name in names)
    packing = "gzip" if path.name.endswith(".gz") else "none"
    with path.open("rb") as file, duckdb.connect() as database:
        database.execute("set threads = 1; set memory_limit = '1GB'; set TimeZone = 'UTC'")
        try:
            database.execute(
                # Counting every column has every value converted; count(*) would convert none.
                f"select count(columns(*)) from read_csv('/dev/fd/{file.fileno()}', header = true, "
                f"auto_detect = false, compression = '{packing}', "
                f"columns = {{{columns}}}, delim = {_quoted(ingest.delimiter)}, quote = '\"', escape = '\"', "
                f"nullstr = [{_quoted(ingest.null_as)}, ''], store_rejects = true, rejects_limit = {MOST})"
            ).fetchall()
            found = database.execute(
                "select line, column_name, error_message, csv_line from reject_errors order by line, column_idx"
            ).fetchall()
        except duckdb.Error:
            return []
    first_of_line = {row[0]: row for row in reversed(found)}
    return [(line, _sentence(*first_of_line[line])) for line in sorted(first_of_line)][:MOST]


def _sentence(line: int, column: str | None, message: str, raw: str | None) -> str:
    if message.startswith("Expected Number of Columns"):
        what = (
            message.splitlines()[0].replace("Expected Number of Columns:", "fields expected:").replace("Found", "found")
        )
        where = f"line {line}"
    else:
        what = message.splitlines()[0].rstrip(".")
        where = f"line {line}, column {column}" if column else f"line {line}"
    return f"{where}: {what}" + (f" in {raw.strip()[:120]}" if raw else "")


def _type(data_type: str) -> str:
    if data_type.startswith("numeric"):
        return "double"  # it only has to tell a number from what is none
    if data_type.startswith(("json", "bytea", "interval", "char", "text")):
        return "varchar"
    return _TYPES.get(data_type, data_type)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
