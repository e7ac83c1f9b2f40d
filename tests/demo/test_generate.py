"""The sample company's files: the same for everybody, complete or not there, and without the answers in them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from alerting_pipeline.demo import labels
from alerting_pipeline.demo.calendar import AS_OF, day_before
from alerting_pipeline.demo.generate import Summary, generate

ORDINARY_LIMIT = 10_000
USE_CASES = (
    "cold_room_too_warm",
    "large_transaction",
    "unusual_transaction",
    "late_delivery",
    "location_at_risk",
    "over_daily_budget",
    "retargeting_candidate",
    "forecast_over_budget",
    "bill_restated",
    "uncovered_on_demand",
    "stock_runs_out",
    "content_reported",
    "tier_changed",
)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Summary]:
    """Landing folder, labels file, summary of the default company."""
    home = tmp_path_factory.mktemp("company")
    summary = generate(home / "landing", home / "demo" / "labels.jsonl")
    return home / "landing", home / "demo" / "labels.jsonl", summary


def fingerprints(landing: Path) -> dict[str, str]:
    return {
        str(path.relative_to(landing)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(landing.rglob("*"))
        if path.is_file()
    }


def transactions(landing: Path) -> list[dict[str, Any]]:
    return [
        row for path in sorted(landing.glob("card_transactions/*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def test_two_runs_write_the_same_bytes(company: tuple[Path, Path, Summary], tmp_path: Path) -> None:
    landing, labels_file, _ = company
    generate(tmp_path / "landing", tmp_path / "labels.jsonl")
    assert fingerprints(tmp_path / "landing") == fingerprints(landing)
    assert (tmp_path / "labels.jsonl").read_bytes() == labels_file.read_bytes()


def test_another_seed_writes_other_traffic_and_the_same_story(
    company: tuple[Path, Path, Summary], tmp_path: Path
) -> None:
    landing, labels_file, _ = company
    generate(tmp_path / "landing", tmp_path / "labels.jsonl", seed=7)
    assert fingerprints(tmp_path / "landing") != fingerprints(landing)
    assert (tmp_path / "labels.jsonl").read_bytes() == labels_file.read_bytes()


def test_a_second_run_leaves_the_files_alone(company: tuple[Path, Path, Summary]) -> None:
    landing, labels_file, _ = company
    before = {path: path.stat().st_mtime_ns for path in landing.rglob("*")}
    assert generate(landing, labels_file).new_files == 0
    assert {path: path.stat().st_mtime_ns for path in landing.rglob("*")} == before


def test_more_days_add_files_and_change_none_of_the_recent_days(
    company: tuple[Path, Path, Summary], tmp_path: Path
) -> None:
    landing, _, short = company
    long = generate(tmp_path / "landing", tmp_path / "labels.jsonl", days=28)
    assert long.rows["card_transactions"] == pytest.approx(2 * short.rows["card_transactions"], rel=0.1)
    assert long.files["cost_and_usage"] == 2 * short.files["cost_and_usage"]  # two months
    few, many = fingerprints(landing), fingerprints(tmp_path / "landing")
    recent = [name for name in few if name.startswith(("card_transactions", "delivery_orders", "cost_and_usage"))]
    assert {name: many[name] for name in recent} == {name: few[name] for name in recent}


def test_few_days_still_tell_the_whole_story(company: tuple[Path, Path, Summary], tmp_path: Path) -> None:
    _, labels_file, full = company
    short = generate(tmp_path / "landing", tmp_path / "labels.jsonl", days=1)
    assert short.rows["card_transactions"] < full.rows["card_transactions"] / 5
    assert (tmp_path / "labels.jsonl").read_bytes() == labels_file.read_bytes()


def test_labels_may_not_lie_where_files_are_loaded_from(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="landing"):
        generate(tmp_path / "landing", tmp_path / "landing" / "labels.jsonl")
    assert not (tmp_path / "landing").exists()


def test_no_delivered_file_tells_what_is_planted(company: tuple[Path, Path, Summary]) -> None:
    landing, labels_file, _ = company
    reasons = [label.why.encode() for label in labels.read(labels_file)]
    for path in landing.rglob("*.*"):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert not any(reason in content for reason in reasons), path
        assert b"near_miss" not in content and b"exception" not in content, path


def test_files_lie_where_the_sources_look_for_them(company: tuple[Path, Path, Summary], dbt_manifest: Path) -> None:
    landing, _, summary = company
    declared = {
        source["name"]: source["config"]["meta"]["ingest"]
        for source in json.loads(dbt_manifest.read_bytes())["sources"].values()
    }
    for source in summary.rows:
        ingest = declared[source]
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(ingest["pattern"])).replace(r"\*", "[^/]*")
        for path in (landing / source).rglob("*.*"):
            assert re.fullmatch(pattern, str(path.relative_to(landing / ingest["root"]))), path
    assert set(declared) - set(summary.rows) == {
        "cost_deliveries",  # the very files of cost_and_usage
        "focus_costs",  # real bills are brought along, or none
    }


def test_every_use_case_has_exceptions_and_near_misses(company: tuple[Path, Path, Summary]) -> None:
    found = Counter((label.alert, label.kind) for label in labels.read(company[1]))
    for alert in USE_CASES:
        assert 3 <= found[alert, "exception"] <= 8  # few enough to read
        assert found[alert, "near_miss"] >= 5
    assert company[2].exceptions + company[2].near_misses == sum(found.values())


def test_every_planted_case_is_in_the_data_once(company: tuple[Path, Path, Summary]) -> None:
    landing, labels_file, _ = company
    keys = [label.key for label in labels.read(labels_file)]
    assert len(keys) == len(set(keys))
    counted = Counter(str(row["transaction_id"]) for row in transactions(landing))
    ordered = Counter(row["delivery_id"] for row in orders(landing))
    for label in labels.read(labels_file):
        if "transaction_id" in label.entity:
            assert counted[label.entity["transaction_id"]] == 1
        if "delivery_id" in label.entity:
            assert ordered[label.entity["delivery_id"]] == 1
    assert max(counted.values()) == max(ordered.values()) == 1


def test_ordinary_payments_are_nowhere_near_an_alert(company: tuple[Path, Path, Summary]) -> None:
    landing, labels_file, _ = company
    planted = {label.entity.get("transaction_id") for label in labels.read(labels_file)}
    earlier: dict[int, list[float]] = defaultdict(list)
    for row in sorted(transactions(landing), key=lambda row: (row["tx_datetime"], row["transaction_id"])):
        history, amount = earlier[row["customer_id"]], row["tx_amount"]
        if str(row["transaction_id"]) not in planted:
            assert amount < ORDINARY_LIMIT / 2
            if len(history) >= 10 and amount >= 300:
                assert amount < 4 * sum(history) / len(history)
        if amount is not None:
            history.append(amount)


def test_near_misses_of_amounts_miss_by_a_hair(company: tuple[Path, Path, Summary]) -> None:
    landing, labels_file, _ = company
    amounts = {str(row["transaction_id"]): row["tx_amount"] for row in transactions(landing)}
    missed = [
        amounts[label.entity["transaction_id"]]
        for label in labels.read(labels_file)
        if label.alert == "large_transaction" and label.kind == "near_miss"
    ]
    assert {10_000.0, 9_999.99, None} <= set(missed)


def test_near_misses_of_deliveries_miss_by_minutes(company: tuple[Path, Path, Summary]) -> None:
    landing, labels_file, _ = company
    promised = {row["delivery_id"]: row["promised_at"] for row in orders(landing)}
    minutes: dict[str, list[float]] = defaultdict(list)
    for label in labels.read(labels_file):
        if label.alert == "late_delivery" and promised[label.entity["delivery_id"]]:
            since = AS_OF - datetime.fromisoformat(promised[label.entity["delivery_id"]])
            minutes[label.kind].append(since / timedelta(minutes=1))
    assert 61 in minutes["exception"] and 59 in minutes["near_miss"] and -15 in minutes["near_miss"]


def test_only_the_newest_delivery_of_the_report_tells_which_day_is_over_budget(
    company: tuple[Path, Path, Summary],
) -> None:
    landing, _, _ = company
    mobile, checkout = day_before(4).isoformat(), day_before(3).isoformat()
    *earlier, newest = [_cost_by_day(path) for path in sorted(landing.glob("cost_and_usage/*/*/*.gz"))]
    assert len(earlier) == 2
    for costs in earlier:
        assert costs["210000000002", "mobile-api", mobile] > 250  # the budget, in a delivery that is superseded
        assert costs["210000000001", "", checkout] < 400
    assert newest["210000000002", "mobile-api", mobile] < 250
    assert newest["210000000001", "", checkout] > 400


def test_a_day_of_exactly_the_budget_is_exact_to_the_last_digit(company: tuple[Path, Path, Summary]) -> None:
    landing, _, _ = company
    newest = _cost_by_day(max(landing.glob("cost_and_usage/*/*/*.gz")))
    day = day_before(6).isoformat()
    assert newest["210000000004", "", day] + newest["210000000002", "", day] == Decimal(500)


def test_line_item_ids_change_with_every_delivery(company: tuple[Path, Path, Summary]) -> None:
    landing, _, _ = company
    first, second = [
        {row["identity/LineItemId"] for row in _report(path)}
        for path in sorted(landing.glob("cost_and_usage/*/*/*.gz"))[:2]
    ]
    assert first.isdisjoint(second)
    assert len(second) > len(first)


def test_nothing_is_reported_from_the_future(company: tuple[Path, Path, Summary]) -> None:
    landing, _, _ = company
    for folder, column in (("transaction_statuses", "changed_at"), ("delivery_events", "happened_at")):
        for path in landing.glob(f"{folder}/*.jsonl"):
            instants = [datetime.fromisoformat(json.loads(line)[column]) for line in path.read_text().splitlines()]
            assert max(instants) <= AS_OF
            assert {instant.date().isoformat() for instant in instants} == {path.stem}


def orders(landing: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for path in sorted(landing.glob("delivery_orders/*.csv.gz")):
        with gzip.open(path, "rt") as file:
            found += csv.DictReader(file)
    return found


def _report(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") as file:
        return list(csv.DictReader(file))


def _cost_by_day(path: Path) -> dict[tuple[str, str, str], Decimal]:
    costs: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in _report(path):
        key = row["lineItem/UsageAccountId"], row["resourceTags/user:app"], row["lineItem/UsageStartDate"][:10]
        costs[key] += Decimal(row["lineItem/UnblendedCost"])
    return costs
