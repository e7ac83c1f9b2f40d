"""The alerting as data frames, for notebooks: `import alerting_pipeline; alerting_pipeline.incidents()`.

Each call opens what it needs, by the environment and folder that the command line would use, and closes it again. The
ledger is read as the analyst role reads it. Nothing is written, and pandas is imported when a frame is made.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from alerting_pipeline.domain.errors import BadCall

if TYPE_CHECKING:
    import pandas

    from alerting_pipeline.app import App
    from alerting_pipeline.domain.backtest import Report

MOST_ROWS = 1_000_000


def incidents(alert: str | None = None) -> pandas.DataFrame:
    """The incidents, of one alert or of all; the columns are those of the view alerting.incidents."""
    return _view("incidents", "incident_id", alert)


def evaluations(alert: str | None = None) -> pandas.DataFrame:
    """The evaluations, as in alerting.evaluations."""
    return _view("evaluations", "evaluation_id", alert)


def deliveries(alert: str | None = None) -> pandas.DataFrame:
    """The messages and what became of them, as in alerting.deliveries."""
    return _view("deliveries", "created_at", alert)


def backtest(name: str, start: str | date, end: str | date, **values: Any) -> pandas.DataFrame:
    """A row per week and set of values ("in force", and "proposed" where values are given): incidents and messages.

    The whole report is in the frame's `attrs["report"]`. Raises BadCall for a value that could not be in force.
    """
    import pandas

    from alerting_pipeline.app import App
    from alerting_pipeline.app.backtesting import backtest as run
    from alerting_pipeline.domain.backtest import Span

    span = Span(_instant(start), _instant(end))
    with App.from_environment() as app:
        report = run(app, name, span, _Silent(), changes=values or None)
    frame = pandas.DataFrame(_weeks(report), columns=["week", "values", "incidents", "messages"])
    frame.attrs["report"] = report
    return frame


def _weeks(report: Report) -> list[tuple[date, str, int, int]]:
    sides = [("in force", report.in_force), ("proposed", report.proposed)]
    return [
        (week.week, name, week.incidents, sum(week.messages.values()))
        for name, side in sides
        if side is not None
        for week in side.weeks
    ]


def _view(view: str, order: str, alert: str | None) -> pandas.DataFrame:
    """The whole view: a frame that was cut without a word would be reckoned with."""
    import pandas

    from alerting_pipeline.app import App
    from alerting_pipeline.domain.sql_fragment import literal

    only = "" if alert is None else f"where alert = {literal(alert)} "
    with App.from_environment() as app:
        answer = app.analyst_desk.ask(f"select * from alerting.{view} {only}order by {order}", MOST_ROWS)
        columns = answer.columns or _columns(app, view)
    if answer.is_cut:
        raise BadCall(f"{view} has more than {MOST_ROWS:,} rows; name an alert, or ask with `alerting sql`")
    return pandas.DataFrame(list(answer.rows), columns=list(columns))


def _columns(app: App, view: str) -> list[str]:
    """Those of a view without rows: an answer without rows names none."""
    named = f"table_schema = 'alerting' and table_name = '{view}'"
    query = f"select column_name from information_schema.columns where {named} order by ordinal_position"
    return [row[0] for row in app.analyst_desk.ask(query, MOST_ROWS).rows]


def _instant(given: str | date) -> datetime:
    """A day is its midnight in UTC."""
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=UTC)
    if isinstance(given, date):
        return datetime.combine(given, time(), UTC)
    try:
        return _instant(datetime.fromisoformat(given))
    except ValueError:
        raise BadCall(f'"{given}" is no day; write one such as 2026-01-05') from None


class _Silent:
    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        pass
