"""Pictures of backtests are written without a browser, and a page holds everything itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from alerting_pipeline.adapters.plot import check_target, draw_sweep
from alerting_pipeline.domain.backtest import Span
from alerting_pipeline.domain.errors import BadCall
from alerting_pipeline.domain.sweep_points import Point, Swept

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
SWEPT = Swept(
    "large", Span(BEGIN, BEGIN + timedelta(weeks=2)), {"limit": "100"},
    tuple(Point({"limit": Decimal(limit)}, 20 - limit // 10, 0, hits=8, verdicts=10) for limit in (50, 100, 150)),
    budget_per_week=Decimal(5), verdicts=10,
)  # fmt: skip


def test_png_is_drawn(tmp_path: Path) -> None:
    draw_sweep(SWEPT, tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_page_asks_nobody(tmp_path: Path) -> None:
    draw_sweep(SWEPT, tmp_path / "sweep.html")
    text = (tmp_path / "sweep.html").read_text(encoding="utf-8")
    assert "in force: 100" in text
    assert "budget: 5" in text
    assert 'src="http' not in text


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCall, match=r"neither a \.png nor a \.html"):
        check_target(tmp_path / "sweep.pdf")
    with pytest.raises(BadCall, match="no folder"):
        check_target(tmp_path / "nowhere" / "sweep.png")
