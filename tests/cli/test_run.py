"""`alerting run`: one whole pass on the command line, over a small shop of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerting_pipeline.app import App
from alerting_pipeline.cli import main
from tests.defs.shop import lay_out

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stop:
        main(["run", *arguments])
    return int(str(stop.value.code or 0)), capsys.readouterr().out


@pytest.fixture
def shop(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "a shop"
    lay_out(project)
    (project / "dbt_project/models/marts/slow.sql").write_text("select count(*) as id from {{ ref('stg_orders') }}")
    monkeypatch.chdir(project)
    large = project / "alert_definitions/large_order.yaml"
    large.write_text(large.read_text() + "expire_after: 30d\n")  # so that the clock has a say in it, too
    landing = home / "landing/order_lines"
    landing.mkdir(parents=True)
    (landing / "2026-01-05.csv").write_text("order_id,amount\no1,50\no2,150\n")
    return landing


def test_a_pass_loads_builds_evaluates_and_delivers_and_a_second_one_finds_nothing_new(
    shop: Path, home: Path, capsys: pytest.CaptureFixture[str]
):
    code, out = _run(capsys, "--json")
    told = json.loads(out)
    assert code == 0, told["troubles"]
    assert (told["rows_loaded"], told["models_built"], told["opened"], told["sent"]) == (2, 3, 1, 1)
    assert [each["alert"] for each in told["evaluations"]] == ["large_order"]
    assert len(list((home / "inbox").rglob("*"))) > 0
    code, out = _run(capsys, "--json")
    again = json.loads(out)
    assert (code, again["rows_loaded"], again["opened"], again["sent"]) == (0, 0, 0, 0)

    (shop / "2026-01-06.csv").write_text("order_id,amount\no3,\n")
    code, out = _run(capsys, "--json")
    failed = json.loads(out)
    assert code == 1
    assert failed["troubles"] == ["test not_null_orders_amount on orders failed for 1 row"]
    assert [each["outcome"] for each in failed["evaluations"]] == ["data_failure"]


def _incidents(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    with pytest.raises(SystemExit):
        main(["incidents", "list", "--kind", "data", "--json", *arguments])
    return json.loads(capsys.readouterr().out)


def test_a_failing_test_is_one_data_incident_that_ends_when_the_test_passes_and_the_alert_is_evaluated_then(
    shop: Path, capsys: pytest.CaptureFixture[str]
):
    (shop / "2026-01-06.csv").write_text("order_id,amount\no3,\n")
    for _ in range(2):
        assert _run(capsys, "--json")[0] == 1
        [incident] = _incidents(capsys)
        assert incident["alert"] == "data_test"
        assert incident["entity"] == {"model": "orders", "test": "not_null_orders_amount"}
        assert incident["summary"] == (
            "orders: the test not_null_orders_amount failed for 1 row. Held until it passes: large_order."
        )
        assert incident["fields"]["changed_upstream"].endswith("UTC loaded order_lines: 2026-01-06.csv (1 row)")

    # Put right outside the build of the mart: the test alone is run again.
    with App.from_environment() as app:
        assert app.mart_health.of(["orders"]).failures == ("test not_null_orders_amount on orders failed for 1 row",)
    with App.from_environment() as app, psycopg.connect(app.owner_url) as owner:
        owner.execute("delete from marts.orders where amount is null")
    code, out = _run(capsys, "--select", "not_null_orders_amount", "--json")
    told = json.loads(out)
    assert (code, told["troubles"]) == (0, [])
    assert [(each["alert"], each["outcome"], each["opened"]) for each in told["evaluations"]] == [
        ("large_order", "firing", 1)
    ]
    assert _incidents(capsys) == []


def test_what_fails_because_somebody_changed_a_model_names_the_model(shop: Path, capsys: pytest.CaptureFixture[str]):
    assert _run(capsys)[0] == 0
    staged = Path("dbt_project/models/staging/stg_orders.sql")
    staged.write_text(staged.read_text().replace("amount from", "nullif(amount, 150) as amount from"))
    assert _run(capsys)[0] == 1
    [incident] = _incidents(capsys)
    changed = incident["fields"]["changed_upstream"]
    assert changed.endswith(" UTC changed the code of stg_orders") and ";" not in changed


def test_what_waits_for_a_mart_that_was_never_built_is_named_and_is_no_error(
    shop: Path, capsys: pytest.CaptureFixture[str]
):
    code, out = _run(capsys, "--select", "stg_orders", "--json")
    told = json.loads(out)
    assert (code, told["troubles"], told["not_built"], told["sent"]) == (0, [], ["large_order"], 0)
    with pytest.raises(SystemExit):
        main(["doctor", "--json"])
    [said] = [each for each in json.loads(capsys.readouterr().out)["findings"] if each["part"] == "evaluation"]
    assert (said["health"], said["says"]) == ("note", "waiting for models that were never built: large_order")


def test_a_selection_that_selects_nothing_is_one_sentence(shop: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["run", "--select", "nowhere"])
    assert "--select nowhere selects nothing" in capsys.readouterr().err
