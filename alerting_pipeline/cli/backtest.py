"""`alerting backtest` replays an alert's past with what is in force, and with what somebody thinks of instead."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.moment import length, moment
from alerting_pipeline.cli.output import json_option, note_standing_clock, print_json, print_table, progress
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.wilson import Share, share

if TYPE_CHECKING:
    from alerting_pipeline.domain.backtest import Difference, Example, Report, Side, Span
    from alerting_pipeline.domain.sweep import Axis
    from alerting_pipeline.domain.sweep_points import Swept

DAYS = 90
_SWEEP = re.compile(r"\s*(\w+)(?:\[(.*)\])?\s*=([^=]*)", re.DOTALL)


@click.command("backtest")
@click.argument("name")
@click.option(
    "--from", "start", metavar="D", help=f"The first day, or an instant; {DAYS} days before --to if left out."
)
@click.option("--to", "end", metavar="D", help="The last day (all of it), or an instant; now if left out.")
@click.option("--every", metavar="LENGTH", help="How often it is evaluated; else once a day, or by its schedule.")
@click.option("--set", "changes", multiple=True, metavar="P=V", help="Another value of a parameter; P[segment]=V too.")
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="P=FROM:TO:STEP",
    help="Many values, of up to two parameters; P[segment]=… too.",
)
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="A picture of it: a .png or .html file.")
@click.option("--recorded", "is_recorded", is_flag=True, help="Repeat what the ledger recorded; does it tell the same?")
@json_option
def backtest(
    name: str,
    start: str | None,
    end: str | None,
    every: str | None,
    changes: tuple[str, ...],
    sweeps: tuple[str, ...],
    plot: Path | None,
    is_recorded: bool,
    as_json: bool,
) -> None:
    """Replay the past of the alert NAME through the production path, and say what would have come of it.

    Evaluation, dedupe, grouping, budgets and routing are production's own. Nothing is kept, and nobody is told.
    """
    from alerting_pipeline.app.backtesting import backtest as run
    from alerting_pipeline.app.backtesting import check_target, draw, sweep

    if changes and sweeps:
        raise BadCall("--set tries one set of values and --sweep many; say one of them")
    if is_recorded:
        _replay_recorded(name, end, as_json)
        return
    axes = _axes(sweeps)
    if plot is not None:
        check_target(plot)
    with App.from_environment() as app, progress(as_json) as shown:
        note_standing_clock(app.settings)
        span = span_of(app, name, start, end, every)
        swept = sweep(app, name, span, axes, shown) if axes else None
        assigned = _assignments(changes) if changes else None
        report = run(app, name, span, shown, changes=assigned) if swept is None else None
    if plot is not None:
        draw(swept or report, plot)
    if as_json:
        print_json(_facts(swept) if swept is not None else report)
    elif swept is not None:
        print_sweep(swept)
    elif report is not None:
        print_report(report)


def _replay_recorded(name: str, end: str | None, as_json: bool) -> None:
    """Exit code 1 where the replay tells something else."""
    from alerting_pipeline.app.replaying import replay_ledger

    with App.from_environment() as app, progress(as_json) as shown:
        note_standing_clock(app.settings)
        now = app.clock.now()
        found = replay_ledger(app, name, now if end is None else min(now, _end_of(end)), shown)
    if as_json:
        print_json(found)
    else:
        click.echo(f"{found.evaluations:,} evaluations and {found.acts:,} acts of people repeated")
        differing = f"{found.only_delivered:,} only delivered, {found.only_replayed:,} only in the replay"
        click.echo(f"messages: {found.same:,} the same, {differing}")
        for each in found.examples:
            what = f"{each.transition}, {each.summary}"
            click.echo(f"  delivered {each.told_at:%Y-%m-%d %H:%M} to {each.destination}: {what}")
    sys.exit(0 if found.is_exact else 1)


def span_of(app: App, name: str, start: str | None, end: str | None, every: str | None) -> Span:
    """The time asked for. A day as --to is meant whole, but nothing later than now."""
    from alerting_pipeline.domain.backtest import Span

    now = app.clock.now()
    until = now if end is None else min(now, _end_of(end))
    since = until - timedelta(days=DAYS) if start is None else moment(start, "--from")
    definition = app.definition_ledger.in_force().alerts.get(name)
    if every is None and definition is not None and definition.trigger.is_cron:
        return Span(since, until, cron=definition.trigger.cron, timezone=definition.trigger.timezone)
    return Span(since, until, length(every, "--every") if every else timedelta(days=1))


def _end_of(text: str) -> datetime:
    found = moment(text, "--to")
    return found + timedelta(days=1) if len(text) == len("2026-01-05") else found


def _assignments(written: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for each in written:
        name, sign, value = each.partition("=")
        if not sign or not name.strip():
            raise BadCall(f'--set "{each}" is not an assignment; write one such as review_limit=8000')
        found[name.strip()] = value.strip()
    return found


def _axes(written: tuple[str, ...]) -> list[Axis]:
    from alerting_pipeline.domain.sweep import Axis
    from alerting_pipeline.domain.sweep_points import values_between
    from alerting_pipeline.domain.written import number
    from alerting_pipeline.usecases.sweep import MOST_POINTS

    if len(written) > 2:
        raise BadCall("--sweep takes one or two parameters")
    found = []
    for each in written:
        match = _SWEEP.fullmatch(each)
        name, segment, between = match.groups() if match else (each, None, "")
        try:
            first, last, step = (Decimal(number(part)) for part in between.split(":"))
            if step <= 0 or first > last:
                raise ValueError("it goes from the lesser to the greater, by a step above 0")
        except ValueError:
            raise BadCall(f'--sweep "{each}" is no range; write one such as review_limit=1000:20000:500') from None
        found.append(Axis(name, values_between(first, last, step, MOST_POINTS), segment=segment))
    return found


def _facts(found: Swept) -> dict[str, Any]:
    """A sweep for programs: of each combination its averages and its precision, too."""
    rows = [
        {
            "values": each.values,
            "incidents": each.incidents,
            "incidents_per_week": each.incidents / found.weeks,
            "most_in_a_week": each.most_in_a_week,
            "standing": each.standing,
            "weeks": {week.isoformat(): number for week, number in each.weeks.items()},
            "precision": share(each.hits, each.verdicts),
        }
        for each in found.points
    ]
    return {
        "alert": found.alert,
        "start": found.span.start,
        "end": found.span.end,
        "weeks": found.weeks,
        "data_from": found.data_from,
        "current": found.current,
        "budget_per_week": found.budget_per_week,
        "why_not_one_pass": found.why_not_one_pass,
        "points": rows,
    }


def print_sweep(found: Swept) -> None:
    """Volume against precision, with the values in force and the budget marked."""
    weeks, budget = found.weeks, found.budget_per_week
    names = list(found.points[0].values)
    current = tuple(Decimal(found.current[name]) for name in names)
    rows, is_over = [], False
    for point in found.points:
        values = tuple(point.values.values())
        a_week = point.incidents / weeks
        marks = ["in force"] if values == current else []
        if budget is not None and a_week > budget:
            marks.append("over the budget")
            is_over = True
        precision = share_text(share(point.hits, point.verdicts)) if point.verdicts else None
        cells = [format(value, "f") for value in values]
        rows.append(
            [*cells, point.incidents, a_week, point.most_in_a_week, point.standing, precision, ", ".join(marks)]
        )
    columns = [*names, "incidents", "a week", "most in a week", "there at the start", "precision", ""]
    print_table(columns, rows)
    shown = ", ".join(f"{name} {value}" for name, value in found.current.items())
    click.echo(f"\nin force: {shown}" + (f"; the budget of its team is {budget:g} messages a week" if is_over else ""))
    _say_weeks(weeks, found.data_from)
    how = f"each value replayed by itself: {found.why_not_one_pass}" if found.why_not_one_pass else "in one pass"
    click.echo(f"{found.alert}, {found.span.start:%Y-%m-%d} to {found.span.end:%Y-%m-%d}, {how}. Nothing was kept.")


def print_report(report: Report) -> None:
    """The report for people."""
    sides = [side for side in (report.in_force, report.proposed) if side is not None]
    heads = ["in force", "proposed"][: len(sides)]
    during = f"{report.start:%Y-%m-%d %H:%M} to {report.end:%Y-%m-%d %H:%M} UTC"
    click.echo(f"{report.alert}, {during}, evaluated {report.in_force.evaluations:,} times")
    click.echo(f"It reads {report.reads}.")
    _say_weeks(report.weeks, report.data_from)
    print_table(["", *heads], [[label, *(cell(side) for side in sides)] for label, cell in _LINES], title="")
    _print_weeks(report, heads, sides)
    _print_recipients(heads, sides)
    if report.change is not None:
        _print_difference(report.change, "against what is in force")
    if report.against_ledger is not None:
        told = report.against_ledger
        click.echo(
            f"\nAgainst the ledger's own incidents: {told.common:,} the same, {told.lost:,} only there, "
            f"{told.gained:,} only in the replay of what is in force"
        )
    for failure in (failure for side in sides for failure in side.failures):
        click.echo(f"not evaluated at {failure}")
    for note in report.notes:
        click.echo(f"note: {note}")
    click.echo("Nothing was kept, and nobody was told.")


def _say_weeks(weeks: float, data_from: datetime | None) -> None:
    if data_from is not None:
        click.echo(f"Averages are over the {weeks:.1f} weeks for which there is data, since {data_from:%Y-%m-%d}.")


def _text(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def share_text(found: Share | None) -> str:
    if found is None:
        return "nobody said"
    return f"{found.value:.0%} ({found.hits} of {found.of}; 95 %: {found.low:.0%} to {found.high:.0%})"


def _deviances(side: Side) -> str:
    found = side.deviance
    if found is None:
        return "none"
    quartiles = (found.minimum, found.lower_quartile, found.median, found.upper_quartile, found.maximum)
    return " / ".join(f"{each:.3g}" for each in quartiles)


_LINES = (
    ("values", lambda side: _text(dict(side.values))),
    ("incidents", lambda side: f"{side.incidents:,}, {side.incidents_per_week:.1f} a week"),
    ("there at the start", lambda side: f"{side.standing:,}"),
    ("entities", lambda side: f"{side.entities:,}"),
    ("by severity", lambda side: _text(dict(side.severities)) or "none"),
    ("messages", lambda side: f"{side.messages:,}"),
    ("of them", lambda side: _text(dict(side.told)) or "none"),
    ("held back", lambda side: _text(dict(side.held_back)) or "none"),
    ("deviance: least / quartiles / most", _deviances),
    ("precision", lambda side: share_text(side.precision)),
    ("recall", lambda side: share_text(side.recall)),
)


def _print_weeks(report: Report, heads: list[str], sides: list[Side]) -> None:
    columns = ["week", *(f"{what} {head}" for head in heads for what in ("incidents", "messages"))]
    rows = []
    for weeks in zip(*(side.weeks for side in sides), strict=True):
        cells = [number for week in weeks for number in (week.incidents, sum(week.messages.values()))]
        rows.append([f"{weeks[0].week:%Y-%m-%d}", *cells])
    print_table(columns, rows, title="\nweeks")


def _print_recipients(heads: list[str], sides: list[Side]) -> None:
    rows = [row for head, side in zip(heads, sides, strict=True) for row in _recipients(head, side)]
    if rows:
        columns = ("recipient", "values", "messages", "a week", "most in a week", "budget", "over it")
        print_table(columns, rows, title="\nrecipients")


def _recipients(head: str, side: Side) -> Iterator[tuple[Any, ...]]:
    for each in side.recipients:
        over = None if each.over_budget is None else f"{each.over_budget:.0%}"
        name = f"{each.recipient} (rows)" if each.is_row else each.recipient
        yield name, head, each.messages, each.messages_per_week, each.most_in_a_week, each.budget, over


def _print_difference(found: Difference, against: str) -> None:
    click.echo(f"\nentities {against}: {found.gained:,} gained, {found.lost:,} lost, {found.common:,} the same")
    for title, examples in (("gained", found.examples_gained), ("lost", found.examples_lost)):
        if examples:
            columns = ("entity", "severity", "deviance", "since", "summary")
            print_table(columns, [_example(each) for each in examples], title=f"\n{title}: the worst")


def _example(each: Example) -> tuple[Any, ...]:
    entity = ", ".join(str(value) for value in each.entity.values())
    deviance = None if each.deviance is None else f"{each.deviance:.3g}"
    return entity, each.severity, deviance, each.opened_at, each.summary
