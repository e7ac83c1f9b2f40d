"""The digest of a dbt node changes exactly when what it does could."""

from __future__ import annotations

from typing import Any

import pytest

from alerting_pipeline.adapters.dbt_code import code_of

NODE: dict[str, Any] = {
    "raw_code": "select 1 as id", "checksum": {"name": "sha256", "checksum": "abc"}, "package_name": "shop",
    "columns": {"id": {"data_type": "int", "description": "The id."}}, "description": "One row.",
    "config": {"materialized": "table", "meta": {"owner": "shop"}}, "test_metadata": {"kwargs": {"column_name": "id"}},
    "depends_on": {"macros": ["macro.shop.money", "macro.dbt.is_incremental"]},
}  # fmt: skip
MACROS = {
    "macro.shop.money": {"macro_sql": "a", "package_name": "shop"},
    "macro.dbt.is_incremental": {"macro_sql": "b", "package_name": "dbt"},
}


@pytest.mark.parametrize(
    "change",
    [
        {"raw_code": "select 2 as id"},
        {"checksum": {"checksum": "abd"}},
        {"columns": {"id": {"data_type": "text"}}},
        {"config": {"materialized": "view"}},
        {"test_metadata": {"kwargs": {"column_name": "name"}}},
    ],
)
def test_another_code_argument_contract_or_configuration_is_another_digest(change: dict[str, Any]) -> None:
    assert code_of({**NODE, **change}, MACROS) != code_of(NODE, MACROS)


@pytest.mark.parametrize(
    "change",
    [
        {"description": "One row per id."},
        {"columns": {"id": {"data_type": "int", "description": "Its id."}}},
        {"config": {"materialized": "table", "meta": {"owner": "other"}}},
    ],
)
def test_another_description_or_owner_is_not(change: dict[str, Any]) -> None:
    assert code_of({**NODE, **change}, MACROS) == code_of(NODE, MACROS)


def test_macros_of_the_project_count_and_those_of_packages_do_not() -> None:
    ours = {**MACROS, "macro.shop.money": {"macro_sql": "c", "package_name": "shop"}}
    theirs = {**MACROS, "macro.dbt.is_incremental": {"macro_sql": "c", "package_name": "dbt"}}
    assert code_of(NODE, ours) != code_of(NODE, MACROS) == code_of(NODE, theirs)
