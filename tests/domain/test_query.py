# ruff: noqa: E501  # sentences are kept whole
"""`query:`: one SELECT over refs; what it returns is known, what it may not do is refused in a sentence."""

from __future__ import annotations

import pytest

from alerting_pipeline.domain.query import BadSql, Query, parse_query
from tests.definition_folder import CATALOG

T = "{{ ref('transactions') }}"
C = '{{ ref("customers") }}'


def read(text: str) -> Query:
    return parse_query(text, CATALOG)


def refused(text: str) -> list[str]:
    with pytest.raises(BadSql) as error:
        read(text)
    return [f"{problem.offset}: {problem.what}" for problem in error.value.problems]


def test_refs_columns_and_types_are_known() -> None:
    query = read(f"select t.transaction_id, t.amount * 2 as twice, c.country from {T} t join {C} c using (customer_id)")
    assert query.refs == {"transactions", "customers"}
    assert list(query.columns) == ["transaction_id", "twice", "country"]
    assert query.columns["country"] == "text"


def test_relations_are_put_in_by_the_caller() -> None:
    query = read(f"select transaction_id from {T} where created_at > :as_of - interval '1 day'")
    assert query.uses_as_of
    assert query.sql(relation=lambda model: f"cases.{model}", as_of="'2026-01-05'") == (
        """SELECT transaction_id FROM cases.transactions AS "transactions" WHERE created_at > '2026-01-05' - INTERVAL '1 DAY'"""
    )


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (f"select transaction_id, amount from {T}", [{"transaction_id"}]),
        (f"select * from {T}", [{"transaction_id"}]),
        (f"select transaction_id as id, amount from {T}", [{"id"}]),
        (f"select amount from {T}", []),
        (f"select segment, count(*) as n from {T} group by segment", [{"segment"}]),
        (f"select segment as s, status, count(*) as n from {T} group by 1, 2", [{"s", "status"}]),
        (f"select count(*) as n from {T} group by segment", []),
        (f"select lower(segment) as s, count(*) as n from {T} group by lower(segment)", []),
        (f"select distinct segment, status from {T}", [{"segment", "status"}]),
        (f"select t.transaction_id, c.country from {T} t join {C} c using (customer_id)", []),
    ],
)
def test_what_a_query_promises_to_be_unique_is_known(text: str, keys: list[set[str]]) -> None:
    assert [set(key) for key in read(text).unique_keys] == keys


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"select t.amoun from {T} t", '9: "amoun" is not a column of what the query reads'),
        (f"select amoun from {T}", '7: "amoun" is not a column of what the query reads'),
        (
            f"select customer_id from {T} t join {C} c on true",
            '7: "customer_id" is a column of more than one model here',
        ),
        ("select 1 as x", "0: the query reads no model"),
        ("select x from {{ ref('custmers') }}", '14: "custmers" is not a model of dbt'),
        (
            "select x from {{ ref('stg_payments') }}",
            '14: "stg_payments" is not a mart, and definitions read only marts',
        ),
        (f"select count(*) from {T}", "0: each column of a query has a name"),
        (f"select amount, amount from {T}", '15: two columns are named "amount"'),
        (f"select t from {T} t", '40: "t" is a whole row'),
        (f"select {{{{ var('x') }}}} as x from {T}", "7: a query has no template code but {{ ref('…') }}"),
        (f"select amount from {T} where created_at > now()", "64: now() reads a clock"),
        (f"select amount from {T} where amount > :limit", '60: ":limit" cannot stand in a query'),
        (f"delete from {T}", "0: a query is one SELECT"),
        (f"select amount from {T}; select 1", "0: a query is one SELECT"),
        (f"select amount from {T} union select 1", "0: a query is one SELECT"),
        (
            f"with x as (delete from {T} returning amount) select amount from x",
            "11: a query may not contain this SQL (delete)",
        ),
        (f"select amount from {T} for update", "0: a query may not contain this SQL (lock)"),
    ],
)
def test_what_is_refused_says_where_and_why(text: str, sentence: str) -> None:
    assert sentence in refused(text)


@pytest.mark.parametrize(
    "more",
    [", pg_class", ", marts.customers", ", generate_series(1, 9)", ", (values (1)) v", ", lateral (select 1) l",
     " join pg_roles on true", ', "ref:customers"', " where exists (select 1 from pg_class)", " tablesample system (1)",
     " where amount > (select pg_sleep(9))", " limit 1", " where transaction_id in (table pg_authid)"],
)  # fmt: skip
def test_nothing_is_read_but_refs(more: str) -> None:
    assert refused(f"select amount from {T}{more}")


def test_a_ref_is_not_found_in_a_text_or_comment() -> None:
    with pytest.raises(BadSql):
        read("select amount from pg_class -- {{ ref('transactions') }}")
    with pytest.raises(BadSql):
        read("select '{{ ref(''transactions'') }}' as amount from pg_class")
