"""What commands print: JSON that loses nothing, tables that take data as data."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from alerting_pipeline.cli.output import print_json, print_table, progress


def test_json_numbers_keep_every_digit(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"sum": Decimal("224718.91881111620000000001"), "whole": Decimal("1E+3"), "less": Decimal("-0.5")})
    out = capsys.readouterr().out
    assert '"sum": 224718.91881111620000000001' in out
    assert json.loads(out, parse_float=Decimal) == {
        "sum": Decimal("224718.91881111620000000001"),
        "whole": 1000,
        "less": Decimal("-0.5"),
    }


def test_json_takes_what_the_ledger_holds(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([datetime(2026, 1, 5, tzinfo=UTC), timedelta(hours=1), Path("a"), UUID(int=1), Decimal("NaN"), {1}])
    assert json.loads(capsys.readouterr().out) == [
        "2026-01-05T00:00:00+00:00", 3600.0, "a", "00000000-0000-0000-0000-000000000001", "NaN", [1],
    ]  # fmt: skip


def test_a_table_reads_no_markup_in_data(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "n"], [["[bold red]x[/]", 1234], [None, None]])
    assert "[bold red]x[/]" in (out := capsys.readouterr().out)
    assert "1,234" in out


def test_progress_without_a_terminal_says_the_first_and_the_last_of_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as shown:
        for done in range(6):
            shown.report("load", f"file {done}", done, 5)
    assert capsys.readouterr().err.splitlines() == ["load: file 0 (0 of 5)", "load: file 5 (5 of 5)"]
