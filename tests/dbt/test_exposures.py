"""The checked-in exposures are what the definitions say."""

from __future__ import annotations

from typing import Any

from alerting_pipeline.adapters.dbt_manifest import catalog_of
from alerting_pipeline.adapters.definition_files import load
from alerting_pipeline.domain.exposure import exposures_yaml
from tests.conftest import PROJECT

FILE = PROJECT / "dbt_project" / "models" / "exposures.yml"


def test_the_file_is_what_the_definitions_say(manifest: dict[str, Any]) -> None:
    loaded = load(PROJECT / "alert_definitions", catalog_of(manifest), project=PROJECT)
    assert FILE.read_text() == exposures_yaml(loaded), "run `alerting exposures`"


def test_every_definition_is_behind_the_models_that_it_reads(manifest: dict[str, Any]) -> None:
    exposed = {each["name"]: each["depends_on"]["nodes"] for each in manifest["exposures"].values()}
    loaded = load(PROJECT / "alert_definitions", catalog_of(manifest), project=PROJECT)
    marts = catalog_of(manifest).marts
    for name, definition in loaded.definitions.items():
        model = getattr(definition, "model", None)
        if getattr(definition, "kind", "") != "system" and (model is None or model in marts):
            assert exposed[name], name
            if model is not None:
                assert [each.rsplit(".", 1)[1] for each in exposed[name]] == [model]
