"""Exposures say what definitions make of marts, whatever people write into descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from alerting_pipeline.adapters.definition_files import load
from alerting_pipeline.domain.exposure import exposures_yaml
from alerting_pipeline.domain.loaded import Loaded
from tests.definition_folder import CATALOG, COMPLETE, MINIMAL, REPORT, DefinitionFolder


def written(loaded: Loaded) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in yaml.safe_load(exposures_yaml(loaded))["exposures"]}


def test_an_alert_is_an_exposure_with_its_owner_and_its_mart(tmp_path: Path) -> None:
    files = DefinitionFolder.make(tmp_path / "my project", COMPLETE)
    exposure = written(load(files.folder, CATALOG))["large_transaction"]
    assert exposure["owner"]["name"] == "risk-ops"
    assert exposure["depends_on"] == ["ref('transactions')"]
    assert exposure["description"].startswith("Alert.")
    assert exposure["config"]["meta"] == {"kind": "alert", "file": "fraud/large_transaction.yaml"}


def test_a_report_is_an_exposure_as_well(tmp_path: Path) -> None:
    files = DefinitionFolder.make(tmp_path / "my project", COMPLETE)
    files.write("fraud/summary.yaml", REPORT)
    kinds = {each["config"]["meta"]["kind"] for each in written(load(files.folder, CATALOG)).values()}
    assert kinds == {"alert", "report"}


def test_a_query_depends_on_every_mart_that_it_reads(tmp_path: Path) -> None:
    files = DefinitionFolder.make(tmp_path / "my project", COMPLETE)
    columns = "t.transaction_id, t.customer_name, t.amount, t.status, t.created_at"
    query = f"query: select {columns} from {{{{ ref('transactions') }}}} t"
    files.write("fraud/large_transaction.yaml", MINIMAL.replace("model: transactions", query))
    assert written(load(files.folder, CATALOG))["large_transaction"]["depends_on"] == ["ref('transactions')"]


def test_signs_of_yaml_and_templates_in_a_description_stay_text(tmp_path: Path) -> None:
    nasty = "a: \"b\" {{ ref('x') }} {% raw %} # - 'c'"
    files = DefinitionFolder.make(tmp_path / "my project", COMPLETE)
    loaded = load(files.folder, CATALOG)
    definition = loaded.definitions["large_transaction"].model_copy(update={"description": nasty})
    description = written(Loaded({"large_transaction": definition}))["large_transaction"]["description"]
    assert "{{" not in description and "{%" not in description
    assert 'a: "b"' in description


def test_without_definitions_the_file_is_an_empty_list() -> None:
    assert yaml.safe_load(exposures_yaml(Loaded({})))["exposures"] == []
