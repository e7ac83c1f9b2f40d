"""A database with the raw tables of all declared sources, into which a test loads rows by hand, and dbt runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

PROJECT = Path(__file__).parent.parent.parent / "dbt_project"


@dataclass
class TryOut:
    """`sources` are the manifest's. Loads are numbered as the loader's are; a snapshot or period replaces its rows."""

    owner_url: str
    sources: Mapping[str, Mapping[str, Any]]
    target: Path
    loads: int = field(default=0)

    def create_raw_tables(self) -> None:
        """Empty tables with the declared columns and those of the loader."""
        with psycopg.connect(self.owner_url) as connection:
            for name, source in self.sources.items():
                declared = [f'"{column["name"]}" {column["data_type"]}' for column in source["columns"].values()]
                added = ["_load_id bigint", "_loaded_at timestamptz", "_file text"]
                if self._mode(name) == "replace_period":
                    added += ["_period text", "_delivery text"]
                table = sql.Identifier("raw", name)
                connection.execute(
                    sql.SQL("create table {} ({})").format(table, sql.SQL(", ".join([*declared, *added])))  # type: ignore[arg-type]  # from the manifest
                )

    def load(
        self, source: str, rows: Sequence[Mapping[str, Any]], *, period: str | None = None, delivery: str | None = None
    ) -> None:
        """One load of one file."""
        self.loads += 1
        extra = {"_load_id": self.loads, "_file": f"file {self.loads}"}
        if period is not None:
            extra |= {"_period": period, "_delivery": delivery}
        table = sql.Identifier("raw", source)
        with psycopg.connect(self.owner_url) as connection:
            if self._mode(source) == "snapshot":
                connection.execute(sql.SQL("delete from {}").format(table))
            if period is not None:
                connection.execute(sql.SQL("delete from {} where _period = %s").format(table), [period])
            for row in rows:
                values = {**row, **extra}
                connection.execute(
                    sql.SQL("insert into {} ({}, _loaded_at) values ({}, clock_timestamp())").format(
                        table,
                        sql.SQL(", ").join(map(sql.Identifier, values)),
                        sql.SQL(", ").join(sql.Placeholder() * len(values)),
                    ),
                    list(values.values()),
                )

    def dbt(self, command: str, *arguments: str) -> None:
        """`dbt run`, or `dbt build` with the tests of the data. It must succeed."""
        parts = conninfo_to_dict(self.owner_url)
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "dbt"), command, *arguments, "--project-dir", str(PROJECT),
                "--profiles-dir", str(PROJECT), "--target-path", str(self.target), "--log-path", str(self.target),
                *(["--exclude-resource-type", "unit_test"] if command == "build" else []),
            ],
            env={
                **os.environ,
                "ALERTING_DBT_HOST": str(parts["host"]), "ALERTING_DBT_USER": str(parts["user"]),
                "ALERTING_DBT_DBNAME": str(parts["dbname"]),
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds, as the owner."""
        with psycopg.connect(self.owner_url) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]  # the query is a test's own

    def _mode(self, source: str) -> str:
        return self.sources[source]["config"]["meta"]["ingest"]["mode"]
