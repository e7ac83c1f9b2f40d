"""A mart's `meta.alerting` gives its alerts their owner, their channel and their severity; `show` says from where."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerting_pipeline.app import App
from alerting_pipeline.cli import main
from alerting_pipeline.domain.catalog import Catalog
from tests.definition_folder import CATALOG, MINIMAL, TRANSACTIONS, DefinitionFolder

STATED = {
    "watermark": "loaded_at",
    "owner": "risk-ops",
    "notify": ["#payments-desk"],
    "severity": [{"level": "high", "respond_within": "2h"}],
}
ORIGIN = "meta.alerting of model transactions (models/marts/fraud/_models.yml)"


@pytest.fixture
def files(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> DefinitionFolder:
    files = DefinitionFolder.make(tmp_path / "my project", MINIMAL)
    mart = replace(TRANSACTIONS, meta={"alerting": STATED})
    monkeypatch.setenv("ALERTING_DEFINITIONS", str(files.folder))
    monkeypatch.setattr(App, "catalog", property(lambda app: Catalog({**CATALOG.models, "transactions": mart})))
    return files


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    try:
        main([*arguments, "--json"])
    except SystemExit as stop:
        assert not stop.code
    return json.loads(capsys.readouterr()[0])


def test_owner_channel_and_severity_come_from_the_mart(
    files: DefinitionFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    values = told(capsys, "show", "large_transaction", "--resolved")["values"]
    for key, value in {"owner": "risk-ops", "notify": ["#payments-desk"]}.items():
        assert values[key] == {"value": value, "origin": ORIGIN}
    levels = {key: each["value"] for key, each in values.items() if key.startswith("severity")}
    assert "high" in json.dumps(levels) and values[next(iter(levels))]["origin"] == ORIGIN


def test_the_mart_s_channel_hears_of_its_alerts(files: DefinitionFolder, capsys: pytest.CaptureFixture[str]) -> None:
    [route] = told(capsys, "route", "large_transaction")["routes"]
    assert "#payments-desk" in [destination["name"] for destination in route["destinations"]]


def test_the_file_has_the_last_word(files: DefinitionFolder, capsys: pytest.CaptureFixture[str]) -> None:
    files.write("fraud/large_transaction.yaml", f'{MINIMAL}notify: ["#elsewhere"]\n')
    notify = told(capsys, "show", "large_transaction", "--resolved")["values"]["notify"]
    assert notify == {"value": ["#elsewhere"], "origin": "fraud/large_transaction.yaml:9"}
