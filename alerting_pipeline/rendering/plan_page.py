"""A plan as Markdown for a pull request: one table for all alerts, then what each change is and whom it concerns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from alerting_pipeline.domain.backtest import Example, Side
from alerting_pipeline.domain.definition_change import Change, Plan, Planned, messages_per_week

_LONGEST = 80  # a value in a table
_SENTENCE = 600
_MOST_DIFFERENCES = 12
_MOST_ERRORS = 50
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~@$&-])")
_READ_LATER = re.compile(r"(@|#|(?<=[Ww])[Ww](?=\.)|:(?=//)|(?<=\bGH)\\-)")
_NOTHING = "&#8203;"
"""GitHub looks for mentions, numbers of issues and addresses in the finished text, where no backslash is left: a space
of no width after the sign is what keeps them from being found."""


def escape(value: object, most: int = _LONGEST) -> str:
    """Text that stays text in a table's cell: no markup, no mention, no link, no line break."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)).split())
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    return _READ_LATER.sub(rf"\1{_NOTHING}", _SPECIAL.sub(r"\\\1", text))


def errors_page(errors: Sequence[object]) -> str:
    """The page where there is no plan: files have errors."""
    shown = [f"* {escape(each, _SENTENCE)}" for each in errors[:_MOST_ERRORS]]
    more = len(errors) - len(shown)
    left = [f"* and {more} more"] if more > 0 else []
    what = "an error" if len(errors) == 1 else f"{len(errors)} errors"
    return "\n".join([f"## Alerts: {what} in the files, so there is no plan", "", *shown, *left]) + "\n"


def plan_page(plan: Plan) -> str:
    """The page. Figures of a week are means over the time that was replayed."""
    return "\n".join(_lines(plan)).rstrip() + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"## Alerts: {_counted(plan)} against {escape(plan.base)}"
    yield ""
    if plan.broken:
        yield f"**{len(plan.broken)} {'policy is' if len(plan.broken) == 1 else 'policies are'} broken:**"
        yield ""
        yield from (f"* {escape(str(item), _SENTENCE)}" for item in plan.broken)
        yield ""
    replayed = [item for item in plan.planned if item.report is not None or item.unknown]
    if replayed:
        yield f"Replayed over the last {plan.days} days, nothing was sent:"
        yield ""
        yield "| alert | incidents a week | messages a week | entities gained | lost |"
        yield "| --- | --- | --- | ---: | ---: |"
        yield from (_row(item) for item in replayed)
        yield ""
    for item in plan.planned:
        yield from _detail(item)
    for note in plan.notes:
        yield f"> {escape(note, _SENTENCE)}"
        yield ""


def _counted(plan: Plan) -> str:
    counts = {change: sum(item.changed.change is change for item in plan.planned) for change in Change}
    said = [f"{number} {change.value}" for change, number in counts.items() if number]
    return ", ".join([*said, f"{plan.unchanged} unchanged"])


def _row(item: Planned) -> str:
    if item.report is None:
        return f"| {escape(item.changed.name)} | {escape(item.unknown, _SENTENCE)} | | | |"
    before, after, weeks = *sides(item), item.report.weeks
    gained, lost = gained_and_lost(item)
    cells = [
        escape(item.changed.name),
        _pair(before.incidents_per_week if before else 0.0, after.incidents_per_week if after else 0.0),
        _pair(messages_per_week(before, weeks) if before else 0.0, messages_per_week(after, weeks) if after else 0.0),
        f"{gained:,}",
        f"{lost:,}",
    ]
    return f"| {' | '.join(cells)} |"


def sides(item: Planned) -> tuple[Side | None, Side | None]:
    """Before and after, of a definition that is in the plan."""
    report = item.report
    if report is None:
        return None, None
    if item.changed.change is Change.ADDED:
        return None, report.in_force
    if item.changed.change is Change.REMOVED:
        return report.in_force, None
    return report.in_force, report.proposed


def gained_and_lost(item: Planned) -> tuple[int, int]:
    """Entities that only the new definition alerts on, and those that only the old one did."""
    before, after = sides(item)
    if item.report is not None and item.report.change is not None:
        return item.report.change.gained, item.report.change.lost
    return (after.entities if after else 0), (before.entities if before else 0)


def _detail(item: Planned) -> Iterator[str]:
    changed = item.changed
    kind = "" if changed.kind == "alert" else f" ({changed.kind})"
    yield f"### {escape(changed.name)}{kind}: {changed.change.value}"
    yield ""
    if changed.differences:
        yield "| key | before | after |"
        yield "| --- | --- | --- |"
        for each in changed.differences[:_MOST_DIFFERENCES]:
            yield f"| {escape(each.key)} | {escape(_written(each.before))} | {escape(_written(each.after))} |"
        if (more := len(changed.differences) - _MOST_DIFFERENCES) > 0:
            yield f"| and {more} more | | |"
        yield ""
    if item.report is not None and item.unknown:
        yield f"> {escape(item.unknown, _SENTENCE)}"
        yield ""
    if item.report is not None and item.report.change is not None:
        yield from _examples("Gained, the worst", item.report.change.examples_gained)
        yield from _examples("Lost, the worst", item.report.change.examples_lost)


def _examples(title: str, found: tuple[Example, ...]) -> Iterator[str]:
    if not found:
        return
    yield f"{title}:"
    yield ""
    yield from (f"* {each.severity}, {each.opened_at:%Y-%m-%d}: {escape(each.summary)}" for each in found)
    yield ""


def _pair(before: float, after: float) -> str:
    return f"{before:.1f}" if before == after else f"{before:.1f} → {after:.1f}"


def _written(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
