"""A migrated Postgres of a benchmark's own, in a temporary folder that goes with it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from alerting_pipeline.store.migrate import migrate
from alerting_pipeline.store.roles import fence_database


@contextmanager
def bench_server(shared_buffers_mb: int = 512) -> Iterator[EmbeddedPostgres]:
    """Set up as the embedded server of production is."""
    with tempfile.TemporaryDirectory(prefix="alerting-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", shared_buffers_mb=shared_buffers_mb)
        server.acquire()
        try:
            migrate(server.url())
            with psycopg.connect(server.url(), autocommit=True) as connection:
                fence_database(connection)
            yield server
        finally:
            server.release()
