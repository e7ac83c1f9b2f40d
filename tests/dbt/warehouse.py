"""A database with the raw tables of all declared sources, into which a test loads rows by hand, and dbt runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

PROJECT = Path(__file__).parent.parent.parent / "dbt_project"


@dataclass
class TryOut:
    """`sources` are the manifest's. Loads are noted in the ledger, and replace others, as the loader's do."""

    owner_url: str
    sources: Mapping[str, Mapping[str, Any]]
    target: Path

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
        self, source: str, rows: Sequence[Mapping[str, Any]], *, file: str = "", period: str | None = None,
        delivery: str | None = None,
    ) -> None:  # fmt: skip
        """One load of one file. A file of the same name, or another delivery of the period or the list, is replaced."""
        with psycopg.connect(self.owner_url) as connection:
            replaced = connection.execute(
                "update ledger.loads set status = 'replaced' where source = %(source)s and status = 'loaded' and "
                "case mode when 'append' then file = %(file)s when 'snapshot' then true else period = %(period)s end "
                "returning load_id",
                {"source": source, "file": file, "period": period},
            ).fetchall()
            (load_id,) = connection.execute(
                "insert into ledger.loads (source, file, content_hash, mode, period, delivery, status) "
                "values (%s, %s, gen_random_uuid()::text, %s, %s, %s, 'loaded') returning load_id",
                [source, file or f"{source} of {delivery}", self._mode(source), period, delivery],
            ).fetchone() or (0,)
            table = sql.Identifier("raw", source)
            gone = sql.SQL("delete from {} where _load_id = any (%s)").format(table)
            connection.execute(gone, [[row[0] for row in replaced]])
            own = {"_load_id": load_id, "_file": file}
            if period is not None:
                own |= {"_period": period, "_delivery": delivery}
            for row in rows:
                values = {**row, **own}
                connection.execute(
                    sql.SQL("insert into {} ({}, _loaded_at) values ({}, clock_timestamp())").format(
                        table,
                        sql.SQL(", ").join(map(sql.Identifier, values)),
                        sql.SQL(", ").join(sql.Placeholder() * len(values)),
                    ),
                    list(values.values()),
                )

    def dbt(self, *arguments: str) -> None:
        """A dbt command in this process. It must succeed, and so must every model and test."""
        from dbt.cli.main import dbtRunner

        parts = conninfo_to_dict(self.owner_url)
        environment = {
            "ALERTING_DBT_HOST": str(parts["host"]),
            "ALERTING_DBT_USER": str(parts["user"]),
            "ALERTING_DBT_DBNAME": str(parts["dbname"]),
        }
        folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        outputs = ["--target-path", str(self.target), "--log-path", str(self.target), "--quiet"]
        with patch.dict(os.environ, environment):
            done = dbtRunner().invoke([*arguments, *folders, *outputs])
        found = getattr(done.result, "results", None) or []
        failed = [
            f"{node.node.unique_id}: {node.message}" for node in found if node.status in ("error", "fail", "skipped")
        ]
        assert done.success and not failed, (done.exception, failed)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds, as the owner."""
        with psycopg.connect(self.owner_url) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]  # the query is a test's own

    def _mode(self, source: str) -> str:
        return self.sources[source]["config"]["meta"]["ingest"]["mode"]
