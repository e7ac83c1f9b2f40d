"""A landing folder and a database that a test loads from and into."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from alerting_pipeline.adapters.content_hashes import ContentHashes
from alerting_pipeline.adapters.source_files import LocalFiles
from alerting_pipeline.domain.loading import LoadResult
from alerting_pipeline.domain.source import Column, Ingest, Source, canonical_type
from alerting_pipeline.store.raw_tables import PostgresRawTables
from alerting_pipeline.usecases.load import arrivals, load, preview


class Silent:
    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        pass


def declare(name: str, pattern: str, columns: str = "", **ingest: Any) -> Source:
    """A source from few words: `declare("sales", "{day}.csv", "id bigint, amount numeric")`."""
    made = []
    for each in filter(None, (part.strip() for part in columns.split(","))):
        column, _, data_type = each.partition(" ")
        kind = canonical_type(data_type or "text")
        assert kind is not None, data_type
        made.append(Column(column, kind))
    suffix = pattern.removesuffix(".gz").rpartition(".")[2]
    settings = {"kind": "files", "pattern": pattern, "mode": "append", "format": suffix} | ingest
    return Source(name, Ingest.model_validate(settings), tuple(made), place=f"models/{name}.yml:4")


@dataclass
class Landing:
    """`put` delivers a file, `load` loads a source, `rows` asks the database."""

    home: Path
    url: str
    files: LocalFiles = field(init=False)
    tables: PostgresRawTables = field(init=False)

    def __post_init__(self) -> None:
        self.files = LocalFiles(self.home / "landing", ContentHashes(self.home / "hashes.sqlite"))
        self.tables = PostgresRawTables(self.url)

    def put(self, name: str, content: bytes | str) -> Path:
        path = self.home / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def load(self, source: Source, location: Path | None = None) -> LoadResult:
        return load(source, self.files, self.tables, Silent(), location)

    def preview(self, source: Source) -> LoadResult:
        return preview(source, self.files, self.tables)

    def arrivals(self, source: Source) -> list[str]:
        return [each.name for each in arrivals(source, self.files, self.tables)]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("set timezone to 'UTC'")
            return connection.execute(query.encode()).fetchall()

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def statuses(self, source: str) -> dict[str, int]:
        return dict(
            self.rows(f"select status, count(*) from ledger.loads where source = '{source}' group by 1 order by 1")
        )
