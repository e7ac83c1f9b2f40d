"""A backtest of 100 values in one pass, against one query for each, in the same Postgres and in DuckDB.

    python -m benchmarks --only backtest

A year of entities, each with a value a day. What is asked: how many new alerts each of 100 limits would have opened.
All answers of all peers are checked to be the same before anything is timed. Then there are three turns: in each, the
one pass three times and of every peer the queries of a third of the limits. So each query is timed once, nothing is
extrapolated, and a busy moment falls on all of them.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
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
from benchmarks.report import Figure, Section, at_least, postgres_version
from benchmarks.server import bench_server

DAYS, ENTITIES, TURNS, PASSES, GOAL = 365, 2_000, 3, 3, 20
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
LIMITS = tuple(Decimal(9_000 + 10 * number) for number in range(100))
COLUMNS = {"id": "text", "value": "numeric"}
# What one would write first: every row with the one before it.
_BEFORE = """
select count(*) filter (where fires and not coalesce(fired, false)) from (
    select value > {limit} as fires, lag(value > {limit}) over (partition by id order by dbt_valid_from) as fired
    from {table}
) as steps
"""
# What one would write after a look at the plan: only the rows above the limit, and whether the one before follows on.
_GAPS = """
select count(*) filter (where ended is distinct from dbt_valid_from) from (
    select dbt_valid_from, lag(dbt_valid_to) over (partition by id order by dbt_valid_from) as ended
    from {table} where value > {limit}
) as above
"""
_INDEXES = """
create index by_entity on marts.daily (id, dbt_valid_from) include (value);
create index by_value on marts.daily (value) include (id, dbt_valid_from, dbt_valid_to)
"""
Ask = Callable[[Decimal], int]


def main() -> None:
    with bench_server() as server, psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        print(f"backtest: {DAYS} days of {ENTITIES:,} entities, {len(LIMITS)} limits", flush=True)
        _fill(connection)
        duck = _duck(server)
        connection.execute("set work_mem = '128MB'")
        warehouse = Warehouse(server.url(READER), Limits(seconds=170, work_mem_mb=128))

        def in_postgres(query: str) -> Ask:
            return lambda limit: _number(connection.execute(query.format(limit=limit, table="marts.daily").encode()))

        peers = {
            "100 queries in Postgres, the quicker ones": in_postgres(_GAPS),
            "100 queries in Postgres, every row with the one before": in_postgres(_BEFORE),
            "100 queries in DuckDB": lambda limit: _number(duck.execute(_GAPS.format(limit=limit, table="daily"))),
        }
        alerts = _same(warehouse, peers)
        seconds = _measured(warehouse, peers)
        _section(postgres_version(connection), alerts).write(_figures(seconds))


def _same(warehouse: Warehouse, peers: dict[str, Ask]) -> int:
    """The number of new alerts over all limits; ends the run where one answer differs."""
    expected = _swept(warehouse)
    for name, ask in peers.items():
        wrong = [limit for limit, number in zip(LIMITS, expected, strict=True) if ask(limit) != number]
        if wrong:
            raise SystemExit(f"{name}: the answers for {', '.join(map(str, wrong))} differ; nothing was timed")
    print(f"  answers are the same: {sum(expected):,} new alerts over all limits", flush=True)
    return sum(expected)


def _measured(warehouse: Warehouse, peers: dict[str, Ask]) -> dict[str, float]:
    """Seconds for all limits: the median of one pass, the sum over every query of a peer."""
    passes: list[float] = []
    seconds = dict.fromkeys(peers, 0.0)
    for turn in range(TURNS):
        passes += [_timed(lambda: _swept(warehouse)) for _ in range(PASSES)]
        for name, ask in peers.items():
            seconds[name] += _timed(lambda ask=ask, turn=turn: [ask(limit) for limit in LIMITS[turn::TURNS]])
    return {"one pass": statistics.median(passes), **seconds}


def _figures(seconds: dict[str, float]) -> list[Figure]:
    one = seconds["one pass"]
    figures = [Figure("one pass over all limits", f"{one:.2f} s")]
    for name, found in seconds.items():
        if "Postgres" in name:
            figures.append(at_least(f"{name} ({found:.1f} s), against one pass", found / one, GOAL))
        elif name != "one pass":
            figures.append(Figure(f"{name} ({found:.1f} s), against one pass", f"{found / one:.1f} ×"))
    return figures


def _section(postgres: str, alerts: int) -> Section:
    asked = [
        f"{DAYS} days of {ENTITIES:,} entities in a snapshot, a version a day ({DAYS * ENTITIES:,} rows, made up from "
        f"a fixed formula), {len(LIMITS)} limits: how many new alerts would each have opened? {alerts:,} over all of "
        "them; every answer of every peer was the same before anything was timed.",
        "",
        "One pass is what `alerting backtest --sweep` runs: as the role that may read marts alone, and it gives the "
        "numbers by week and carries on through NULLs besides. It finds no index. The queries in Postgres run on the "
        "same table, each with an index made for it that holds every column it reads, after a vacuum. The same "
        "`work_mem` of 128 MB, one parallel worker, data in memory. The quicker ones take only the rows above the "
        "limit; the others are what one writes first. DuckDB has its own table in memory, two threads and the quicker "
        "query.",
    ]
    return Section("backtest", "Backtest of 100 values (goal G6)", asked, postgres)


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


def _fill(connection: psycopg.Connection[Any]) -> None:
    """A value that wanders from day to day, so that limits are crossed and crossed back."""
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
        {_INDEXES}
        """.encode()
    )
    connection.execute("vacuum analyze marts.daily")


def _duck(server: EmbeddedPostgres) -> Any:
    import duckdb
    import pyarrow.csv

    copied = "copy marts.daily to stdout (format csv, header)"
    with psycopg.connect(server.url("postgres")) as connection, connection.cursor().copy(copied) as copy:
        given = pyarrow.csv.read_csv(io.BytesIO(b"".join(copy)))
    duck = duckdb.connect()
    duck.execute("set threads = 2")
    duck.register("given", given)
    duck.execute(
        "create table daily as select id, value::decimal(12, 2) as value, dbt_valid_from::timestamp as dbt_valid_from, "
        "dbt_valid_to::timestamp as dbt_valid_to from given"
    )
    return duck


def _timed(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def _number(cursor: Any) -> int:
    return cursor.fetchone()[0]


if __name__ == "__main__":
    main()
