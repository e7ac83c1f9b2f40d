"""A file that can't be read: its load says so, the data team hears of it once, and the good file ends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.command_line import Shell

pytestmark = pytest.mark.scenario

GOOD = "team,daily_budget,currency\ncheckout,400,USD\n"
BAD = "team,daily_budget,currency\ncheckout,four hundred,USD\n"


def incidents(shell: Shell) -> list[tuple[str, str]]:
    rows = shell.rows("select kind, status, entity ->> 'source' as source from alerting.incidents order by incident_id")
    assert {row["kind"] for row in rows} <= {"system"}
    return [(row["source"], row["status"]) for row in rows]


def test_a_refused_file_is_told_once_and_ends_with_a_good_one(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "a home", {})
    arrived = shell.home / "landing" / "team_budgets" / "2026-01-05" / "team_budgets.csv"
    arrived.parent.mkdir(parents=True)
    arrived.write_text(BAD)
    for _ in range(2):
        refused = shell.run("alerting", "load", "team_budgets")
        assert refused.returncode == 1
        assert "team_budgets.csv:2" in refused.stderr
        assert "four hundred" in refused.stderr
    assert incidents(shell) == [("team_budgets", "open")]
    told = shell.rows("select transition, channel from alerting.deliveries")
    assert len(told) == 1
    summary = shell.rows("select summary from alerting.incidents")[0]["summary"]
    assert "four hundred" not in summary  # a message must not carry data of a file that nobody checked

    arrived.write_text(GOOD)
    assert "1 " in shell.alerting("load", "team_budgets")
    assert incidents(shell) == [("team_budgets", "resolved")]
