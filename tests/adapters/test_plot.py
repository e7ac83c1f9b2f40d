"""Pictures of backtests are written without a browser, and a page holds everything itself."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

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


def test_two_parameters_have_a_square_each_with_what_is_in_force_and_the_budget_marked(tmp_path: Path) -> None:
    pairs = tuple(
        Point({"limit": Decimal(limit), "least": Decimal(least)}, limit // least, 0, hits=hits, verdicts=10)
        for limit, least, hits in ((10, 1, 4), (10, 2, 8), (30, 1, 5), (30, 2, 9))
    )
    found = replace(SWEPT, current={"limit": "30", "least": "2"}, points=pairs)
    draw_sweep(found, tmp_path / "sweep.html")
    text = (tmp_path / "sweep.html").read_text(encoding="utf-8")
    assert "in force: limit 30, least 2" in text
    assert "budget: 5 a week" in text
    drawn = _specification(text)
    squares, ring = drawn["vconcat"][0]["layer"]
    assert [row["a_week"] for row in squares["data"]["values"]] == [5, 2.5, 15, 7.5]
    assert [(row["limit"], row["least"]) for row in ring["data"]["values"]] == [(30, 2)]
    dots = drawn["vconcat"][1]["layer"][0]
    assert [row["precision"] for row in dots["data"]["values"]] == [0.4, 0.8, 0.5, 0.9]
    draw_sweep(found, tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


def _specification(page: str) -> dict[str, Any]:
    """What the page draws, with the data where it is used."""
    written = re.search(r"const spec = (\{.*\});\n", page)
    assert written is not None
    return json.loads(written[1])


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCall, match=r"neither a \.png nor a \.html"):
        check_target(tmp_path / "sweep.pdf")
    with pytest.raises(BadCall, match="no folder"):
        check_target(tmp_path / "nowhere" / "sweep.png")
