"""Pictures of backtests: incidents a week, and volume against precision; as PNG, or as a page that needs no network.

altair says what is drawn, vl-convert draws it without a browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerting_pipeline.domain.errors import BadCall

if TYPE_CHECKING:
    from alerting_pipeline.domain.backtest import Report
    from alerting_pipeline.domain.sweep_points import Swept

_SUFFIXES = (".png", ".html")
_BLUE, _ORANGE, _GREY = "#4c78a8", "#f58518", "#888888"


def check_target(path: Path) -> None:
    """Raises BadCall for a file that no picture can be written to."""
    if path.suffix not in _SUFFIXES:
        raise BadCall(f'"{path}" is neither a .png nor a .html file; name one of them')
    if not path.parent.is_dir():
        raise BadCall(f'there is no folder "{path.parent}"; make it, or name another')


def draw_report(report: Report, path: Path) -> None:
    """Incidents a week: what is in force beside what is proposed, and what was expected."""
    import altair

    sides = {"in force": report.in_force, **({"proposed": report.proposed} if report.proposed else {})}
    rows = [
        {"week": f"{week.week:%Y-%m-%d}", "values": name, "incidents": week.incidents}
        for name, side in sides.items()
        for week in side.weeks
    ]
    colour = altair.Color("values:N", title=None, scale=altair.Scale(domain=list(sides), range=[_BLUE, _ORANGE]))
    bars = (
        altair.Chart(altair.Data(values=rows), title=f"{report.alert}: incidents a week")
        .mark_bar()
        .encode(x=altair.X("week:O", title="week from"), xOffset="values:N", y="incidents:Q", color=colour)
    )
    expected = report.expected_per_week
    layers = [bars] if expected is None else [bars, _rule(altair, "y", float(expected), "expected")]
    _save(altair.layer(*layers).properties(width=max(320, 40 * len(report.in_force.weeks)), height=260), path)


def draw_sweep(found: Swept, path: Path) -> None:
    """Incidents a week over the values, and the precision under it; of two parameters a square for each pair.

    What is in force and what the recipient's budget takes are marked, or said where no mark can stand.
    """
    import altair

    rows = [_row(each.values, found, each) for each in found.points]
    names = list(found.points[0].values)
    if len(names) == 2:
        _save(_pairs(altair, found, rows, names), path)
        return
    x = altair.X(f"{names[0]}:Q", scale=altair.Scale(zero=False))
    base = altair.Chart(altair.Data(values=rows))
    volume = base.mark_line(point=True, color=_BLUE).encode(x=x, y=altair.Y("a_week:Q", title="incidents a week"))
    layers = [volume]
    if (current := found.current.get(names[0])) is not None:
        layers.append(_rule(altair, "x", float(Decimal(current)), "in force"))
    if found.budget_per_week is not None:
        layers.append(_rule(altair, "y", float(found.budget_per_week), "budget"))
    top = altair.layer(*layers).properties(width=480, height=240, title=f"{found.alert}: volume and precision")
    if not any(each.verdicts for each in found.points):
        _save(top, path)
        return
    share = altair.Y("precision:Q", title="precision", scale=altair.Scale(domain=[0, 1]))
    band = base.mark_area(opacity=0.2, color=_ORANGE).encode(x=x, y=altair.Y("low:Q", title="precision"), y2="high:Q")
    line = base.mark_line(point=True, color=_ORANGE).encode(x=x, y=share)
    _save(altair.vconcat(top, altair.layer(band, line).properties(width=480, height=160)), path)


def _pairs(altair: Any, found: Swept, rows: list[dict[str, Any]], names: list[str]) -> Any:
    """A square for each pair of values, ringed where it is in force, pale over the budget; under it the same
    pairs as points, volume against precision.
    """
    budget = None if found.budget_per_week is None else float(found.budget_per_week)
    current = {name: float(Decimal(found.current[name])) for name in names if name in found.current}
    said = [f"in force: {', '.join(f'{name} {value:g}' for name, value in current.items())}"] if current else []
    said += [] if budget is None else [f"budget: {budget:g} a week; what is over it is pale"]
    place = {"x": altair.X(f"{names[0]}:O"), "y": altair.Y(f"{names[1]}:O", sort="descending")}
    is_within = "true" if budget is None else f"datum.a_week <= {budget}"
    paleness = altair.condition(is_within, altair.value(1), altair.value(0.35))
    squares = (
        altair.Chart(altair.Data(values=rows))
        .mark_rect()
        .encode(**place, color=altair.Color("a_week:Q", title="a week"), opacity=paleness)
    )
    layers = [squares]
    if ringed := [row for row in rows if current and all(row[name] == value for name, value in current.items())]:
        ring = altair.Chart(altair.Data(values=ringed))
        layers.append(ring.mark_point(shape="circle", size=220, strokeWidth=3, color=_ORANGE).encode(**place))
    title = altair.Title(f"{found.alert}: incidents a week", subtitle=said)
    top = altair.layer(*layers).properties(width=400, height=300, title=title)
    if not any(each.verdicts for each in found.points):
        return top
    dots = (
        altair.Chart(altair.Data(values=rows))
        .mark_point(filled=True, color=_BLUE)
        .encode(
            x=altair.X("a_week:Q", title="incidents a week"),
            y=altair.Y("precision:Q", scale=altair.Scale(domain=[0, 1])),
            tooltip=[f"{name}:Q" for name in names],
        )
    )
    marks = [dots] if budget is None else [dots, _rule(altair, "x", budget, "budget")]
    if ringed:
        here = altair.Chart(altair.Data(values=ringed)).mark_point(size=220, strokeWidth=3, color=_ORANGE)
        marks.append(here.encode(x="a_week:Q", y="precision:Q"))
    return altair.vconcat(top, altair.layer(*marks).properties(width=400, height=160))


def _row(values: Mapping[str, Decimal], found: Swept, point: Any) -> dict[str, Any]:
    from alerting_pipeline.domain.wilson import share

    known = share(point.hits, point.verdicts)
    told = {"precision": known.value, "low": known.low, "high": known.high} if known else {}
    return {
        **{name: float(value) for name, value in values.items()},
        "a_week": point.incidents / found.weeks,
        **told,
    }


def _rule(altair: Any, axis: str, at: float, label: str) -> Any:
    """A dashed line with its name."""
    data = altair.Data(values=[{"at": at, "label": f"{label}: {at:g}"}])
    rule = altair.Chart(data).mark_rule(strokeDash=[4, 4], color=_GREY).encode(**{axis: "at:Q"})
    text = altair.Chart(data).mark_text(align="left", dx=4, dy=-6, color=_GREY).encode(text="label:N", **{axis: "at:Q"})
    return rule + text


def _save(chart: Any, path: Path) -> None:
    """A page holds its scripts itself: it is opened from a disk, and may not ask anybody."""
    options: Mapping[str, Any] = {"inline": True} if path.suffix == ".html" else {"scale_factor": 2}
    chart.save(str(path), **options)
