"""How evaluation performs on this machine: one gated scan against one query each, and the dedupe of many violations.

    python -m benchmarks --only evaluation

Starts a Postgres of its own in a temporary folder and takes it away again. What is compared is measured in turns, in
one run; medians of three. Ratios are what to quote: the machine may be shared.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
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
from alerting_pipeline.store.roles import APP, READER
from alerting_pipeline.usecases.evaluate import Evaluator
from benchmarks.report import Figure, Section, at_most, postgres_version
from benchmarks.server import bench_server

ROWS, DEFINITIONS, VIOLATIONS, CLOSED = 1_000_000, 100, 100_000, 400_000
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
    print(f"evaluation: {ROWS:,} rows, {DEFINITIONS} definitions; {VIOLATIONS:,} violations", flush=True)
    with bench_server() as server:
        figures = [*_scan(server), *_dedupe(server)]
        with psycopg.connect(server.url("postgres")) as connection:
            version = postgres_version(connection)
    asked = [
        f"{DEFINITIONS} definitions of {len(SHAPES)} shapes over {ROWS:,} rows, a fifth of them with limits by "
        "segment: one gated scan that gives every violating row, held against one query for each as "
        "somebody would write it by hand, which gives its number alone. Then one definition that "
        f"{VIOLATIONS:,} rows violate, through the evaluation of production with its ledger and outbox, commits "
        "durable: all new, the same again, 5 % new and 5 % gone, and the same again beside "
        f"{CLOSED:,} closed incidents.",
    ]
    Section("evaluation", "Evaluation and dedupe (parts of goals G3, G4, G5)", asked, version).write(figures)


def _scan(server: EmbeddedPostgres) -> list[Figure]:
    _fill(server, ROWS)
    definitions = [_definition(number) for number in range(DEFINITIONS)]
    _set_parameters(server, definitions)
    relation = model_relation(_model())
    readings = {number: read(item, COLUMNS, NOW) for number, item in enumerate(definitions)}
    half = {number: reading for number, reading in readings.items() if number < DEFINITIONS // 2}
    warehouse = Warehouse(server.url(READER), Limits(seconds=110))
    whole, part = scan_sql(readings, relation), scan_sql(half, relation)
    runs: dict[str, Callable[[], int]] = {
        "plain": lambda: _drain(warehouse, f"select count(*) from {relation.sql} where amount < 0"),
        "gated": lambda: _drain(warehouse, whole),
        "half": lambda: _drain(warehouse, part),
        "each": lambda: sum(_drain(warehouse, _bare(item)) for item in readings.values()),
    }
    times = _measured(runs)
    return [
        Figure("one plain scan", f"{times['plain']:.2f} s"),
        Figure("one gated scan, every violating row", f"{times['gated']:.2f} s, {_drain(warehouse, whole):,} rows"),
        Figure(f"{DEFINITIONS} definitions against {DEFINITIONS // 2}", f"{times['gated'] / times['half']:.2f} ×"),
        Figure("one query each, against it", f"{times['each'] / times['gated']:.1f} ×"),
        Figure(f"compiling the SQL of {DEFINITIONS} definitions", f"{_compile_time(definitions):.3f} s"),
    ]


def _dedupe(server: EmbeddedPostgres) -> list[Figure]:
    _fill(server, VIOLATIONS, value="150 + g")
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
        written = _written(connection)
        again = statistics.median(evaluate()[0] for _ in range(3))
        written = _written(connection) - written
        connection.execute("update marts.big set id = 'n' || id where number % 20 = 0")
        moving, moved = evaluate()
        _close_many(connection)
        later = statistics.median(evaluate()[0] for _ in range(3))
        engine.dispose()
    return [
        Figure("all new", f"{seconds:.1f} s, {first.opened:,} opened"),
        at_most("all open already", again, 0.5, " s"),
        at_most("rows of incidents written for them", written, 0, ""),
        Figure("5 % new and 5 % gone", f"{moving:.2f} s, {moved.opened:,} opened, {moved.withdrawn:,} withdrawn"),
        at_most(f"all open already, {CLOSED:,} more closed against none", later / again, 1.3),
    ]


def _written(connection: psycopg.Connection[Any]) -> int:
    """How many rows of incidents and their events were ever written or changed."""
    connection.execute("select pg_stat_force_next_flush()")
    row = connection.execute(
        "select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_all_tables "
        "where schemaname = 'ledger' and relname in ('incidents', 'incident_events')"
    ).fetchone()
    return row[0] if row else 0


def _close_many(connection: psycopg.Connection[Any]) -> None:
    """Closed incidents of the same alert, as years leave them behind."""
    connection.execute(
        "insert into ledger.incidents (alert, fingerprint, entity, kind, status, severity, summary, owner, "
        "definition_version, opened_at, last_seen_at, resolved_at, resolution) "
        "select alert, md5('closed ' || g)::uuid, jsonb_build_object('id', 'c' || g), kind, 'resolved', severity, "
        "summary, owner, definition_version, opened_at, last_seen_at, opened_at, 'cleared' "
        f"from (select * from ledger.incidents limit 1) as i cross join generate_series(1, {CLOSED}) as g".encode()
    )
    connection.execute("vacuum analyze ledger.incidents")


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


if __name__ == "__main__":
    main()
