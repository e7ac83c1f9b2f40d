from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting_pipeline.domain.column_names import BadHeader, column_names, snake_case


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("lineItem/UnblendedCost", "line_item_unblended_cost"),
        ("lineItem/LineItemId", "line_item_line_item_id"),
        ("resourceTags/user:app", "resource_tags_user_app"),
        ("resourceTags/aws:createdBy", "resource_tags_aws_created_by"),
        ("savingsPlan/SavingsPlanEffectiveCost", "savings_plan_savings_plan_effective_cost"),
        ("pricing/publicOnDemandCost", "pricing_public_on_demand_cost"),
        ("BilledCost", "billed_cost"),
        ("SkuPriceId", "sku_price_id"),
        ("Id", "id"),
        ("HTTPServer", "http_server"),
        ("tx_amount", "tx_amount"),
        ("already snake  case", "already_snake_case"),
        ("Größe m²", "grosse_m2"),
        ("名前", "名前"),
        ("2nd", "_2nd"),
        ("_id", "_id"),
        ("tab\tname", "tab_name"),
        (" padded ", "padded"),
    ],
)
def test_headers_become_lower_snake_case_as_aws_and_dlt_do_it(written: str, name: str) -> None:
    assert snake_case(written) == name


def test_columns_that_would_share_a_name_are_refused_naming_both() -> None:
    with pytest.raises(BadHeader, match='"user:Name" and "user_name" would both be user_name'):
        column_names(["id", "user:Name", "user_name"])


@pytest.mark.parametrize("header", [["a", ""], ["_file"], ["a", "_Load_ID"], ["€"]])
def test_a_header_without_a_usable_name_is_refused(header: list[str]) -> None:
    with pytest.raises(BadHeader):
        column_names(header)


def test_two_long_names_stay_two() -> None:
    names = column_names([f"tag/{'x' * 80}{end}" for end in "ab"])
    assert len(set(names)) == 2
    assert all(len(name.encode()) <= 63 for name in names)


@given(st.text(max_size=90))
def test_a_name_is_stable_under_a_second_pass(written: str) -> None:
    try:
        name = snake_case(written)
    except BadHeader:
        return
    assert 0 < len(name.encode()) <= 63
    assert not name[0].isdigit()
    assert snake_case(name) == name
