"""Rows a second into raw tables, against bare COPY of the same bytes in the same run, in turns; medians of three.

    python -m benchmarks --only ingest

The report has 15 columns as a cloud's cost report has, about 250 bytes a row, made from a fixed seed. It runs on an
embedded server of its own in a temporary folder, in about a minute.
"""

from __future__ import annotations

import random
import shutil
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
from alerting_pipeline.adapters.source_files import LocalFiles
from alerting_pipeline.domain.source import Column, Ingest, Source
from alerting_pipeline.store.raw_tables import PostgresRawTables
from alerting_pipeline.usecases.load import load
from benchmarks.report import Figure, Section, at_least, at_most, postgres_version
from benchmarks.server import bench_server

COLUMNS = {
    "line_item_id": "text", "billing_period_start": "timestamp with time zone", "account_id": "text",
    "line_item_type": "text", "usage_start": "timestamp with time zone", "usage_end": "timestamp with time zone",
    "product_code": "text", "usage_type": "text", "operation": "text", "resource_id": "text",
    "usage_amount": "numeric", "unblended_rate": "numeric", "unblended_cost": "numeric", "region": "text",
    "app": "text",
}  # fmt: skip
ROUNDS = 3
MONTHS = 12
ROWS = 200_000


_UPSERT = "insert into by_key select * from bare on conflict (line_item_id) do update set " + ", ".join(
    f"{column} = excluded.{column}" for column in COLUMNS
)


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
        """A file of its own: another link would touch the change time of all, and their hashes would be taken again."""
        target = self.home / "landing" / source.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)

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
    print(f"ingest: a report of {ROWS:,} rows, {MONTHS} months of it", flush=True)
    with _bench(ROWS) as bench:
        _ingest(bench)
        _two_loaders(bench)
        _restate(bench)
        with psycopg.connect(bench.url) as connection:
            version = postgres_version(connection)
        Section("ingest", "Ingest and restatement (goals G1, G2)", _asked(bench), version).write(_figures(bench))


@contextmanager
def _bench(rows: int) -> Iterator[Bench]:
    with (
        bench_server(shared_buffers_mb=1024) as server,
        tempfile.TemporaryDirectory(prefix="alerting-bench-") as folder,
    ):
        bench = Bench(Path(folder), server.url(), rows)
        with bench.csv.open("w") as file:
            file.writelines(report_lines(rows))
        _as_parquet(bench)
        yield bench


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
    """One month restated with one and with twelve stored; and, for comparison, upserted by key with twelve stored."""
    source = report_source("restated")
    bench.forget(source)
    for month in range(1, MONTHS + 1):
        bench.deliver(source, f"2026-{month:02d}/00/report.csv", bench.csv)
        if month in (1, MONTHS):
            bench.load(source)
            load(source, bench.files, PostgresRawTables(bench.url), Silent())  # nothing new: it remembers their hashes
            for number in range(1, ROUNDS + 1):
                bench.deliver(source, f"2026-01/{month}{number}/report.csv", bench.csv)
                bench.measure(f"restated with {month}", lambda: bench.load(source))
    others = ", ".join(["line_item_id || _period", *list(COLUMNS)[1:]])
    bench.run(
        "drop table if exists bare, by_key", _create("bare"), _create("by_key"),
        f"insert into by_key select {others} from raw.restated where _period <> '2026-01'",
        f"insert into by_key select {', '.join(COLUMNS)} from raw.restated where _period = '2026-01'",
        "alter table by_key add primary key (line_item_id)", "vacuum analyze by_key",
    )  # fmt: skip
    bench.forget(source)
    for _ in range(ROUNDS):
        bench.run("truncate bare")
        bench.measure("copy for an upsert", lambda: _bare_copy(bench))
        bench.measure("upsert", lambda: bench.run(_UPSERT))
        bench.run("vacuum by_key")


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


def _asked(bench: Bench) -> list[str]:
    size = bench.csv.stat().st_size / bench.rows
    return [
        f"A report of {len(COLUMNS)} columns, {bench.rows:,} rows of {size:.0f} bytes as CSV, made from a fixed seed; "
        "the Parquet file holds the same rows. Bare COPY is psycopg's, of the same bytes, into a table without an "
        "index. Loads go the whole way of `alerting load`, with content hash and ledger. "
        f"pandas.to_sql gets a tenth of the rows. A month is restated with 1 and with {MONTHS} stored; the upsert by "
        f"key has {MONTHS} stored too, the line item's id as primary key, and a vacuum before each turn.",
    ]


def _figures(bench: Bench) -> list[Figure]:
    megabytes = bench.csv.stat().st_size / 1e6
    speed = {name: bench.rows / bench.median(name) for name in ("bare", "csv", "parquet", "append")}
    pandas = bench.rows // 10 / bench.median("pandas")
    two = 2 * bench.rows / bench.median("two loaders")
    first, last = bench.median("restated with 1"), bench.median(f"restated with {MONTHS}")
    copied, upsert = bench.median("copy for an upsert"), bench.median("upsert")
    rows = f"{speed['csv']:,.0f} rows/s, {megabytes / bench.median('csv'):.0f} MB/s"
    return [
        Figure("bare COPY into an existing table", f"{speed['bare']:,.0f} rows/s"),
        Figure("CSV that replaces a period", rows),
        at_least("  of bare COPY", 100 * speed["csv"] / speed["bare"], 85, " %"),
        Figure("CSV that is appended, of bare COPY", f"{100 * speed['append'] / speed['bare']:.0f} %"),
        at_least("Parquet that replaces a period, of CSV", 100 * speed["parquet"] / speed["csv"], 100, " %"),
        at_least("CSV against pandas.to_sql", speed["csv"] / pandas, 12),
        at_least("two loaders against one", bench.median("one loader") / bench.median("two loaders"), 1.5),
        at_least("two loaders", two * 60 / 1e6, 20, " M rows/min"),
        Figure("a month restated, 1 stored", f"{first:.2f} s, {first / bench.median('bare'):.2f} × bare COPY"),
        at_most(f"a month restated, {MONTHS} stored against 1", last / first, 1.3),
        at_least(f"upsert by key with its COPY ({copied + upsert:.1f} s), against it", (copied + upsert) / last, 8),
    ]


if __name__ == "__main__":
    main()
