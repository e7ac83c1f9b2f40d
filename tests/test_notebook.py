"""The data frames for notebooks: what the package offers, and that nothing is imported before it is asked for."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import alerting_pipeline
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.notebook import _instant


def test_package_offers_the_four_and_nothing_by_accident() -> None:
    assert all(callable(getattr(alerting_pipeline, name)) for name in alerting_pipeline.__all__)
    with pytest.raises(AttributeError, match="no attribute 'incident'"):
        alerting_pipeline.incident  # type: ignore[attr-defined]  # noqa: B018


def test_pandas_waits_until_a_frame_is_made() -> None:
    program = "import sys, alerting_pipeline; alerting_pipeline.incidents; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_empty_ledger_gives_a_frame_with_the_columns_of_the_view(home: Path) -> None:
    frame = alerting_pipeline.incidents("large_transaction")
    assert len(frame) == 0
    assert {"incident_id", "alert", "entity", "severity", "opened_at", "disposition"} <= set(frame.columns)


def test_days_are_midnights_in_utc() -> None:
    midnight = datetime(2026, 1, 5, tzinfo=UTC)
    assert _instant("2026-01-05") == _instant(date(2026, 1, 5)) == midnight
    with pytest.raises(BadCall, match="is no day"):
        _instant("yesterday")
