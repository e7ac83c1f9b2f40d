"""What is wrong with people.yaml and with whom routing.yaml leads to: each mistake with its place and its remedy."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from alerting_pipeline.adapters.definition_files import load
from alerting_pipeline.domain.people import People
from alerting_pipeline.domain.people_check import check_people_file
from tests.definition_folder import CATALOG, COMPLETE, DefinitionFolder

TODAY = date(2026, 1, 19)
GOOD = """\
version: 1
people:
  ada: {email: ada@example.com}
  ben: {email: ben@example.com}
  chen: {email: chen@example.com}
teams:
  risk-ops: {members: [ada], email: risk@example.com}
  data-team:
    members: [ada, ben]
    lead: chen
    audience: engineering
    rota: {starts: 2026-01-05, weekly: [ada, ben]}
    escalation: {on_call_after: 30m, lead_after: 2h}
roles: {risk-analyst: Reviews payments., risk-lead: Approves limits.}
"""
ADA, BEN, CHEN = (f"{name}: {{email: {name}@example.com}}" for name in ("ada", "ben", "chen"))
ROTA = "rota: {starts: 2026-01-05, weekly: [ada, ben]}"


def away(name: str, more: str = "", until: str = "2026-01-28") -> str:
    return f"{name}: {{email: {name}@example.com, absences: [{{from: 2026-01-26, to: {until}{more}}}]}}"


def errors(tmp_path: Path, path: str, text: str, today: date | None = TODAY) -> list[str]:
    made = DefinitionFolder.make(tmp_path, COMPLETE)
    made.write("people.yaml", GOOD)
    made.write(path, text)
    return [str(problem) for problem in load(made.folder, CATALOG, today=today).errors]


def test_a_good_file_has_no_errors_and_is_asked_for_no_day(tmp_path: Path) -> None:
    assert errors(tmp_path, "people.yaml", GOOD) == errors(tmp_path, "people.yaml", GOOD, None) == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("lead: chen", "lead: chan", '10:11: "chan" is not a person in this file; did you mean "chen"?'),
        (CHEN, "chen: {email: chen@example.com, left: 2026-01-19}",
         "10:11: chen left on 2026-01-19, and is still the lead of data-team; take chen out, or name"),
        (BEN, "ben: {email: ben@example.com, left: 2026-01-01}",
         "9:20: ben left on 2026-01-01, and is still a member of data-team; take ben out, or name"),
        (BEN, "ben: {}", "12:46: ben can't be reached when on call or as a lead: neither slack nor email is stated"),
        (f"{ADA}\n  {BEN}", f"{away('ada')}\n  {away('ben')}",
         "12:5: nobody is on call for data-team from 2026-01-26 00:00 to 2026-01-29 00:00 (the week of ben; ben is "
         "away until 2026-01-28, and nobody else of the rota is there); name a substitute, or let"),
        (ADA, away("ada", ", substitute: dan"), '3:91: "dan" is not a person in this file; did you mean "ada"?'),
        (ADA, away("ada", ", substitute: ada"), "ada cannot stand in for ada; name somebody else"),
        (f"{ADA}\n  {BEN}", f"{away('ada', ', substitute: ben')}\n  {away('ben')}",
         "nobody stands in for ada on 2026-01-26: ada is away until 2026-01-28; ben is away until 2026-01-28; name a"),
        (ROTA, ROTA.replace("[ada, ben]", "[]"),
         "12:32: teams.data-team.rota.weekly is empty; write at least one value"),
        (ROTA, ROTA.replace("]}", "], hand_over: mon 25:00}"), 'is not a time of day; write one such as "09:00"'),
        (ROTA, ROTA.replace("]}", "], overrides: [{from: 2026-01-20, to: 2026-01-21, person: chan}]}"),
         '"chan" is not a person in this file; did you mean "chen"?'),
        (ROTA, ROTA.replace("]}", "], overrides: [{from: 2026-01-20, to: 2026-01-21, person: ada},"
                                  " {from: 2026-01-21, to: 2026-01-22, person: ben}]}"),
         "two overrides of this rota overlap, so two people would be on call; let one end before the other begins"),
        ("lead: chen", "description: x", "data-team has no lead, so its incidents can't climb to the lead; state lead"),
        (f"    {ROTA}\n", "", "data-team has no rota, so its incidents can't climb to whoever is on call; state rota"),
        ("on_call_after: 30m, lead_after: 2h", "on_call_after: 3h, lead_after: 2h", "let lead_after be the longer one"),
        ("risk-ops: {members: [ada], email: risk@example.com}", "risk-ops: {}", "nobody can be reached for risk-ops"),
        (CHEN, f"{CHEN}\n  data-team: {{}}", '"data-team" is a person and a team, so @data-team could mean either'),
    ],
)  # fmt: skip
def test_a_mistake_in_people_yaml_is_told_at_its_place(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in GOOD
    found = errors(tmp_path, "people.yaml", GOOD.replace(old, new, 1))
    assert any(sentence in each for each in found), found


@pytest.mark.parametrize(
    ("role", "sentence"),
    [
        ("risk-led", 'role "risk-led" is not under roles in this file; did you mean "risk-lead"?'),
        ("risk-lead", "nobody who is here has the role risk-lead, so no new alert could be approved"),
    ],
)
def test_who_approves_new_alerts_is_a_role_that_somebody_has(tmp_path: Path, role: str, sentence: str) -> None:
    of_team = GOOD.replace("members: [ada],", f"members: [ada], alerts_approved_by: [{role}],")
    of_all = f"{GOOD}alerts_approved_by: [{role}]\n"
    for text in (of_team, of_all):
        [told] = errors(tmp_path, "people.yaml", text)
        assert sentence in told
    held = of_team.replace("chen: {", f"chen: {{roles: [{role}], ")
    assert (errors(tmp_path, "people.yaml", held) == []) is (role == "risk-lead")
    gone = held.replace("ben: {", "ben: {left: 2027-01-01, ").replace("chen: {", "chen: {left: 2026-01-19, ")
    assert any("so no new alert could be approved" in each for each in errors(tmp_path, "people.yaml", gone)) is (
        role == "risk-lead"
    )


def test_an_outsider_who_takes_over_is_told(tmp_path: Path) -> None:
    rota = ROTA.replace("]}", "], overrides: [{from: 2026-01-20, to: 2026-01-21, person: chen}]}")
    text = GOOD.replace(ROTA, rota).replace("    lead: chen\n", "").replace(", lead_after: 2h", "")
    assert errors(tmp_path, "people.yaml", text) == [
        "people.yaml:11:107: chen takes over for data-team, and is outside the team; add chen to its members"
    ]


def test_what_is_past_or_far_ahead_is_no_mistake() -> None:
    def found(first: str, last: str) -> list[str]:
        gone = {"email": "a@example.com", "absences": [{"from": first, "to": last}]}
        team = {"members": ["ada"], "rota": {"weekly": ["ada"]}}
        people = People.model_validate({"people": {"ada": gone}, "teams": {"ops": team}})
        return [finding.what for finding in check_people_file(people, TODAY)]

    assert found("2026-01-01", "2026-01-18") == found("2026-03-01", "2026-03-09") == []
    assert len(found("2026-01-19", "2026-01-19")) == len(found("2026-02-10", "2026-02-11")) == 1


@pytest.mark.parametrize(
    ("routing", "sentence"),
    [
        ('destinations: ["@nobody"]', '"@nobody" is not a person or a team in people.yaml; there are @'),
        ('destinations: ["@risk-op"]', 'did you mean "@risk-ops"?'),
        ('match: {kind: data}\n    destinations: ["@risk-ops", "#risk"]',
         "takes data failures, and leads to nobody who may be told of them"),
        ('match: {kind: system}\n    children: [{match: {severity: high}, destinations: ["#risk"]}]\n'
         '    destinations: ["#data-team"]', 'the branch "severity is high" takes system failures'),
        ("to_column: owner_email",
         'routing.yaml:5:16: incidents of large_transaction do not hold the column "owner_email", and may take this '
         "branch; add it to the fields of the definition"),
    ],
)  # fmt: skip
def test_a_branch_that_leads_to_nobody_is_told(tmp_path: Path, routing: str, sentence: str) -> None:
    text = f'version: 1\nfallback: ["#data-team"]\nroutes:\n  - name: x\n    {routing}\n'.replace(
        "name: x\n    match: {kind: system}", "match: {kind: system}"
    )
    found = errors(tmp_path, "routing.yaml", text)
    assert any(sentence in each for each in found), found


def test_people_teams_and_columns_that_there_are_may_be_named_anywhere(tmp_path: Path) -> None:
    text = """\
version: 1
fallback: ["#data-team", "@data-team"]
routes:
  - {match: {kind: data}, destinations: ["@data-team"]}
  - {match: {kind: business}, destinations: ["@ada"], to_column: segment}
"""
    assert errors(tmp_path, "routing.yaml", text) == []
    named = COMPLETE.replace('notify: ["#risk"]', 'notify: ["@risk-ops", "@ben"]')
    assert errors(tmp_path, "fraud/large_transaction.yaml", named) == []
