"""`alerting sql`: what an analyst may see, and how the command says no."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from alerting_pipeline.adapters.analyst_desk import AnalystDesk
from alerting_pipeline.adapters.sandbox_session import Limits
from alerting_pipeline.cli import main
from alerting_pipeline.domain.warehouse_error import QueryStopped
from tests.conftest import Database


@dataclass(frozen=True)
class Said:
    code: object
    out: str
    err: str


@pytest.fixture
def warehouse(database: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A small warehouse; the command is pointed at it, as at a foreign server."""
    with psycopg.connect(database.owner_url) as connection:
        connection.execute(
            "create table marts.payments as "
            "select 'p' || n as payment_id, n * 1.5 as amount from generate_series(1, 5) n"
        )
        for schema in ("raw", "staging", "intermediate"):
            connection.execute(f"create table {schema}.payments as select 1 as n, '[red]x[/red]' as note".encode())
    monkeypatch.setenv("ALERTING_DATABASE_URL", database.owner_url)
    return database


@pytest.fixture
def alerting(warehouse: Database, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def run(*arguments: str) -> Said:
        with pytest.raises(SystemExit) as stop:
            main(["sql", *arguments])
        said = capsys.readouterr()
        return Said(stop.value.code, said.out, said.err)

    return run


def test_a_query_is_answered_as_a_table(alerting: Callable[..., Said]) -> None:
    said = alerting("select payment_id, amount from payments order by 1")
    assert said.code == 0
    assert said.out.split()[:4] == ["payment_id", "amount", "p1", "1.5"]
    assert "5 rows" in said.err


def test_json_keeps_types_and_columns_of_one_name(alerting: Callable[..., Said]) -> None:
    said = alerting("--json", "select 1 as a, 2 as a, null as b, amount from payments order by amount limit 1;")
    assert json.loads(said.out) == [{"a": 1, "a_2": 2, "b": None, "amount": 1.5}]


@pytest.mark.parametrize(
    "relation",
    ["raw.payments", "staging.payments", "intermediate.payments", "marts.payments", "alerting.incidents",
     "alerting.parameter_values", "alerting.deliveries", "incidents"],
)  # fmt: skip
def test_an_analyst_reads_every_layer_and_the_documented_views(alerting: Callable[..., Said], relation: str) -> None:
    assert alerting(f"select * from {relation}").code == 0


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("select * from ledger.incidents", "permission denied for schema ledger"),
        ("select * from ledger.outbox", "the analyst reads raw"),
        ("delete from marts.payments", "only reads"),
        ("with w as (insert into payments values ('x', 1) returning 1) select * from w", "only reads"),
        ("create table marts.mine (n int)", "only reads"),
        ("create temporary table mine (n int)", "only reads"),
        ("set role alerting_owner", "permission denied to set role"),
        ("set statement_timeout = 0", "gives no rows"),
        ("select pg_sleep(1)", "permission denied for function pg_sleep"),
        ("select pg_read_file('/etc/passwd')", "permission denied for function"),
        ("select 1; delete from payments", "multiple commands"),
        ("do $$ begin delete from marts.payments; end $$", "permission denied for language"),
        ("copy payments to stdout", "gives no rows"),
        ("commit", "gives no rows"),
    ],
)
def test_what_an_analyst_may_not_do_is_refused_in_a_sentence(
    alerting: Callable[..., Said], warehouse: Database, query: str, says: str
) -> None:
    said = alerting(query)
    assert said.code == 1
    assert says in said.err.lower()
    assert "Traceback" not in said.err
    with psycopg.connect(warehouse.owner_url) as connection:
        assert connection.execute("select count(*) from marts.payments").fetchone() == (5,)


def test_an_error_shows_its_place(alerting: Callable[..., Said]) -> None:
    said = alerting("select payment_id,\n  amout\nfrom payments")
    assert said.code == 1
    line, shown, caret = said.err.splitlines()[:3]
    assert line.startswith('alerting: line 2, column 3: column "amout" does not exist')
    assert shown[caret.index("^") :].startswith("amout")


def test_an_error_is_an_object_with_json(alerting: Callable[..., Said]) -> None:
    assert "does not exist" in json.loads(alerting("--json", "select * from nowhere").out)["error"]


def test_rows_beyond_the_limit_are_not_shown_and_that_is_said(alerting: Callable[..., Said]) -> None:
    said = alerting("--limit", "2", "select payment_id from payments order by 1")
    assert said.out.split() == ["payment_id", "p1", "p2"]
    assert "there are more: --limit 20" in said.err
    assert alerting("--json", "--limit", "5", "select * from payments").err == ""
    assert "there are more" in alerting("--json", "--limit", "4", "select * from payments").err


def test_the_first_rows_of_a_flood_come_at_once(alerting: Callable[..., Said]) -> None:
    began = time.monotonic()
    said = alerting("--json", "select generate_series(1, 1000000000) as n")
    assert len(json.loads(said.out)) == 1000
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("arguments", [[], [""], ["--limit", "0", "select 1"], ["--nonsense", "select 1"]])
def test_a_bad_call_exits_with_2(alerting: Callable[..., Said], arguments: list[str]) -> None:
    assert alerting(*arguments).code == 2


def test_data_is_never_read_as_markup(alerting: Callable[..., Said]) -> None:
    assert "[red]x[/red]" in alerting("select note from raw.payments").out


def test_explain_and_show_are_answers_too(alerting: Callable[..., Said]) -> None:
    assert "Seq Scan" in alerting("explain select * from payments").out
    assert "on" in alerting("show transaction_read_only").out


def test_a_query_is_stopped_after_its_time(database: Database) -> None:
    began = time.monotonic()
    with pytest.raises(QueryStopped, match="after 1 s"):
        AnalystDesk(database.analyst_url, Limits(seconds=1)).ask("select count(*) from generate_series(1, 1e12)", 10)
    assert time.monotonic() - began < 2.5


def test_ctrl_c_stops_the_query_on_the_server(warehouse: Database) -> None:
    query = "select count(*) as ctrl_c from generate_series(1, 1e12)"
    child = subprocess.Popen(
        [sys.executable, "-c",
         "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
         "from alerting_pipeline.cli import main; main()", "sql", query],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert _running(warehouse, 1, within=30) == 1
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=10)
    finally:
        child.kill()
    assert child.returncode == 130
    assert "stopped" in err
    assert _running(warehouse, 0, within=3) == 0


def _running(database: Database, wanted: int, within: float) -> int:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        deadline = time.monotonic() + within
        while True:
            row = connection.execute(
                "select count(*) from pg_stat_activity where usename = 'analyst' and state = 'active' "
                "and datname = current_database() and query like '%ctrl_c%'"
            ).fetchone()
            assert row is not None
            if row[0] == wanted or time.monotonic() > deadline:
                return row[0]
            time.sleep(0.05)
