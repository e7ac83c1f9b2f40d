"""Due work: every window once, however often somebody is woken; an unhealthy mart is not judged by the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.evaluation import HEALTHY, EvaluationResult, Health, Order, Outcome
from alerting_pipeline.domain.letter import SendResult, WindowStatus
from alerting_pipeline.domain.report import ReportDefinition
from alerting_pipeline.domain.window import CLOCK, CRON, MATERIALIZATION, DueWork, latest_window
from alerting_pipeline.usecases.catch_up import CatchUp, DueLedger

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def _definition(alert: str, **changes: Any) -> AlertDefinition:
    values = {
        "alert": alert, "model": "m", "entity": "id", "condition": "x > 1", "owner": "ops", "runbook": "r.md",
        "severity": [{"level": "high"}], "summary": "s", "link": "https://example.com", **changes,
    }  # fmt: skip
    return AlertDefinition.model_validate(values)


@dataclass
class _Ledger:
    """Due work in memory."""

    rows: dict[tuple[str, str], DueWork] = field(default_factory=dict)
    done: set[tuple[str, str]] = field(default_factory=set)
    taken: set[tuple[str, str]] = field(default_factory=set)
    evaluated: dict[str, datetime] = field(default_factory=dict)

    def begin(self, work: str, at: datetime) -> None:
        self.rows[work, "since"] = DueWork(work, "since", at)
        self.done.add((work, "since"))

    def add(self, entries: list[DueWork]) -> int:
        new = {(each.work, each.window): each for each in entries if (each.work, each.window) not in self.rows}
        self.rows.update(new)
        return len(new)

    def take(self, kind: str, worker: str) -> list[DueWork]:
        free = [key for key in self.rows if key not in self.done | self.taken and key[0].partition(":")[0] == kind]
        self.taken |= set(free)
        return [self.rows[key] for key in free]

    def finish(self, entry: DueWork) -> None:
        self.done.add((entry.work, entry.window))

    def give_back(self, entry: DueWork) -> None:
        self.taken.discard((entry.work, entry.window))

    def last(self, work: str) -> datetime | None:
        return max((each.due_at for each in self.rows.values() if each.work == work), default=None)

    def evaluated_between(self, since: datetime, until: datetime) -> set[str]:
        return {alert for alert, as_of in self.evaluated.items() if since <= as_of <= until}


@dataclass
class _Watched:
    """A ledger at which somebody else looks after everything that is written to it."""

    ledger: _Ledger
    look: Callable[[], object]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def called(*given: Any) -> Any:
            found = getattr(self.ledger, name)(*given)
            self.look()
            return found

        return called


@dataclass
class _Evaluator:
    definitions: dict[str, AlertDefinition]
    asked: list[tuple[tuple[str, ...], Order]] = field(default_factory=list)
    broken: bool = False

    def of_model(self, model: str, order: Order) -> list[EvaluationResult]:
        return self.evaluate([f"all of {model}"], order)

    def evaluate(self, alerts: Iterable[str], order: Order) -> list[EvaluationResult]:
        if self.broken:
            raise RuntimeError("the warehouse is away")
        self.asked.append((tuple(alerts), order))
        return [EvaluationResult(alert, "v", "m", Outcome.CLEAR, "") for alert in self.asked[-1][0]]


@dataclass
class _MartHealth:
    health: Health = HEALTHY

    def of(self, models: Iterable[str]) -> Health:
        return self.health


def _work(*definitions: AlertDefinition) -> tuple[CatchUp, _Evaluator, _Ledger, _MartHealth]:
    evaluator, ledger, health = _Evaluator({each.alert: each for each in definitions}), _Ledger(), _MartHealth()
    return CatchUp(ledger, evaluator, health), evaluator, ledger, health


def _wake(work: CatchUp, now: datetime) -> list[str]:
    work.note_windows(now)
    return work.work_off(now, "me", lambda results: None)


HOURLY = _definition("hourly", trigger={"cron": "0 * * * *"})
TIMED = _definition("timed", condition="due < :as_of")


def test_a_new_schedule_owes_nothing_and_an_outage_owes_every_window_once():
    work, evaluator, _, _ = _work(HOURLY)
    assert _wake(work, NINE) == []
    assert evaluator.asked == []
    for _ in range(10):
        assert _wake(work, NINE + timedelta(hours=3)) == []
    assert [order.as_of for _, order in evaluator.asked] == [NINE + timedelta(hours=hours) for hours in (1, 2, 3)]
    assert {alerts for alerts, _ in evaluator.asked} == {("hourly",)}


def test_the_beginning_of_a_schedule_is_no_window_for_another_scheduler_that_looks_at_any_moment():
    work, evaluator, ledger, health = _work(HOURLY)
    watched = cast("DueLedger", _Watched(ledger, lambda: _wake(work, NINE)))
    other = CatchUp(watched, evaluator, health)
    for hour in (0, 1):
        _wake(other, NINE + timedelta(hours=hour))
    assert [order.as_of for _, order in evaluator.asked] == [NINE + timedelta(hours=1)]


def test_what_time_alone_changes_is_looked_at_once_a_quarter():
    work, evaluator, _, _ = _work(TIMED, _definition("plain"), _definition("expiring", expire_after="7d"))
    for minute in range(0, 30, 3):
        _wake(work, NINE + timedelta(minutes=minute))
    assert [alerts for alerts, _ in evaluator.asked] == [("timed", "expiring")] * 2


def test_the_clock_evaluates_as_of_now_and_never_before_what_was_seen_already():
    work, evaluator, _, _ = _work(TIMED)
    _wake(work, NINE + timedelta(minutes=7))
    assert [order.as_of for _, order in evaluator.asked] == [NINE + timedelta(minutes=7)]


def test_a_definition_evaluated_in_the_window_is_not_evaluated_again_by_the_clock():
    work, evaluator, ledger, _ = _work(TIMED, _definition("expiring", expire_after="7d"))
    ledger.evaluated = {"timed": NINE + timedelta(minutes=2), "expiring": NINE - timedelta(minutes=2)}
    _wake(work, NINE + timedelta(minutes=7))
    ledger.evaluated["expiring"] = NINE + timedelta(days=400)  # somebody looked far ahead: that keeps nothing waiting
    _wake(work, NINE + timedelta(minutes=16))
    assert [alerts for alerts, _ in evaluator.asked] == [("expiring",), ("timed", "expiring")]


def test_the_clock_does_not_judge_an_unhealthy_mart_and_a_schedule_says_that_it_could_not():
    work, evaluator, _, health = _work(HOURLY, TIMED)
    _wake(work, NINE)
    evaluator.asked.clear()
    health.health = Health(("test key on m failed",))
    _wake(work, NINE + timedelta(hours=1))
    assert [(alerts, order.health) for alerts, order in evaluator.asked] == [(("hourly",), health.health)]


def test_a_materialization_from_elsewhere_is_evaluated_under_its_own_name():
    work, evaluator, ledger, _ = _work(TIMED)
    ledger.add([DueWork(f"{MATERIALIZATION}:m", "dagster:1", NINE)])
    work.work_off(NINE, "me", lambda results: None)
    assert evaluator.asked == [(("all of m",), Order("dagster:1", NINE))]


def test_what_fails_is_given_back_and_keeps_nothing_else_from_being_done():
    work, evaluator, ledger, _ = _work(HOURLY, TIMED)
    _wake(work, NINE)
    evaluator.broken = True
    failures = _wake(work, NINE + timedelta(hours=1))
    assert [failure.split()[0].partition(":")[0] for failure in failures] == [CRON, CLOCK]
    evaluator.broken, evaluator.asked = False, []
    assert work.work_off(NINE + timedelta(hours=1), "me", lambda results: None) == []
    assert len(evaluator.asked) == 2
    assert ledger.done >= {("cron:hourly", (NINE + timedelta(hours=1)).isoformat())}


def test_a_schedule_whose_definition_is_gone_is_done_without_a_word():
    work, evaluator, ledger, _ = _work()
    ledger.add([DueWork(f"{CRON}:gone", "w", NINE)])
    assert work.work_off(NINE, "me", lambda results: None) == []
    assert evaluator.asked == []
    assert ("cron:gone", "w") in ledger.done


@dataclass
class _Reports:
    """A sender whose outcome a test says."""

    definitions: dict[str, ReportDefinition]
    status: WindowStatus = WindowStatus.DONE
    sent: list[tuple[str, datetime]] = field(default_factory=list)

    def current_window(self, definition: ReportDefinition, now: datetime) -> datetime | None:
        return latest_window(definition.trigger.cron or "", definition.trigger.timezone, now)

    def send(self, report: str, now: datetime) -> SendResult | None:
        window = self.current_window(self.definitions[report], now)
        assert window is not None
        self.sent.append((report, window))
        return SendResult(report, window, now, self.status)


def _reporting(status: WindowStatus = WindowStatus.DONE) -> tuple[CatchUp, _Reports, list[SendResult]]:
    values = {
        "report": "weekly", "model": "m", "entity": "id", "owner": "o", "to_column": "e", "subject": "s",
        "template": "t.html", "trigger": {"cron": "0 9 * * *"},
    }  # fmt: skip
    reports = _Reports({"weekly": ReportDefinition.model_validate(values)}, status)
    return CatchUp(_Ledger(), _Evaluator({}), _MartHealth(), reports), reports, []


def test_a_new_report_owes_nothing_and_its_next_window_is_sent_once() -> None:
    work, reports, told = _reporting()
    for minutes in (30, 60, 24 * 60, 24 * 60 + 15):
        now = NINE + timedelta(minutes=minutes)
        work.note_windows(now)
        assert work.send_reports(now, "test", told.append) == []
    assert reports.sent == [("weekly", NINE + timedelta(days=1))]
    assert [each.report for each in told] == ["weekly"]


def test_windows_that_nobody_sent_are_not_made_up_for_but_the_current_one_is() -> None:
    work, reports, told = _reporting()
    work.note_windows(NINE)
    much_later = NINE + timedelta(days=5, hours=3)
    work.note_windows(much_later)
    work.send_reports(much_later, "test", told.append)
    assert reports.sent == [("weekly", NINE + timedelta(days=5))]


@pytest.mark.parametrize("status", [WindowStatus.HELD, WindowStatus.WAITING, WindowStatus.FAILED])
def test_a_window_that_is_not_done_is_taken_up_again_until_the_next_one_comes(status: WindowStatus) -> None:
    work, reports, told = _reporting(status)
    work.note_windows(NINE)
    first, second = NINE + timedelta(days=1), NINE + timedelta(days=2)
    for now in (first, first + timedelta(minutes=15), first + timedelta(hours=8)):
        work.note_windows(now)
        work.send_reports(now, "test", told.append)
    assert reports.sent == [("weekly", first)] * 3
    reports.status = WindowStatus.DONE
    work.note_windows(second)
    work.send_reports(second, "test", told.append)
    assert reports.sent[3:] == [("weekly", second)]  # the first one is over, and was not sent a fourth time
    work.send_reports(second + timedelta(minutes=15), "test", told.append)
    assert len(reports.sent) == 4


def test_a_report_that_fails_unexpectedly_is_said_and_tried_again() -> None:
    work, reports, told = _reporting()
    work.note_windows(NINE)
    now = NINE + timedelta(days=1)
    work.note_windows(now)
    broken, reports.send = reports.send, _fails  # pyright: ignore[reportAttributeAccessIssue]  # for this once
    assert work.send_reports(now, "test", told.append) == [f"report:weekly {now.isoformat()}: the database is gone"]
    reports.send = broken  # pyright: ignore[reportAttributeAccessIssue]
    assert work.send_reports(now, "test", told.append) == []
    assert reports.sent == [("weekly", now)]


def _fails(report: str, now: datetime) -> SendResult:
    raise ConnectionError("the database is gone")


def test_a_window_of_a_schedule_that_meets_a_data_failure_is_evaluated_once_the_data_recover():
    work, evaluator, _, health = _work(HOURLY)
    _wake(work, NINE)
    health.health = Health(("test key on m failed",))
    for _ in range(3):
        _wake(work, NINE + timedelta(hours=1))
    assert {order.materialization_id.rpartition(":")[2] for _, order in evaluator.asked} == {"held"}
    evaluator.asked.clear()
    health.health = HEALTHY
    for _ in range(3):
        _wake(work, NINE + timedelta(hours=1, minutes=50))
    assert [order.as_of for _, order in evaluator.asked] == [NINE + timedelta(hours=1)]
