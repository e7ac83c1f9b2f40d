"""The measurement on real card payments runs on any day files, keeps the bound each day, finds more than a limit.

On ten of the twenty days, so that it is a matter of a minute; the page has the figures of all of them.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from benchmarks.calibration import in_force
from benchmarks.fraud_figures import Day, wilson
from benchmarks.precision import measure


@pytest.mark.scenario
def test_fifty_alerts_a_day_find_more_fraud_than_the_best_limit(shared_data: Path, tmp_path: Path) -> None:
    files = sorted((shared_data / "card_transactions").glob("*.parquet"))[4:14]
    found = measure(files, date(2018, 7, 12), tmp_path / "a home")
    assert [day.name for day in found.days] == ["2018-07-13", "2018-07-14"]
    assert all(0 < day.alerts <= 50 for day in found.days)
    assert Day.total(found.days).hits > Day.total(found.simple).hits
    assert found.values.keys() <= in_force().keys()


def test_the_interval_of_a_share_is_wilsons() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, table I
