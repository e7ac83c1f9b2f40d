"""A backtest of 100 values in one pass, against one query for each, in the same Postgres and in DuckDB.

    python -m benchmarks --only backtest

365 days of 5,000 entities, each with a value a day. What is asked: how many new alerts each of 100 limits would have
opened. The answers are checked to be the same before anything is timed; then all are measured in turns, medians of
three. Of the single queries in Postgres every fifth is run in each turn, and the time taken five times.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from alerting_pipeline.adapters.sandbox_session import Limits
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.history import history_of
from alerting_pipeline.domain.reading import read
from alerting_pipeline.domain.sweep import Axis, sweep_of
from alerting_pipeline.domain.sweep_points import points
from alerting_pipeline.domain.value_set import ValueSet
from alerting_pipeline.store.roles import READER
from benchmarks.evaluation import _server
from benchmarks.report import write_section

DAYS, ENTITIES, SAMPLE, TURNS = 365, 5_000, 5, 3
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
LIMITS = tuple(Decimal(9_000 + 10 * number) for number in range(100))
COLUMNS = {"id": "text", "value": "numeric"}
_ONE = """
select count(*) filter (where fires and not coalesce(fired, false)) from (
    select value > {limit} as fires, lag(value > {limit}) over (partition by id order by dbt_valid_from) as fired
    from {table}
) as steps
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as server:
        print(f"{DAYS} days of {ENTITIES:,} entities, {len(LIMITS)} limits", flush=True)
        _fill(server)
        duck = _duck(server)
        warehouse = Warehouse(server.url(READER), Limits(seconds=170, work_mem_mb=128))
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("set work_mem = '128MB'; set jit = off")
            _compare(warehouse, connection, duck)


def _compare(warehouse: Warehouse, connection: psycopg.Connection, duck: Any) -> None:
    def one_pass() -> list[int]:
        return _swept(warehouse)

    def postgres(limits: tuple[Decimal, ...]) -> list[int]:
        return [_number(connection.execute(_ONE.format(limit=each, table="marts.daily").encode())) for each in limits]

    def duckdb() -> list[int]:
        return [_number(duck.execute(_ONE.format(limit=each, table="daily"))) for each in LIMITS]

    expected, checked = one_pass(), LIMITS[::SAMPLE]
    if duckdb() != expected or postgres(checked) != expected[::SAMPLE]:
        raise SystemExit("the answers differ; nothing was timed")
    print(f"  answers are the same: {sum(expected):,} new alerts over all limits", flush=True)
    runs: dict[str, tuple[Callable[[], Any], int]] = {
        "one pass": (one_pass, 1),
        f"{len(LIMITS)} queries in Postgres": (lambda: postgres(checked), SAMPLE),
        f"{len(LIMITS)} queries in DuckDB": (duckdb, 1),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(TURNS):
        for name, (run, times) in runs.items():
            begun = time.perf_counter()
            run()
            seconds[name].append((time.perf_counter() - begun) * times)
    _report(connection, {name: statistics.median(found) for name, found in seconds.items()}, sum(expected))


def _report(connection: psycopg.Connection, medians: dict[str, float], alerts: int) -> None:
    fast = medians["one pass"]
    lines = [
        f"{DAYS} days of {ENTITIES:,} entities ({DAYS * ENTITIES:,} rows), {len(LIMITS)} limits, {alerts:,} new alerts "
        "over all of them; every answer equal before the first was timed.", "",
        "| | seconds | against one pass |", "|---|---:|---:|",
    ]  # fmt: skip
    for name, found in medians.items():
        print(f"  {name:<28} {found:8.2f} s   {found / fast:6.1f} x one pass", flush=True)
        lines.append(f"| {name} | {found:.2f} | {found / fast:.1f} x |")
    sampled = (
        f"Of the single queries in Postgres every {SAMPLE}th ran in each turn, and its time was taken {SAMPLE} times."
    )
    server = connection.info.server_version
    versions = {"Postgres": f"{server // 10_000}.{server % 10_000}", "DuckDB": version("duckdb")}
    write_section("backtest", "Backtest of 100 values (goal G6)", [*lines, "", sampled], versions)


def _swept(warehouse: Warehouse) -> list[int]:
    """New alerts of each limit, by the code of `alerting backtest --sweep`; what fires at the start counts, too."""
    definition = AlertDefinition.model_validate(
        {
            "alert": "daily", "model": "daily_now", "entity": "id", "condition": "value > :limit",
            "parameters": {"limit": {"default": 9_500}}, "severity": [{"level": "low"}], "summary": "{{ id }}",
            "link": "https://example.com/{{ id }}", "runbook": "docs/x.md", "owner": "team",
        }
    )  # fmt: skip
    now = Model("daily_now", "model.x.daily_now", "marts.daily_now", COLUMNS, (frozenset({"id"}),))
    kept = Model("daily", "snapshot.x.daily", "marts.daily", is_mart=False, snapshot_of="daily_now")
    history = history_of(definition, Catalog({"daily_now": now, "daily": kept}))
    instants = [BEGIN + timedelta(days=day) for day in range(DAYS)]
    reading = read(definition, COLUMNS, instants[-1])
    sweep = sweep_of(definition, reading, [Axis("limit", LIMITS)], history)
    rows = warehouse.rows(
        sweep.sql(reading, history, instants, ValueSet.of_definition(definition)), {"fingerprints": []}
    )
    return [point.incidents + point.standing for point in points(sweep.axes, rows, {})]


def _fill(server: EmbeddedPostgres) -> None:
    """A value that wanders from day to day, so that limits are crossed and crossed back."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            f"""
            create table marts.daily as
            select 'e' || e as id,
                round((8000 + 1500 * sin(d / 9.0 + e) + 900 * (hashint8(e * 1000 + d) % 1000) / 1000.0)::numeric, 2)
                    as value,
                timestamp '{BEGIN:%Y-%m-%d}' + d * interval '1 day' as dbt_valid_from,
                timestamp '{BEGIN:%Y-%m-%d}' + (d + 1) * interval '1 day' as dbt_valid_to
            from generate_series(1, {ENTITIES}) as e, generate_series(0, {DAYS - 1}) as d;
            grant select on marts.daily to alert_reader;
            analyze marts.daily
            """.encode()
        )


def _duck(server: EmbeddedPostgres) -> Any:
    import duckdb
    import pyarrow

    with psycopg.connect(server.url("postgres")) as connection:
        rows = connection.execute("select id, value, dbt_valid_from from marts.daily").fetchall()
    names = ("id", "value", "dbt_valid_from")
    table = pyarrow.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    duck = duckdb.connect()
    duck.execute("set threads = 2")
    duck.register("given", table)
    duck.execute("create table daily as select * from given")
    return duck


def _number(cursor: Any) -> int:
    return cursor.fetchone()[0]


if __name__ == "__main__":
    main()
