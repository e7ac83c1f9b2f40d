"""dbt's manifest as a catalog: columns, keys, ancestors and what `meta.alerting` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerting_pipeline.adapters.dbt_manifest import catalog_of, load_catalog
from alerting_pipeline.domain.errors import AlertingError


def node(name: str, **more: object) -> dict[str, object]:
    return {
        "unique_id": f"model.shop.{name}", "name": name, "resource_type": "model", "schema": "marts", "alias": name,
        "fqn": ["shop", "marts", name], "columns": {}, "depends_on": {"nodes": []}, "config": {}, **more,
    }  # fmt: skip


def unique(name: str, on: str, arguments: dict[str, object], **more: object) -> dict[str, object]:
    return {
        "unique_id": f"test.shop.{name}.{on}", "name": f"{name}_{on}", "resource_type": "test",
        "attached_node": f"model.shop.{on}", "depends_on": {"nodes": [f"model.shop.{on}"]},
        "test_metadata": {"name": name, "kwargs": arguments}, **more,
    }  # fmt: skip


def test_our_marts_have_their_columns_keys_and_watermark(dbt_manifest: Path) -> None:
    marts = load_catalog(dbt_manifest).marts
    transactions = marts["transactions"]
    assert transactions.relation == "marts.transactions"
    assert transactions.columns["amount"] == "numeric"
    assert transactions.is_unique_by(frozenset({"transaction_id", "amount"}))
    assert not transactions.is_unique_by(frozenset({"customer_id"}))
    assert transactions.watermark == "loaded_at"
    assert marts["team_daily_cost"].is_unique_by(frozenset({"team", "day"}))
    assert any(ancestor.startswith("source.") for ancestor in transactions.ancestors)
    assert transactions.path.endswith(".yml")


def test_keys_come_from_tests_and_constraints_whatever_their_form() -> None:
    catalog = catalog_of({
        "nodes": {
            str(each["unique_id"]): each
            for each in (
                node("a"), node("b", constraints=[{"type": "primary_key", "columns": ["X", "y"]}]),
                node("c", columns={"Id": {"name": "Id", "data_type": "text", "constraints": [{"type": "unique"}]}}),
                node("d"), node("e"),
                unique("unique", "a", {"column_name": "id"}),
                unique("unique_combination_of_columns", "d", {"arguments": {"combination_of_columns": ["p", "Q"]}}),
                unique("unique", "e", {"column_name": "id"}, config={"where": "status = 'open'"}),
            )
        }
    })  # fmt: skip
    keys = {name: [set(key) for key in model.unique_keys] for name, model in catalog.models.items()}
    assert keys == {"a": [{"id"}], "b": [{"x", "y"}], "c": [{"id"}], "d": [{"p", "q"}], "e": []}


def test_only_marts_are_marts() -> None:
    catalog = catalog_of({"nodes": {"m": node("m"), "s": node("s", schema="staging", fqn=["shop", "staging", "s"])}})
    assert list(catalog.marts) == ["m"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"nodes": 3}', "\x00"])
def test_a_damaged_manifest_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(AlertingError, match="delete it and parse again"):
        load_catalog(path)


def test_a_missing_manifest_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AlertingError, match="is missing; `dbt parse` writes it"):
        load_catalog(tmp_path / "manifest.json")
