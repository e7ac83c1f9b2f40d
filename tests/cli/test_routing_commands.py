"""route and rota on the command line, where a team has a rota: who is on call, and who would be told later."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerting_pipeline.app import App
from tests.cli.test_definitions import Shell
from tests.definition_folder import CATALOG, COMPLETE, DefinitionFolder

PEOPLE = """\
version: 1
people:
  ada: {name: Ada Okafor, email: ada@example.com, slack: U0000ADA, roles: [risk-analyst]}
  ben: {name: Ben Lindqvist, email: ben@example.com, roles: [risk-lead]}
  chen: {name: Chen Wei, email: chen@example.com, absences: [{from: 2026-01-13, to: 2026-01-14}]}
teams:
  risk-ops:
    members: [ada, chen]
    lead: ben
    rota: {starts: 2026-01-05, hand_over: mon 09:00, timezone: Asia/Kolkata, weekly: [ada, chen]}
    escalation: {on_call_after: 30m, lead_after: 2h}
  data-team: {members: [ben]}
"""
ROUTING = """\
version: 1
fallback: ["#data-team"]
routes:
  - name: fraud
    match: {labels: {area: fraud}}
    destinations: ["@risk-ops"]
    to_column: customer_name
"""


@pytest.fixture
def shell(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    files = DefinitionFolder.make(tmp_path / "my project", COMPLETE)
    files.write("people.yaml", PEOPLE)
    files.write("routing.yaml", ROUTING)
    monkeypatch.setenv("ALERTING_DEFINITIONS", str(files.folder))
    monkeypatch.setattr(App, "catalog", property(lambda app: CATALOG))
    return Shell(files, capsys)


def test_route_says_who_is_on_call_and_who_would_be_told_later(shell: Shell) -> None:
    arguments = ("--severity", "high", "--at", "2026-01-12T03:15:00Z", "--set", "customer_name=Ben Lindqvist")
    code, out, _ = shell("route", "large_transaction", *arguments)
    assert code == 0
    late = "  if nobody responds by 2026-01-12"
    on_call = "on call for risk-ops until Mon 2026-01-12 09:00 Asia/Kolkata (the week of ada)"
    assert out.splitlines() == [
        "high: @ada, @ben, #risk, fraud_review",
        f'  @ada: by branch "fraud": @risk-ops, {on_call}',
        '  @ben: by branch "fraud", column customer_name',
        "  #risk: named in notify",
        "  fraud_review: named in write_back",
        "  branches asked:",
        "    taken   fraud: label area is fraud",
        "  on call for risk-ops: ada until 2026-01-12 03:30 UTC (the week of ada)",
        f"{late} 03:45 UTC: escalated, to @chen (on call for risk-ops until Tue 2026-01-13 "
        "00:00 Asia/Kolkata (the week of chen))",
        f"{late} 05:15 UTC: escalated, to @ben (ben leads risk-ops)",
        f"{late} 06:27 UTC: a warning, to @ada, @chen (the members of risk-ops)",
        f"{late} 07:15 UTC: the time allowed is over, to @ada, @chen (the members of risk-ops)",
        "",
    ]


@pytest.mark.parametrize(
    ("value", "told", "reason"),
    [
        ("chen", "@chen", None),
        ("ada@example.com", "@ada", None),
        ("someone@else.example", "someone@else.example", None),
        ("", None, "nobody by column customer_name: it is empty"),
        ("#risk", None, "nobody by column customer_name: what it holds is neither a mail address nor a person in "
                        "people.yaml"),
        ("operations.queue", None, "nobody by column customer_name: what it holds is neither a mail address nor a "
                                   "person in people.yaml"),
    ],
)  # fmt: skip
def test_a_column_names_a_person_or_an_address_and_nothing_else(
    shell: Shell, value: str, told: str | None, reason: str | None
) -> None:
    way = shell.json("route", "large_transaction", "--severity", "high", "--set", f"customer_name={value}")["routes"][0]
    names = {each["name"] for each in way["destinations"]} - {"@ada", "@chen", "#risk", "fraud_review"}
    assert names == ({told} - {"@ada", "@chen", None})
    assert reason is None or reason in way["reasons"]


def test_route_in_json_names_shift_and_escalation(shell: Shell) -> None:
    way = shell.json("route", "large_transaction", "--severity", "high", "--at", "2026-01-13T12:00:00Z")["routes"][0]
    assert way["on_call"] == {
        "person": "ada",
        "since": "2026-01-12T18:30:00+00:00",
        "until": "2026-01-14T18:30:00+00:00",
        "why": "the week of chen; chen is away until 2026-01-14, ada is next in the rota",
    }
    assert [(each["to"], each["at"], each["destinations"]) for each in way["escalation"][:2]] == [
        ("on_call", "2026-01-13T12:30:00+00:00", ["@ada"]),
        ("lead", "2026-01-13T14:00:00+00:00", ["@ben"]),
    ]


def test_rota_shows_the_weeks_ahead(shell: Shell) -> None:
    found = shell.json("rota", "risk-ops", "--at", "2026-01-06T00:00:00Z", "--weeks", "2")
    assert [(each["person"], each["name"], each["since"]) for each in found] == [
        ("ada", "Ada Okafor", "2026-01-05T03:30:00+00:00"),
        ("chen", "Chen Wei", "2026-01-12T03:30:00+00:00"),
        ("ada", "Ada Okafor", "2026-01-12T18:30:00+00:00"),
        ("chen", "Chen Wei", "2026-01-14T18:30:00+00:00"),
        ("ada", "Ada Okafor", "2026-01-19T03:30:00+00:00"),
    ]
    code, out, _ = shell("rota", "--at", "2026-01-06T00:00:00Z", "--weeks", "1")
    assert code == 0
    assert out.splitlines()[1].split()[:7] == ["risk-ops", "ada", "Ada", "Okafor", "Mon", "2026-01-05", "09:00"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rota", "risk-op"], '"risk-op" is not a team in people.yaml; did you mean "risk-ops"?'),
        (["rota", "data-team"], "data-team has no rota; give it one in people.yaml"),
        (["rota", "--at", "noon"], '--at "noon" is not an instant'),
        (["route", "12", "--severity", "high"], "an incident has its own severity, kind and columns"),
    ],
)
def test_what_there_is_not_is_refused(shell: Shell, arguments: list[str], sentence: str) -> None:
    code, _, err = shell(*arguments)
    assert code == 2
    assert err.startswith(f"alerting: {sentence}")


def test_where_no_team_has_a_rota_the_command_says_how_to_give_one(shell: Shell) -> None:
    shell.files.write("people.yaml", "version: 1\nteams: {risk-ops: {}}\n")
    code, out, _ = shell("rota")
    assert (code, out.startswith("No team has a rota; give one")) == (0, True)
