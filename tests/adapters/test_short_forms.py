"""routing.yaml and people.yaml may be written shorter, or in other words; what they mean is the same."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from alerting_pipeline.domain.loaded import Loaded
from tests.definition_folder import MINIMAL, PEOPLE, ROUTING, DefinitionFolder

Read = Callable[[str, str], Loaded]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The folder with one of its files written otherwise."""

    def load_it(path: str, text: str) -> Loaded:
        made = DefinitionFolder.make(tmp_path, MINIMAL + "labels: {area: fraud}\n")
        made.write(path, textwrap.dedent(text))
        return made.load()

    return load_it


def said(loaded: Loaded) -> list[str]:
    return [str(problem) for problem in loaded.errors]


@pytest.mark.parametrize(
    "text",
    [
        ROUTING.replace("{labels: {area: fraud}}", "{area: fraud}"),
        ROUTING.replace("{labels: {area: fraud}}", "{area: [fraud]}"),
        ROUTING.replace("[critical, high]", "critical"),
        ROUTING.replace("routes:", "children:").replace("fallback:", "destinations:"),
        ROUTING.replace("children:", "routes:"),
        ROUTING + "inhibition_rules: [{source_match: {kind: system}, target_match: {area: fraud}, equal: [area]}]\n",
        ROUTING.split("routes:\n")[1].replace("\n  ", "\n").removeprefix("  "),
        ROUTING.replace('fallback: ["#data-team"]\n', ""),
    ],
)
def test_a_routing_tree_may_be_written_shorter(read: Read, text: str) -> None:
    loaded = read("routing.yaml", text)
    assert said(loaded) == []
    branch = loaded.routing.routes[0]
    assert (branch.destinations, len(branch.children)) == (("#risk",), 1)
    assert {**branch.match.labels, **branch.match.named} == {"area": ("fraud",)}


def test_business_hours_are_true_false_or_stated(read: Read) -> None:
    loaded = read(
        "routing.yaml",
        """\
        routes:
          - {match: {business_hours: true}, destinations: ["#risk"]}
          - {match: {business_hours: false}, destinations: ["#risk"]}
          - {match: {business_hours: {start: "08:00", end: "18:00"}}, destinations: ["#risk"]}
        """,
    )
    assert said(loaded) == []
    shown = [branch.match.described() for branch in loaded.routing.routes]
    week = "mon, tue, wed, thu, fri"
    assert shown == [
        f"it is inside {week} 09:00-17:00 UTC",
        f"it is outside {week} 09:00-17:00 UTC",
        f"it is inside {week} 08:00-18:00 UTC",
    ]


def test_a_misspelt_key_of_a_match_is_no_label(read: Read) -> None:
    loaded = read("routing.yaml", 'routes: [{match: {severty: high}, destinations: ["#risk"]}]')
    assert said(loaded) == ['routing.yaml:1:19: unknown key "severty"; did you mean "severity"?']


def test_a_label_that_no_definition_has_is_noted_where_it_stands(read: Read) -> None:
    loaded = read("routing.yaml", 'routes: [{match: {aera: fraud}, destinations: ["#risk"]}]')
    notes = [str(problem) for problem in loaded.problems if problem.path == "routing.yaml"]
    assert notes == ['routing.yaml:1:19: note: no definition has the label or column "aera"; did you mean "area"?']


@pytest.mark.parametrize(
    "text",
    [
        PEOPLE.replace("slack:", "slack_id:"),
        PEOPLE.replace("roles: [risk-analyst]", "teams: [risk-ops]")
        .replace("members: [ada, ben]", "members: [ben]")
        .replace("version: 1", "roles: {risk-lead: , risk-analyst: [ada]}"),
        PEOPLE.replace("version: 1", "roles: [risk-analyst, risk-lead]"),
        PEOPLE.replace("{members: [ada, ben]}", "[ada, ben]"),
        PEOPLE.replace("{members: [ada, ben]}", "{members: [ada, ben], rota: [ben, ada]}"),
        PEOPLE.replace("ada: {", "- {id: ada, ").replace("ben: {", "- {id: ben, "),
    ],
)
def test_people_may_be_written_shorter(read: Read, text: str) -> None:
    loaded = read("people.yaml", text)
    assert said(loaded) == []
    ada = loaded.people.people["ada"]
    assert (ada.slack, ada.roles) == ("U0000ADA", ("risk-analyst",))
    assert set(loaded.people.teams["risk-ops"].members) == {"ada", "ben"}


def test_an_absence_ends_with_to_or_until(read: Read) -> None:
    absent = PEOPLE.replace("budget:", "absences: {from: 2026-12-01, until: 2026-12-05}, budget:")
    loaded = read("people.yaml", absent)
    assert said(loaded) == []
    assert str(loaded.people.people["ben"].absences[0].to) == "2026-12-05"


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("routing.yaml", "routes: [x]", 'routes "x" is not a map; write key: value'),
        ("routing.yaml", "routes: x", "routes is a single value, not a list; write routes: [ … ]"),
        ("routing.yaml", "routes: [[x]]", "routes is a list, not a map; write key: value"),
        ("people.yaml", "people: [ada]", "people is a list, not a map; write key: value"),
        ("people.yaml", "people: {ada: x}", "people.ada is a single value, not a map; write key: value"),
    ],
)
def test_what_is_no_short_form_is_refused_where_it_stands(read: Read, path: str, text: str, problem: str) -> None:
    found = [problem for problem in said(read(path, text)) if problem.startswith(path)]
    assert len(found) == 1
    assert found[0].startswith(f"{path}:1:")


def test_settings_of_a_destination_may_stand_under_settings(read: Read) -> None:
    text = '"#data-team": {channel: slack, audience: engineering}\nx: {channel: slack, settings: {to: "#x", too: 1}}\n'
    loaded = read("destinations.yaml", text)
    assert [problem for problem in said(loaded) if problem.startswith("destinations")] == [
        'destinations.yaml:2:42: unknown key "too"; did you mean "to"?'
    ]


def test_a_built_in_definition_can_be_overridden_by_its_name(read: Read) -> None:
    text = "alert: dead_letter\nkind: system\nowner: data-team\nseverity: [{level: low, respond_within: 1d}]\n"
    loaded = read("system/dead_letter.yaml", text)
    assert said(loaded) == []
    assert loaded.definitions["dead_letter"].owner == "data-team"
    wrong = read("system/dead_letter.yaml", text.replace("dead_letter", "dead_leter"))
    assert said(wrong) == [
        'system/dead_letter.yaml:1:8: "dead_leter" is not a built-in definition; did you mean "dead_letter"?'
    ]


def test_an_override_names_a_destination_and_has_one_level(read: Read) -> None:
    text = "alert: dead_letter\nkind: system\nnotify: [nowhere]\nseverity: [{level: low, when: a > 1}, {level: high}]\n"
    unknown, levels = said(read("system/dead_letter.yaml", text))
    assert '"nowhere" is not a destination in destinations.yaml' in min(
        unknown, levels, key=lambda each: "level" in each
    )
    assert "a built-in definition has one level of severity, without `when`; keep one level" in unknown + levels


def test_what_is_wrong_with_the_alerting_itself_cannot_be_paused(read: Read) -> None:
    text = "alert: dead_letter\nkind: system\npause: {until: 2026-12-01, reason: too loud}\n"
    assert said(read("system/dead_letter.yaml", text)) == [
        "system/dead_letter.yaml:3:1: what is wrong with the alerting itself can't be paused: it happens whether "
        "anybody looks or not; remove pause; `alerting silences add kind=system` keeps it quiet for a while"
    ]


def test_another_definition_cannot_take_the_name_of_a_built_in_one(read: Read) -> None:
    loaded = read("fraud/large_transaction.yaml", MINIMAL.replace("alert: large_transaction", "alert: dead_letter"))
    assert said(loaded) == [
        'fraud/large_transaction.yaml:2:8: "dead_letter" is the name of a built-in definition; '
        "choose another name, or write kind: system to override it"
    ]
