"""How evaluation performs on this machine: one gated scan against one query each, and the dedupe of many violations.

    python -m benchmarks.evaluation [--rows 1000000] [--definitions 100] [--violations 100000]

Starts a Postgres of its own in a temporary folder and takes it away again. What is compared is measured in turns, in
one run; medians of three. Ratios are what to quote: the machine may be shared.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from alerting_pipeline.adapters.marts import Marts
from alerting_pipeline.adapters.sandbox_session import Limits
from alerting_pipeline.adapters.scanner import Scanner
from alerting_pipeline.adapters.warehouse import Warehouse
from alerting_pipeline.domain.catalog import Catalog, Model
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.destination import Destination
from alerting_pipeline.domain.evaluation import Order
from alerting_pipeline.domain.reading import Reading, read
from alerting_pipeline.domain.relation import model_relation
from alerting_pipeline.domain.routing_tree import RoutingTree
from alerting_pipeline.domain.scan import scan_sql
from alerting_pipeline.rendering.announcement import Directory
from alerting_pipeline.store.engine import engine_for
from alerting_pipeline.store.evaluations import EvaluationLedger
from alerting_pipeline.store.migrate import migrate
from alerting_pipeline.store.roles import APP, READER, fence_database
from alerting_pipeline.usecases.evaluate import Evaluator

NOW = datetime(2026, 1, 5, 5, tzinfo=UTC)
COLUMNS = {"id": "text", "segment": "text", "status": "text", "amount": "numeric", "score": "double precision",
           "number": "integer", "created_at": "timestamp with time zone"}  # fmt: skip
SHAPES = (
    "amount > :limit and status = 'pending'",
    "amount > :limit",
    "score > :limit / 10000",
    "number > :limit and segment = 'premium'",
    "amount > :limit and created_at < :as_of",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--definitions", type=int, default=100)
    parser.add_argument("--violations", type=int, default=100_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as server:
        _scan(server, chosen.rows, chosen.definitions)
        _dedupe(server, chosen.violations)


def _scan(server: EmbeddedPostgres, rows: int, count: int) -> None:
    _say(f"{rows:,} rows, {count} definitions of {len(SHAPES)} shapes, a fifth of them with limits by segment")
    _fill(server, rows)
    definitions = [_definition(number) for number in range(count)]
    _set_parameters(server, definitions)
    relation = model_relation(_model())
    readings = {number: read(item, COLUMNS, NOW) for number, item in enumerate(definitions)}
    warehouse = Warehouse(server.url(READER), Limits(seconds=110))
    whole = scan_sql(readings, relation)
    plain = f"select count(*) from {relation.sql} where amount < 0"
    runs: dict[str, Callable[[], int]] = {
        "one plain scan": lambda: _drain(warehouse, plain),
        "one gated scan, rows included": lambda: _drain(warehouse, whole),
        "one query each, counted alone": lambda: sum(_drain(warehouse, _bare(item)) for item in readings.values()),
    }
    times = _measured(runs)
    fast = times["one gated scan, rows included"]
    for name, seconds in times.items():
        _say(f"  {name:<32} {seconds:8.3f} s   {seconds / fast:6.1f} x the gated scan")
    _say(f"  violations: {_drain(warehouse, whole):,}; compiling the SQL: {_compile_time(definitions):.3f} s")


def _dedupe(server: EmbeddedPostgres, violations: int) -> None:
    _say(f"{violations:,} violations of one definition, then the same again, then 5 % new and 5 % gone")
    _fill(server, violations, value="150 + g")
    definition = _definition(1).model_copy(update={"parameters": {}, "condition": "amount > 100"})
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for table, more in (("definition_versions", ", body, source"), ("definitions", "")):
            values = "%s, %s, 'business', ''" + (", '{}', ''" if more else "")
            connection.execute(
                f"insert into ledger.{table} (alert, version, kind, path{more}) values ({values})".encode(),
                [definition.alert, definition.version_id],
            )
    engine = engine_for(server.url(APP))
    tree = RoutingTree(fallback=("inbox",))
    directory = Directory(tree, {"inbox": Destination(name="inbox", channel="slack", audience="engineering")})
    scanner = Scanner(Warehouse(server.url(READER), Limits(seconds=110)), Marts(Catalog({"big": _model()})))
    evaluator = Evaluator({definition.alert: definition}, EvaluationLedger(engine, directory), scanner)
    numbers = iter(range(1_000))

    def evaluate() -> Any:
        begun = time.perf_counter()
        [result] = evaluator.evaluate([definition.alert], Order(f"m{next(numbers)}", NOW))
        return time.perf_counter() - begun, result

    seconds, first = evaluate()
    _say(f"  all new                          {seconds:8.3f} s   {first.opened:,} opened")
    again = statistics.median(evaluate()[0] for _ in range(3))
    _say(f"  all open already                 {again:8.3f} s   nothing written")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("update marts.big set id = 'n' || id where number % 20 = 0")
    seconds, moved = evaluate()
    _say(
        f"  5 % new and 5 % gone             {seconds:8.3f} s   {moved.opened:,} opened, {moved.withdrawn:,} withdrawn"
    )
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        messages = connection.execute("select count(*) from ledger.outbox").fetchone()
    _say(f"  messages in the outbox: {messages[0] if messages else 0}")
    engine.dispose()


def _definition(number: int) -> AlertDefinition:
    limit: dict[str, Any] = {"default": 9_980 + number % 20}
    if number % 5 == 0:
        limit |= {"by": "segment", "values": {"premium": 9_990}}
    return AlertDefinition.model_validate(
        {
            "alert": f"alert_{number}", "model": "big", "entity": "id", "condition": SHAPES[number % len(SHAPES)],
            "parameters": {"limit": limit},
            "severity": [{"level": "high", "when": "deviance > 1.005"}, {"level": "low"}],
            "summary": "{{ id }} of {{ segment }}", "link": "https://example.com/{{ id }}", "runbook": "docs/x.md",
            "owner": "team",
        }
    )  # fmt: skip


def _bare(reading: Reading) -> str:
    """What somebody would write by hand: how many rows violate, and nothing else."""
    return (
        "with parameter as (select alert, parameter, scope, scope_value, value from alerting.parameters_in_force) "
        f"select count(*) from marts.big as r where {reading.condition}"
    )


def _model() -> Model:
    return Model("big", "model.x.big", "marts.big", COLUMNS, (frozenset({"id"}),))


def _fill(server: EmbeddedPostgres, rows: int, value: str = "random() * 10000") -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            f"""
            drop table if exists marts.big;
            create table marts.big as select 't' || g as id, (array['retail', 'premium', 'gold'])[1 + g % 3] as segment,
                (array['pending', 'settled'])[1 + (g % 10 > 0)::int] as status, ({value})::numeric(12, 2) as amount,
                random() as score, g % 10000 as number, timestamptz '2026-01-01' - g * interval '1 s' as created_at
            from generate_series(1, {rows}) as g;
            grant select on marts.big to alert_reader;
            analyze marts.big
            """.encode()
        )


def _set_parameters(server: EmbeddedPostgres, definitions: list[AlertDefinition]) -> None:
    rows = []
    for item in definitions:
        for name, parameter in item.parameters.items():
            rows.append((item.alert, name, "default", "", parameter.write(parameter.default)))
            rows += [(item.alert, name, "segment", key, parameter.write(v)) for key, v in parameter.values.items()]
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into ledger.parameter_values (alert, parameter, type, scope, scope_value, value, changed_by) "
            "values (%s, %s, 'number', %s, %s, %s, 'benchmark')",
            rows,
        )
        cursor.execute("analyze ledger.parameter_values")


def _measured(runs: dict[str, Callable[[], int]], times: int = 3) -> dict[str, float]:
    """The median time of each, measured in turns so that a busy moment falls on all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(times):
        for name, run in runs.items():
            begun = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(found) for name, found in seconds.items()}


def _drain(warehouse: Warehouse, sql: str) -> int:
    return sum(1 for _ in warehouse.stream(sql))


def _compile_time(definitions: list[AlertDefinition]) -> float:
    begun = time.perf_counter()
    scan_sql({number: read(item, COLUMNS, NOW) for number, item in enumerate(definitions)}, model_relation(_model()))
    return time.perf_counter() - begun


@contextmanager
def _server(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder)
    server.acquire()
    try:
        migrate(server.url())
        with psycopg.connect(server.url(), autocommit=True) as connection:
            fence_database(connection)
        yield server
    finally:
        server.release()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
