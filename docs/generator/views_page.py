"""The reference of the ledger's views, from the comments in the database that the migrations make."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

_INTRODUCTION = """# Views

What happened is in the schema `alerting`, for your own analysis. `alerting sql QUERY` asks as the role `analyst`, which
may read these views, the marts and the raw tables, and write nothing.

"""
_QUERY = """
    select
        c.relname,
        obj_description(c.oid, 'pg_class'),
        a.attname,
        format_type(a.atttypid, a.atttypmod),
        col_description(c.oid, a.attnum)
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'alerting'::regnamespace and c.relkind = 'v'
        and has_table_privilege('analyst', c.oid, 'select')
    order by c.relname, a.attnum
"""


@lru_cache(maxsize=1)
def page() -> str:
    """The whole page, as Markdown. Makes a ledger of its own to look at (a second or two)."""
    from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
    from alerting_pipeline.store.migrate import migrate

    with tempfile.TemporaryDirectory(prefix="alerting views ") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", shared_buffers_mb=64)
        server.acquire()
        try:
            migrate(server.url())
            return page_of(described(server.url("postgres")))
        finally:
            server.release()


def described(url: str) -> list[Any]:
    """(view, what it is, column, type, what it is) of every column that analysts may read."""
    import psycopg

    with psycopg.connect(url) as connection:
        return connection.execute(_QUERY).fetchall()


def page_of(rows: list[Any]) -> str:
    """The page for what was found in a database."""
    sections = []
    for (view, about), columns in groupby(rows, key=lambda row: row[:2]):
        lines = "".join(f"| `{name}` | {kind} | {meaning or ''} |\n" for *_, name, kind, meaning in columns)
        sections.append(f"## alerting.{view}\n\n{about or ''}\n\n| column | type | |\n|---|---|---|\n{lines}\n")
    return _INTRODUCTION + "\n".join(sections)
