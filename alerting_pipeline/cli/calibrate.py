"""`alerting calibrate` finds the value that keeps a target, shows the evidence, and asks for it as a change.

The request is one as any other: bounds, step, roles and approval are those of `alerting parameters propose`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from alerting_pipeline.app import App
from alerting_pipeline.cli.backtest import DAYS, share_text, span_of
from alerting_pipeline.cli.output import json_option, note_standing_clock, print_json, print_table, progress

if TYPE_CHECKING:
    from alerting_pipeline.domain.calibration import Calibrated

_AROUND = 2


@click.command("calibrate")
@click.argument("name")
@click.option("--at-most", "at_most", metavar="N/week", help="So many incidents a week (or a day) are wanted.")
@click.option("--precision", metavar="SHARE", help="Such a share of them should be right, as people said of them.")
@click.option("--parameter", metavar="P", help="Which one to calibrate, where there are several.")
@click.option("--segment", metavar="NAME", help="Its value for one segment.")
@click.option("--from", "start", metavar="D", help=f"The first day, or an instant; else {DAYS} days before --to.")
@click.option("--to", "end", metavar="D", help="The last day (all of it), or an instant; now if left out.")
@click.option("--reason", default="", help="Why; opens the request, is kept with it, and told.")
@click.option("--as", "person", metavar="NAME", help="Who asks; default: your operating-system user.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Show what it would ask for, and ask for nothing.")
@json_option
def calibrate(
    name: str,
    at_most: str | None,
    precision: str | None,
    parameter: str | None,
    segment: str | None,
    start: str | None,
    end: str | None,
    reason: str,
    person: str | None,
    is_dry_run: bool,
    as_json: bool,
) -> None:
    """Find the value of a parameter of the alert NAME that keeps a target, as the past has it, and ask for it.

    With --reason a request is opened; whoever may approve it sees the evidence. Without it, and with --dry-run,
    nothing is asked for.
    """
    from alerting_pipeline.app.calibrating import calibrate as run
    from alerting_pipeline.domain.calibration import target

    asked = target(at_most, precision)
    with App.from_environment() as app, progress(as_json) as shown:
        note_standing_clock(app.settings)
        span = span_of(app, name, start, end, None)
        found = run(app, name, span, asked, shown, parameter=parameter, segment=segment)
        if not as_json:
            _print(found)
        if found.is_current or not reason.strip():
            _stop(name, found, as_json)
            return
        _ask(app, name, found, reason, person, is_dry_run=is_dry_run, as_json=as_json)


def _ask(
    app: App, name: str, found: Calibrated, reason: str, person: str | None, *, is_dry_run: bool, as_json: bool
) -> None:
    """Through the same door as any other change, with the evidence beside the impact."""
    from alerting_pipeline.cli.impact import impact_of, print_impact
    from alerting_pipeline.cli.parameters import acting, tell_outcome
    from alerting_pipeline.domain.change_ports import Proposal
    from alerting_pipeline.domain.change_request import Key

    key = Key(name, found.parameter)
    if found.segment is not None:
        key = Key(name, found.parameter, "segment", found.segment)
    proposal = Proposal(key, format(found.value, "f"), acting(app, person), reason)
    would = app.tuning().propose(proposal, is_dry_run=True)  # whoever may not ask is told before anything is replayed
    days = max(1, round((found.end - found.start) / timedelta(days=1)))
    impact = {**impact_of(app, would.request.change, days, quiet=as_json), "calibration": found.evidence}
    if not as_json:
        print_impact(impact)
    done = app.tuning(impact=lambda change: impact).propose(proposal, is_dry_run=is_dry_run)
    tell_outcome(done, as_json, is_dry_run=is_dry_run)


def _stop(name: str, found: Calibrated, as_json: bool) -> None:
    """There is nothing to ask for, or nobody said why."""
    scope = "" if found.segment is None else f" --segment {found.segment}"
    command = None if found.is_current else f"alerting parameters propose {name} {found.parameter} {found.value:f}"
    if as_json:
        print_json(
            {"alert": name, "target": found.target, "proposal": found, "command": command and command + scope,
             "evidence": found.evidence, "request_id": None}
        )  # fmt: skip
    elif found.is_current:
        click.echo("It is in force already; there is nothing to ask for.")
    else:
        click.echo('Nothing was asked for: --reason "…" opens the request.')


def _print(found: Calibrated) -> None:
    now = found.current_incidents_per_week
    before = "" if now is None else f", {now:.1f} incidents a week"
    of = found.parameter if found.segment is None else f"{found.parameter}[{found.segment}]"
    during = f"{found.start:%Y-%m-%d} to {found.end:%Y-%m-%d}"
    click.echo(f"{of} is {found.current}{before}; {found.tried:,} values tried over {during}")
    click.echo(f"{found.value:f} is the loosest with {found.target}: {found.incidents_per_week:.1f} a week")
    click.echo(f"precision: {share_text(found.precision)}")
    if found.why_not_one_pass:
        click.echo(f"each value replayed by itself: {found.why_not_one_pass}")
    place = next(number for number, each in enumerate(found.points) if each.value == found.value)
    near = found.points[max(place - _AROUND, 0) : place + _AROUND + 1]
    rows = [
        (f"{each.value:f}", each.incidents_per_week, share_text(each.precision), _mark(found, each.value))
        for each in near
    ]
    print_table((of, "incidents a week", "precision", ""), rows, title="")


def _mark(found: Calibrated, value: object) -> str:
    return "proposed" if value == found.value else "in force" if f"{value:f}" == found.current else ""
