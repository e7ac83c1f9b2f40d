"""Facts about the dbt project that hold without a database: layers, names, keys, contracts, grants, labels."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from alerting_pipeline.adapters.dbt_manifest import catalog_of

Nodes = dict[str, dict[str, Any]]
LAYERS = {"staging": "stg_", "intermediate": "int_", "marts": ""}
READERS = {"alert_reader", "analyst"}


def layer(model: dict[str, Any]) -> str:
    return model["fqn"][1]


def test_every_model_says_what_a_row_is(models: Nodes) -> None:
    silent = [
        name for name, model in models.items() if not re.search(r"Grain: one row per .+\.$", model["description"])
    ]
    assert silent == []


def test_every_column_of_a_mart_has_a_type_and_a_description(models: Nodes) -> None:
    marts = {name: model for name, model in models.items() if layer(model) == "marts"}
    assert {"transactions", "deliveries", "team_daily_cost"} <= marts.keys()
    for name, model in marts.items():
        assert model["config"]["contract"]["enforced"], name
        for column in model["columns"].values():
            assert column["data_type"] and column["description"].endswith("."), (name, column["name"])


def test_every_intermediate_model_and_mart_has_a_tested_key(manifest: dict[str, Any], models: Nodes) -> None:
    catalog = catalog_of(manifest)
    without = [
        name for name, model in models.items() if layer(model) != "staging" and not catalog.models[name].unique_keys
    ]
    assert without == []


def test_the_entities_that_alerts_are_about_are_keys(manifest: dict[str, Any]) -> None:
    catalog = catalog_of(manifest)
    for mart, key in {
        "transactions": {"transaction_id"},
        "deliveries": {"delivery_id"},
        "team_daily_cost": {"team", "day"},
    }.items():
        assert catalog.marts[mart].is_unique_by(frozenset(key))


def test_names_tell_the_layer(models: Nodes) -> None:
    for name, model in models.items():
        prefix = LAYERS[layer(model)]
        assert name.startswith(prefix) if prefix else not name.startswith(("stg_", "int_")), name
        assert model["schema"] == layer(model), name
        assert model["original_file_path"] == f"models/{layer(model)}/{model['fqn'][2]}/{name}.sql"


def test_data_flows_forward_through_the_layers(models: Nodes) -> None:
    order = list(LAYERS)
    by_id = {model["unique_id"]: model for model in models.values()}
    for name, model in models.items():
        for parent in model["depends_on"]["nodes"]:
            if parent.startswith("source."):
                assert layer(model) == "staging", f"{name} reads {parent}"
            else:
                assert order.index(layer(by_id[parent])) <= order.index(layer(model)), f"{name} reads {parent}"
        if layer(model) == "staging":
            assert model["depends_on"]["nodes"] == [f"source.company.raw.{name.removeprefix('stg_')}"]


def test_last_parts_of_names_are_unique_in_the_lineage(manifest: dict[str, Any], models: Nodes, sources: Nodes) -> None:
    definitions = Path(__file__).parent.parent.parent / "alert_definitions"
    alerts = [path.stem for path in definitions.glob("*/[!_]*.yaml")]
    names = Counter([*models, *sources, *alerts])
    assert [name for name, count in names.items() if count > 1] == []


def test_only_marts_are_granted_and_only_to_those_who_read(models: Nodes) -> None:
    for name, model in models.items():
        granted = set(model["config"]["grants"].get("select", []))
        assert granted == (READERS if layer(model) == "marts" else set()), name


def test_results_of_investigations_pass_to_one_model_alone_and_to_no_mart(models: Nodes) -> None:
    """That this one reads them where they are a week old, test_card_risks shows."""
    code = {name: re.sub(r"--.*|\{#.*?#\}", "", model["raw_code"]) for name, model in models.items()}
    assert [name for name in code if "tx_fraud_scenario" in code[name]] == []
    assert [name for name in code if "tx_fraud" in code[name]] == ["stg_card_transactions"]
    assert {name for name in code if "was_fraud" in code[name]} == {"stg_card_transactions", "int_terminal_reports"}
    assert {name for name in code if "verdict" in code[name]} == {"int_terminal_reports"}
    for name, model in models.items():
        if layer(model) == "staging":
            assert (
                code[name].rstrip().endswith("select * from renamed")
            )  # of explicit columns, so a new label stays out
            assert "*" not in code[name][code[name].index("renamed as") : code[name].rindex("select *")], name
        if layer(model) == "marts":
            assert not {"was_fraud", "verdict"} & model["columns"].keys(), name


def test_every_source_says_how_it_is_ingested_and_types_its_columns(sources: Nodes) -> None:
    assert {"card_transactions", "cost_and_usage", "focus_costs"} <= sources.keys()
    for name, source in sources.items():
        ingest = source["config"]["meta"]["ingest"]
        assert source["schema"] == "raw"
        assert {"kind", "root", "pattern", "format", "mode", "trigger"} <= ingest.keys(), name
        assert ingest["mode"] in ("append", "replace_period", "snapshot")
        assert source["description"] and source["config"]["meta"]["owner"]
        assert all(column["data_type"] and column["description"] for column in source["columns"].values()), name


def test_the_marts_that_alerts_read_tell_their_owner_and_how_far_they_have_come(models: Nodes) -> None:
    for name in ("transactions", "team_daily_cost"):
        assert models[name]["config"]["meta"]["alerting"]["watermark"] == "loaded_at"
    assert "watermark" not in models["deliveries"]["config"]["meta"]["alerting"]  # late by the clock alone
    assert all(model["config"]["meta"]["alerting"]["owner"] for model in models.values() if layer(model) == "marts")


def test_declared_columns_are_those_of_the_real_files(sources: Nodes, shared_data: Path) -> None:
    report = next(shared_data.glob("cost_and_usage/*/*/*.csv.gz"))
    with gzip.open(report, "rt") as file:
        declared = list(sources["cost_and_usage"]["columns"])
        real = [_snake(name) for name in next(csv.reader(file))]
    assert real == declared[: len(real)]
    of_commitments = re.compile(r"(reservation|savings_plan)_(.*_)?(arn|start_time|end_time)")
    assert all(of_commitments.fullmatch(name) for name in declared[len(real) :])  # there is none in the real report
    with (shared_data / "focus_sample.csv").open() as file:
        assert [_snake(name) for name in next(csv.reader(file))] == list(sources["focus_costs"]["columns"])
    day = next(shared_data.glob("card_transactions/*.parquet"))
    assert pq.read_schema(day).names == list(sources["card_transactions"]["columns"])


def _snake(name: str) -> str:
    parts = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"[^0-9A-Za-z]+", "_", name))
    return parts.lower()
