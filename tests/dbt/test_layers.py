"""Every model is where its name says, reads only what lies before it, and says what a row and each column is.

The facts are drawn from the manifest, so a model is judged on the day that it is added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import PROJECT

Nodes = dict[str, dict[str, Any]]
DEFINITIONS = PROJECT / "alert_definitions"
READS = {
    "staging": ("source",),
    "intermediate": ("stg_", "int_"),
    "marts": ("stg_", "int_", "mart"),
}
"""A mart may read staging where there is nothing to work out, and other marts where it sums them up; never raw."""
SHARED = {"company"}
"""The one folder that is no area: what several areas share."""


def layer(model: dict[str, Any]) -> str:
    return model["fqn"][1]


def kind(name: str) -> str:
    return next((prefix for prefix in ("stg_", "int_") if name.startswith(prefix)), "mart")


def parents(model: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, name) of everything that a model reads."""
    for each in model["depends_on"]["nodes"]:
        name = each.rsplit(".", 1)[1]
        yield ("source", name) if each.startswith("source.") else (kind(name), name)


def test_each_layer_reads_only_what_lies_before_it(models: Nodes) -> None:
    wrong = [
        f"{name} reads {parent}"
        for name, model in models.items()
        for read, parent in parents(model)
        if read not in READS[layer(model)]
    ]
    assert wrong == []


def test_staging_is_one_view_per_source_in_the_folder_of_its_name(models: Nodes, sources: Nodes) -> None:
    staging = {name: model for name, model in models.items() if layer(model) == "staging"}
    assert {name.removeprefix("stg_") for name in staging} == set(sources)
    for name, model in staging.items():
        source = name.removeprefix("stg_")
        assert list(parents(model)) == [("source", source)], name
        assert model["config"]["materialized"] == "view", name
        assert model["fqn"][2] == source, name
        declared = sources[source]["original_file_path"]
        assert Path(declared).parent == Path(model["original_file_path"]).parent, name


def test_folders_of_models_are_areas_and_every_area_has_definitions(models: Nodes) -> None:
    areas = {path.name for path in DEFINITIONS.iterdir() if path.is_dir() and list(path.glob("[!_]*.yaml"))}
    for name, model in models.items():
        if layer(model) != "staging":
            assert model["fqn"][2] in areas | SHARED, f"{name} is in no area: {model['fqn'][2]}"
            assert model["fqn"][2] in (model["config"].get("group"), "company"), f"{name} is in no group of its area"


def test_every_model_and_every_column_is_described(models: Nodes) -> None:
    silent = [
        f"{name}.{column}"
        for name, model in models.items()
        for column, about in [("", model), *model["columns"].items()]
        if not about["description"].strip()
    ]
    assert silent == []


def test_every_column_that_staging_makes_is_described(models: Nodes) -> None:
    """Marts have contracts for that; staging says its columns only in SQL."""
    for name, model in models.items():
        if layer(model) == "staging":
            body = re.search(r"renamed as \((.*?)\n\)", model["raw_code"], re.DOTALL)
            assert body is not None, f"{name} has no step called renamed"
            made = re.findall(r"(?:\bas )?(\w+),?\s*(?:--.*)?$", body[1].split("\n    from ")[0], re.MULTILINE)
            assert set(made) - {"select", "distinct"} <= set(model["columns"]), name


def test_every_intermediate_model_and_mart_is_tested(manifest: dict[str, Any], models: Nodes) -> None:
    tested = {
        parent
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        for parent in node["depends_on"]["nodes"]
    }
    untested = [
        name for name, model in models.items() if layer(model) != "staging" and model["unique_id"] not in tested
    ]
    assert untested == []


def test_a_model_that_decides_something_has_a_unit_test(manifest: dict[str, Any], models: Nodes) -> None:
    """Branches, windows and filtered sums: what a test of the built rows alone would not miss. Picking the first or the
    last of what was sent twice (distinct on) is shown load by load instead, in test_builds and test_late_and_corrected.
    """
    tested = {each["model"] for each in manifest["unit_tests"].values()}
    untested = [
        name
        for name, model in models.items()
        if layer(model) != "staging" and decides(model["raw_code"]) and name not in tested
    ]
    assert untested == []


def decides(code: str) -> bool:
    plain = re.sub(r"--[^\n]*|\{#.*?#\}", "", code, flags=re.DOTALL)
    return re.search(r"\bcase\b|\bover\s*\(|\bover\s+\w+\b|\bfilter\s*\(|\bgenerate_series\b", plain) is not None


@pytest.mark.parametrize(
    ("code", "is_logic"),
    [
        ("select sum(x) over (partition by y)", True),
        ("select sum(x) over days window days as (order by day)", True),
        ("select count(*) filter (where x)", True),
        ("select distinct on (id) id -- over (and over), in any case\nfrom t order by id, load_id desc", False),
    ],
)
def test_logic_is_told_from_plain_selection(code: str, is_logic: bool) -> None:
    assert decides(code) is is_logic


def test_a_model_that_is_rebuilt_whole_says_why(models: Nodes) -> None:
    """Everything else processes what changed; a rebuild is right where its rows are few, or all of them change."""
    silent = [
        name
        for name, model in models.items()
        if model["config"]["materialized"] == "table" and "Rebuilt whole" not in model["description"]
    ]
    assert silent == []


def test_every_mart_is_a_contract_and_says_who_owns_it(models: Nodes) -> None:
    teams = yaml.safe_load((DEFINITIONS / "people.yaml").read_text())["teams"]
    for name, model in models.items():
        if layer(model) == "marts":
            assert model["config"]["contract"]["enforced"], name
            assert model["config"]["meta"]["alerting"]["owner"] in teams, name


def test_groups_are_owned_by_teams(manifest: dict[str, Any]) -> None:
    teams = yaml.safe_load((DEFINITIONS / "people.yaml").read_text())["teams"]
    for group in manifest["groups"].values():
        assert group["owner"]["name"] in teams, group["name"]


@pytest.mark.parametrize(
    ("model", "read"), [("marts", "source"), ("intermediate", "mart"), ("intermediate", "source"), ("staging", "stg_")]
)
def test_a_step_backwards_would_be_seen(model: str, read: str) -> None:
    assert read not in READS[model]
