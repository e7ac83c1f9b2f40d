"""Rows a second into raw tables, against bare COPY of the same bytes in the same run, interleaved; medians of three.

`python benchmarks/ingest.py [--rows N] [--json FILE]`. The report has the 15 columns of performance.md, about 210 bytes
a row, made from a fixed seed. It runs on an embedded server of its own in a temporary folder, in about two minutes.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from alerting_pipeline.adapters.content_hashes import ContentHashes
from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from alerting_pipeline.adapters.source_files import LocalFiles
from alerting_pipeline.domain.source import Column, Ingest, Source
from alerting_pipeline.store.migrate import migrate
from alerting_pipeline.store.raw_tables import PostgresRawTables
from alerting_pipeline.usecases.load import load

COLUMNS = {
    "line_item_id": "text", "billing_period_start": "timestamp with time zone", "account_id": "text",
    "line_item_type": "text", "usage_start": "timestamp with time zone", "usage_end": "timestamp with time zone",
    "product_code": "text", "usage_type": "text", "operation": "text", "resource_id": "text",
    "usage_amount": "numeric", "unblended_rate": "numeric", "unblended_cost": "numeric", "region": "text",
    "app": "text",
}  # fmt: skip
ROUNDS = 3
MONTHS = 6


class Silent:
    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        pass


def report_source(name: str, form: str = "csv") -> Source:
    ingest = {
        "kind": "files", "pattern": f"{{period}}/{{delivery}}/report.{form}", "format": form, "mode": "replace_period",
        "period": "period", "delivery": "delivery",
    }  # fmt: skip
    columns = tuple(Column(column, kind) for column, kind in COLUMNS.items())
    return Source(name, Ingest.model_validate(ingest), columns, place="benchmarks/ingest.py:1")


def append_source(name: str) -> Source:
    ingest = {"kind": "files", "pattern": "{day}.csv", "format": "csv", "mode": "append"}
    columns = tuple(Column(column, kind) for column, kind in COLUMNS.items())
    return Source(name, Ingest.model_validate(ingest), columns, place="benchmarks/ingest.py:1")


def report_lines(rows: int, seed: int = 1) -> Iterator[str]:
    """The report, header first."""
    draw = random.Random(seed)
    yield ",".join(COLUMNS) + "\n"
    for _ in range(rows):
        hour = draw.randrange(24)
        day = f"2026-10-{draw.randrange(1, 31):02d}"
        cost = draw.expovariate(0.5)
        yield (
            f"{draw.getrandbits(160):040x},2026-10-01T00:00:00Z,{draw.randrange(10**12, 10**13)},Usage,"
            f"{day} {hour:02d}:00:00+00:00,{day} {hour:02d}:59:59+00:00,AmazonEC2,"
            f"USW2-BoxUsage:m5.{draw.choice('abcd')}large,"
            f"RunInstances,i-{draw.getrandbits(32):08d},{draw.random()!r},{draw.randrange(1, 999) / 1000},{cost!r},"
            f"us-west-{draw.randrange(1, 3)},{draw.choice(['shop', 'search', 'mail', ''])}\n"
        )


@dataclass
class Bench:
    """One server, one landing folder, one set of reports, and the seconds measured."""

    home: Path
    url: str
    rows: int
    seconds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def files(self) -> LocalFiles:
        return LocalFiles(self.home / "landing", ContentHashes(self.home / "hashes.sqlite"))

    @property
    def csv(self) -> Path:
        return self.home / "report.csv"

    @property
    def parquet(self) -> Path:
        return self.home / "report.parquet"

    def measure(self, name: str, action: Callable[[], object]) -> None:
        started = time.perf_counter()
        action()
        self.seconds.setdefault(name, []).append(time.perf_counter() - started)

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def deliver(self, source: Source, name: str, file: Path) -> None:
        target = self.home / "landing" / source.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.hardlink_to(file)

    def load(self, source: Source) -> None:
        result = load(source, self.files, PostgresRawTables(self.url), Silent())
        if result.problems or not result.rows:
            raise SystemExit(f"the benchmark could not load {source.name}: {result.problems}")

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def forget(self, source: Source) -> None:
        self.run(
            f"drop table if exists raw.{source.name} cascade",
            f"delete from ledger.loads where source = '{source.name}'",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000, help="rows of the report (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    with _bench(arguments.rows) as bench:
        _ingest(bench)
        _two_loaders(bench)
        _restate(bench)
        figures = _figures(bench)
    for name, value, goal in figures:
        print(f"{name:<58} {value:>14}   {goal}")
    if arguments.json:
        arguments.json.write_text(
            json.dumps([dict(zip(("what", "value", "goal"), each, strict=True)) for each in figures])
        )


@contextmanager
def _bench(rows: int) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="alerting-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", shared_buffers_mb=1024)
        server.acquire()
        try:
            migrate(server.url())
            bench = Bench(Path(folder), server.url(), rows)
            with bench.csv.open("w") as file:
                file.writelines(report_lines(rows))
            _as_parquet(bench)
            yield bench
        finally:
            server.release()


def _as_parquet(bench: Bench) -> None:
    import duckdb

    with duckdb.connect() as database:
        database.execute("set TimeZone = 'UTC'")
        database.execute(
            f"copy (select * replace (account_id::varchar as account_id) from read_csv('{bench.csv}', header = true)) "
            f"to '{bench.parquet}' (format parquet)"
        )


def _ingest(bench: Bench) -> None:
    csv, parquet, daily = (
        report_source("csv_report"),
        report_source("parquet_report", "parquet"),
        append_source("daily"),
    )
    bench.deliver(csv, "2026-10/1/report.csv", bench.csv)
    bench.deliver(parquet, "2026-10/1/report.parquet", bench.parquet)
    bench.deliver(daily, "1.csv", bench.csv)
    for _ in range(ROUNDS):
        for source in (csv, parquet, daily):
            bench.forget(source)
        bench.run("drop table if exists bare", _create("bare"))
        bench.measure("bare", lambda: _bare_copy(bench))
        bench.measure("csv", lambda: bench.load(csv))
        bench.measure("parquet", lambda: bench.load(parquet))
        bench.measure("append", lambda: bench.load(daily))
    bench.run("drop table bare")
    bench.measure("pandas", lambda: _pandas(bench, bench.rows // 10))


def _two_loaders(bench: Bench) -> None:
    """Two processes, a source each, against one process that loads both."""
    sources = [report_source("left"), report_source("right")]
    for source in sources:
        bench.deliver(source, "2026-10/1/report.csv", bench.csv)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(abs, range(2)))  # the processes are there before the clock runs
        for _ in range(ROUNDS):
            for source in sources:
                bench.forget(source)
            bench.measure("one loader", lambda: [bench.load(source) for source in sources])
            for source in sources:
                bench.forget(source)
            bench.measure("two loaders", lambda: list(pool.map(bench.load, sources)))
    for source in sources:
        bench.forget(source)


def _restate(bench: Bench) -> None:
    """One month restated with one and with six stored; and, for comparison, upserted by key with six stored."""
    source = report_source("restated")
    bench.forget(source)
    for month in range(1, MONTHS + 1):
        bench.deliver(source, f"2026-{month:02d}/00/report.csv", bench.csv)
        if month in (1, MONTHS):
            bench.load(source)
            for number in range(1, ROUNDS + 1):
                bench.deliver(source, f"2026-01/{month}{number}/report.csv", bench.csv)
                bench.measure(f"restated with {month}", lambda: bench.load(source))
    upserted = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS)
    bench.run(
        "drop table if exists bare, by_key", _create("bare"), _create("by_key"),
        f"insert into by_key select {', '.join(COLUMNS)} from raw.restated where _period <> '2026-01'",
        "update by_key set line_item_id = line_item_id || ctid::text",
        f"insert into by_key select {', '.join(COLUMNS)} from raw.restated where _period = '2026-01'",
        "alter table by_key add primary key (line_item_id)", "analyze by_key",
    )  # fmt: skip

    def upsert() -> None:
        bench.run("truncate bare")
        _bare_copy(bench)
        bench.run(f"insert into by_key select * from bare on conflict (line_item_id) do update set {upserted}")

    bench.measure("upsert", upsert)


def _create(table: str) -> str:
    return f"create table {table} ({', '.join(f'{column} {kind}' for column, kind in COLUMNS.items())})"


def _bare_copy(bench: Bench) -> None:
    with psycopg.connect(bench.url) as connection, bench.csv.open("rb") as file, connection.cursor() as cursor:
        connection.execute("set local synchronous_commit to off")
        with cursor.copy("copy bare from stdin (format csv, header)") as copy:
            while chunk := file.read(256 * 1024):
                copy.write(chunk)


def _pandas(bench: Bench, rows: int) -> None:
    """On a tenth of the rows, for it is slow."""
    import pandas
    from sqlalchemy import create_engine

    engine = create_engine(bench.url.replace("postgresql://", "postgresql+psycopg://", 1))
    pandas.read_csv(bench.csv, nrows=rows).to_sql("by_pandas", engine, if_exists="replace", index=False)
    engine.dispose()


def _figures(bench: Bench) -> list[tuple[str, str, str]]:
    megabytes = bench.csv.stat().st_size / 1e6
    speed = {name: bench.rows / bench.median(name) for name in ("bare", "csv", "parquet", "append")}
    speed["pandas"] = bench.rows // 10 / bench.median("pandas")
    two = 2 * bench.rows / bench.median("two loaders")
    flat = bench.median(f"restated with {MONTHS}") / bench.median("restated with 1")
    return [
        ("report: rows, bytes a row", f"{bench.rows:,} × {megabytes * 1e6 / bench.rows:.0f}", ""),
        ("bare COPY into an existing table, rows/s", f"{speed['bare']:,.0f}", ""),
        (
            "CSV replacing a period, rows/s",
            f"{speed['csv']:,.0f}",
            f"{megabytes / bench.median('csv'):.0f} MB/s of CSV",
        ),
        ("  of bare COPY", f"{speed['csv'] / speed['bare']:.0%}", "goal: 85 %"),
        ("CSV appended, of bare COPY", f"{speed['append'] / speed['bare']:.0%}", ""),
        ("Parquet replacing a period, of CSV", f"{speed['parquet'] / speed['csv']:.0%}", "goal: 100 %"),
        ("CSV against pandas.to_sql", f"{speed['csv'] / speed['pandas']:.1f} ×", "goal: 12 ×"),
        ("two loaders against one", f"{bench.median('one loader') / bench.median('two loaders'):.2f} ×", "goal: 1.5 ×"),
        ("  rows/min with two", f"{two * 60 / 1e6:.1f} M", "goal: 20 M"),
        ("a month restated with 1 stored, s", f"{bench.median('restated with 1'):.2f}", ""),
        (f"  with {MONTHS} stored against 1", f"{flat:.2f} ×", "goal: 1.3 ×, up to 12 stored"),
        (
            f"  against an upsert by key with {MONTHS} stored",
            f"{bench.median('upsert') / bench.median(f'restated with {MONTHS}'):.1f} ×",
            "goal: 8 ×",
        ),
    ]


if __name__ == "__main__":
    main()
