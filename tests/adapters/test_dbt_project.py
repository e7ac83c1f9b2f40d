"""The dbt project as the program runs it: parsed once per content, results while dbt works, nothing left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alerting_pipeline.adapters.dbt_project import DbtProject, build_graph, buildable, node_result
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.health import HealthTracker
from tests.conftest import Database

PROJECT = {
    "dbt_project.yml": "name: tiny\nversion: '1.0'\nprofile: tiny\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": (
        "tiny: {target: dev, outputs: {dev: {type: postgres, schema: marts, threads: 2,"
        " host: \"{{ env_var('ALERTING_DBT_HOST', 'localhost') }}\","
        " port: \"{{ env_var('ALERTING_DBT_PORT', '5432') | as_number }}\","
        " user: \"{{ env_var('ALERTING_DBT_USER', 'nobody') }}\","
        " password: \"{{ env_var('ALERTING_DBT_PASSWORD', '') }}\","
        " dbname: \"{{ env_var('ALERTING_DBT_DBNAME', 'alerting') }}\"}}}\n"
    ),
    "models/good.sql": "select 1 as id",
    "models/doubtful.sql": "select id from {{ ref('good') }}",
    "models/held.sql": "select id from {{ ref('doubtful') }}",
    "models/hinted.sql": "select id from {{ ref('good') }}",
    "models/models.yml": (
        "models:\n"
        "  - {name: good, columns: [{name: id, data_tests: [not_null]}]}\n"
        "  - {name: doubtful, columns: [{name: id, data_tests: [{accepted_values: {arguments: {values: [7]}}}]}]}\n"
        "  - {name: hinted, columns: [{name: id, data_tests: "
        "[{accepted_values: {arguments: {values: [7]}, config: {severity: warn}}}]}]}\n"
        "unit_tests:\n"
        "  - {name: passes_through, model: hinted, given: [{input: ref('good'), rows: [{id: 3}]}],"
        " expect: {rows: [{id: 3}]}}\n"
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = tmp_path / "a dbt project"
    for name, text in PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    return project


def _inherited() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/tmp")}


@pytest.mark.scenario
def test_it_is_parsed_again_only_when_a_file_changed(folder: Path, home: Path):
    project = DbtProject(folder, home, inherited=_inherited())
    first = project.parse()
    written = first.stat().st_ino
    assert project.parse() == first
    assert first.stat().st_ino == written
    (folder / "models/good.sql").write_text("select 2 as id")
    assert project.parse() != first


def test_nothing_is_written_inside_the_project(folder: Path, home: Path):
    before = sorted(folder.rglob("*"))
    DbtProject(folder, home, inherited=_inherited()).parse()
    assert sorted(folder.rglob("*")) == before


def test_a_project_that_does_not_parse_is_one_sentence_with_the_log(folder: Path, home: Path):
    (folder / "models/good.sql").write_text("select * from {{ ref('nowhere') }}")
    with pytest.raises(AlertingError, match=r"dbt parse broke off: .*nowhere.*; see .*dbt\.log"):
        DbtProject(folder, home, inherited=_inherited()).parse()


@pytest.mark.scenario
def test_a_build_tells_which_models_are_ready_and_healthy_and_a_selection_narrows_it(
    folder: Path, home: Path, database: Database
):
    project = DbtProject(folder, home, database.name, lambda: database.owner_url, _inherited())
    manifest = project.manifest()
    models = frozenset(name for name in manifest["nodes"] if name.startswith("model."))
    tracker = HealthTracker(build_graph(manifest), buildable(manifest), models)
    ready = {model.unique_id: model for result in project.build() for model in tracker.record(result)}
    assert {name.rpartition(".")[2]: model.healthy for name, model in ready.items()} == {
        "good": True,
        "doubtful": False,
        "hinted": True,
        "held": False,
    }
    assert tracker.finish(is_complete=True) == ()
    assert len({model.invocation_id for model in ready.values()}) == 1
    assert ready["model.tiny.held"].failures[-1] == "model held was skipped"
    chosen = project.select(["hinted"])
    assert "model.tiny.hinted" in chosen
    assert not [name for name in chosen if "good" in name or name.startswith("unit_test.")]
    with pytest.raises(AlertingError, match="selects nothing"):
        project.select(["absent"])


def test_a_database_that_is_not_there_is_one_sentence(folder: Path, home: Path, tmp_path: Path):
    address = f"postgresql://nobody@/nowhere?host={tmp_path}"
    project = DbtProject(folder, home, inherited={**_inherited(), "ALERTING_DBT_HOST": str(tmp_path)})
    assert project.environment()["ALERTING_DBT_DBNAME"] == "alerting"
    with pytest.raises(AlertingError, match="dbt build broke off"):
        list(project.build())
    assert DbtProject(folder, home, url=lambda: address).environment()["ALERTING_DBT_HOST"] == str(tmp_path)


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "password", "name"),
    [
        ("postgresql://me:p%40ss@db.example:6543/shop", "db.example", "6543", "me", "p@ss", "shop"),
        ("postgresql+psycopg://me@/shop?host=%2Frun%2Fa%20b", "/run/a b", "5432", "me", "", "shop"),
    ],
)
def test_the_profile_gets_the_parts_of_the_address(
    url: str, host: str, port: str, user: str, password: str, name: str, tmp_path: Path
):
    told = DbtProject(tmp_path, tmp_path, url=lambda: url).environment()
    parts = ("HOST", "PORT", "USER", "PASSWORD", "DBNAME")
    assert [told[f"ALERTING_DBT_{part}"] for part in parts] == [host, port, user, password, name]


def test_lines_that_tell_no_result_are_passed_over():
    assert node_result({"info": {"name": "LogStartLine"}, "data": {"node_info": {"unique_id": "model.p.a"}}}) is None
    assert node_result({"info": {"name": "StatsLine"}, "data": {}}) is None


def test_a_unit_test_that_fails_is_a_failure_though_its_node_has_no_status():
    event = {
        "info": {"name": "LogTestResult", "invocation_id": "i"},
        "data": {
            "node_info": {"unique_id": "unit_test.p.m.u", "node_status": "None"},
            "status": "fail",
            "num_failures": 1,
        },
    }
    result = node_result(event)
    assert result is not None
    assert (result.status, result.failures) == ("fail", 1)


def test_a_test_over_a_model_and_its_source_judges_the_model_and_one_over_strangers_both():
    def node(unique_id: str, *parents: str) -> dict[str, object]:
        kind, _, name = unique_id.split(".")
        depends = {"nodes": list(parents)}
        return {"unique_id": unique_id, "name": name, "resource_type": kind, "depends_on": depends, "config": {}}

    nodes = [
        node("model.p.mart", "source.p.raw"),
        node("model.p.other"),
        node("test.p.identity", "source.p.raw", "model.p.mart"),
        node("test.p.strangers", "model.p.other", "model.p.mart"),
    ]
    sources = {"source.p.raw": node("source.p.raw")}
    graph = build_graph({"nodes": {each["unique_id"]: each for each in nodes}, "sources": sources})
    assert graph.nodes["test.p.identity"].concerns == {"model.p.mart"}
    assert graph.nodes["test.p.strangers"].concerns == {"model.p.mart", "model.p.other"}
