"""How much fraud the alert card_fraud_suspected finds on real card payments, through the production path.

    python -m benchmarks.precision --from FOLDER [--calibrate-until 2018-07-12] [--write PAGE]

FOLDER holds one Parquet file a day (YYYY-MM-DD.parquet) in the format of the source card_transactions, any number of
them. What is calibrated is reckoned from the days up to the given one and printed beside what is in force; then every
later day is loaded, built and evaluated by itself, and what was alerted is held against the labels. It works in a
home of its own in a temporary folder, and sends nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg

from alerting_pipeline.app import App
from alerting_pipeline.domain.evaluation import Order
from alerting_pipeline.domain.health import Verdict
from alerting_pipeline.settings import read_settings
from benchmarks.calibration import calibrated, in_force
from benchmarks.fraud_figures import Day, baseline, table

ALERT, MART, SOURCE = "card_fraud_suspected", "payment_risks", "card_transactions"
CALIBRATE_UNTIL = date(2018, 7, 12)
BUILT = (f"+{MART}", "--indirect-selection", "cautious")
"""The mart, what it reads, and their tests; not the tests that look at other marts, too."""
_BEGIN, _END = "<!-- begin: written by benchmarks.precision -->", "<!-- end -->"
_LABELLED = """
    select risks.day, risks.transaction_id, risks.amount::float, labels.tx_fraud = 1, risks.created_at
    from marts.payment_risks as risks
    inner join raw.card_transactions as labels on labels.transaction_id::text = risks.transaction_id
    order by risks.created_at, risks.transaction_id
"""


@dataclass(frozen=True)
class Measured:
    """Per measured day what the alert and the baseline found, and the calibrated values beside those in force."""

    days: tuple[Day, ...]
    simple: tuple[Day, ...]
    limit: float
    values: Mapping[str, float]

    @property
    def report(self) -> str:
        """As Markdown, for the terminal and the page."""
        values = "\n".join(f"| `{name}` | {value:g} | {in_force()[name]:g} |" for name, value in self.values.items())
        places, frauds = int(in_force()["card_alerts_a_day"]), sum(day.frauds for day in self.days)
        most = sum(min(places, day.frauds) for day in self.days)
        return (
            f"{table(self.days)}\n\nWith {places} alerts a day, {most} of the {frauds} frauds ({most / frauds:.1%}) "
            f"are the most that can be found.\n\nAlerting the first {places} payments of a day above "
            f"{self.limit:,.0f} instead, the best such limit of the calibrated days:\n\n{table(self.simple)}\n\n"
            f"| calibrated | from the days before | in force |\n|---|---|---|\n{values}"
        )


class _Quiet:
    def report(self, step: str, item: str, done: int, total: int | None = None) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--from", dest="folder", type=Path, required=True)
    parser.add_argument("--calibrate-until", type=date.fromisoformat, default=CALIBRATE_UNTIL)
    parser.add_argument("--write", type=Path, help="write the figures into this page, between its marks")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = measure(sorted(chosen.folder.glob("*.parquet")), chosen.calibrate_until, Path(home))
    sys.stdout.write(found.report + "\n")
    if chosen.write:
        page = chosen.write.read_text(encoding="utf-8")
        before, after = page.split(_BEGIN)[0], page.split(_END, 1)[1]
        chosen.write.write_text(f"{before}{_BEGIN}\n\n{found.report}\n\n{_END}{after}", encoding="utf-8")


def measure(files: Sequence[Path], calibrate_until: date, home: Path) -> Measured:
    """Load, build and evaluate: the calibrated days at once, each later one by itself. Then look at the labels."""
    early = [file for file in files if _day_of(file) <= calibrate_until]
    late = [file for file in files if _day_of(file) > calibrate_until]
    if not early or not late:
        raise SystemExit(f"there must be day files up to {calibrate_until} and after it; --calibrate-until says where")
    with App(read_settings({"ALERTING_HOME": str(home)})) as app:
        app.publish_definitions()
        for batch in (early, *([file] for file in late)):
            _turn(app, batch)
        with _owner(app) as connection:
            values = calibrated(connection, calibrate_until)
            alerted = {
                row[0]
                for row in connection.execute(
                    "select entity ->> 'transaction_id' from alerting.incidents where alert = %s", [ALERT]
                )
            }
            payments = connection.execute(_LABELLED).fetchall()
    measured = [_day_of(file) for file in late]
    limit, simple = baseline(payments, calibrate_until, int(in_force()["card_alerts_a_day"]))
    return Measured(
        tuple(Day.of(day, payments, alerted) for day in measured),
        tuple(Day.of(day, payments, simple) for day in measured),
        limit,
        values,
    )


def _turn(app: App, files: Sequence[Path]) -> None:
    """One arrival: load, build, evaluate as of the end of its last day."""
    from alerting_pipeline.usecases.load import load

    for file in files:
        problems = load(app.sources.chosen((SOURCE,))[0], app.source_files, app.raw_tables, _Quiet(), file).problems
        if problems:
            raise SystemExit(f"{file}: {problems[0].error}")
    for result in app.dbt_project.build(BUILT):
        if result.verdict is Verdict.FAILED:
            raise SystemExit(f"{result.unique_id} failed: {result.message}")
    last = _day_of(files[-1])
    now = datetime.combine(last + timedelta(days=1), time(), UTC)
    for found in app.evaluator().of_model(MART, Order(f"precision:{last}", now)):
        if found.error:
            raise SystemExit(f"{found.alert} could not be evaluated: {found.error}")


def _day_of(file: Path) -> date:
    return date.fromisoformat(file.name.removesuffix(".parquet"))


@contextmanager
def _owner(app: App) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(app.owner_url) as connection:
        connection.execute("set timezone to 'UTC'")
        yield connection


if __name__ == "__main__":
    main()
