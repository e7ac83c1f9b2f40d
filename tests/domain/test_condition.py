# ruff: noqa: E501  # each refusal is one line with the sentence that a person reads
"""Conditions: what is listed is rendered as it was meant, what isn't is refused in a sentence with its place."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting_pipeline.adapters.embedded_postgres import EmbeddedPostgres
from alerting_pipeline.domain.condition import BadSql, Comparison, Condition, parse
from alerting_pipeline.domain.condition_types import type_problems
from alerting_pipeline.domain.parameters import Parameter

COLUMNS = {"amount": "numeric", "status": "text", "segment": "text", "created_at": "timestamptz", "paid": "boolean"}
PARAMETERS = ("review_limit", "grace", "names")


def read(text: str) -> Condition:
    return parse(text, columns=COLUMNS, parameters=PARAMETERS)


def rendered(text: str) -> str:
    return read(text).sql(parameter=lambda name: f"p.{name}", as_of="p.as_of", qualifier="m")


def refused(text: str) -> list[str]:
    with pytest.raises(BadSql) as error:
        read(text)
    return [f"{problem.offset}: {problem.what}; {problem.remedy}" for problem in error.value.problems]


def test_names_are_qualified_and_quoted_and_parameters_replaced() -> None:
    assert rendered("Amount > :review_limit and status = 'pending'") == (
        """("m"."amount" > p.review_limit AND "m"."status" = 'pending')"""
    )
    condition = read("created_at < :as_of - :grace or amount > :review_limit")
    assert (condition.columns, condition.parameters, condition.uses_as_of) == (
        {"created_at", "amount"},
        {"grace", "review_limit"},
        True,
    )


def test_a_name_may_stand_for_other_sql() -> None:
    condition = parse("deviance >= 10", columns=COLUMNS, parameters=(), extra=("deviance",))
    assert condition.sql(parameter=str, as_of="", replace={"deviance": "(a / b)"}) == "((a / b) >= 10)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount > :review_limit and status = 'pending'", Comparison("amount", "review_limit", "above")),
        ("(:review_limit >= amount) and (status = 'x' or paid)", Comparison("amount", "review_limit", "below")),
        ("amount > 10", None),
        ("amount > :review_limit or amount > :grace", None),
        ("amount > :review_limit and amount < :grace", None),
        ("amount * 2 > :review_limit", None),
        ("created_at < :as_of", None),
        ("amount = :review_limit", None),
    ],
)
def test_the_one_comparison_is_found(text: str, expected: Comparison | None) -> None:
    assert read(text).comparison() == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("amont > 1", '0: "amont" is not a column of the model; did you mean "amount"?'),
        ("amount > review_limit", '9: "review_limit" is a parameter, not a column; write :review_limit'),
        ("amount > :amount", '9: ":amount" is a column, not a parameter; write amount'),
        ("amount > :reviewlimit", '9: ":reviewlimit" is not a parameter of this definition; did you mean "review_limit"?'),
        ("created_at < now()", "13: now() reads a clock; use :as_of, which is the time of the evaluation"),
        ("created_at::date = current_date", "19: current_date reads a clock; use :as_of, which is the time of the evaluation"),
        ("amount in (select 1)", "7: a condition cannot read another relation; join it in dbt"),
        ("sum(amount) > 1", "0: sum() sums rows up, and a condition sees one row; compute it in dbt"),
        ("lowr(status) = 'x'", '0: lowr() is not a function that a condition may call; did you mean "lower"?'),
        ("paid and pg_sleep(1) is null", "9: pg_sleep() is not a function that a condition may call; compute it in dbt, as a column"),
        ("m.amount > 1", "0: m.amount names a relation; write amount alone"),
        ("amount + 1", "0: the SQL is not a condition, for its value is not true or false; compare it with something"),
        ("amount > 1; drop table x", '12: the SQL cannot be read at "drop"; write one boolean expression, such as amount > :review_limit'),
        ("status = 'x", "9: a quote or comment is not closed; close it"),
        ("", "0: the SQL is empty; write one boolean expression"),
        ("created_at > 'today'", "14: the text 'today' may be read as the current time; use :as_of, or pass the text as a parameter of type text"),
    ],
)  # fmt: skip
def test_what_is_refused_says_where_why_and_what_instead(text: str, sentence: str) -> None:
    assert refused(text) == [sentence]


def test_all_problems_of_a_condition_are_told_at_once() -> None:
    assert len(refused("amont > :limit and now() > created_at and foo(status)")) == 4


@pytest.mark.parametrize(
    "text",
    [
        "amount > $1", "amount > %s", "amount > ?", "amount > %(x)s", "amount[1] = 2", "(amount).x = 1", "ctid is null",
        "status = U&'x'", "status = $$x$$", "status ~ '(a+)+$'", "status similar to 'x'", "paid overlaps paid",
        "'now'::timestamptz > created_at", "('no' || 'w')::timestamptz > created_at", "created_at > ' TODAY '",
        "(lower('NOW'))::timestamp > created_at", ":names::timestamptz > created_at", "status::regclass is null",
        "exists (select 1)", "amount = (select 1)", "amount > all(array[1])", "array(select 1) is null",
        "row_number() over () > 1", "count(*) > 1", "pg_catalog.now() > created_at", "current_user = status",
        "current_setting('x') = status", "set_config('a', 'b', true) = status", "lo_import('/etc/passwd') > 1",
        "query_to_xml('select 1', true, true, '') is null", "dblink('x', 'y') is null", "nextval('x') > 1",
        "repeat('x', 1000000000) = status", "amount operator(pg_catalog.+) 1 > 1", "status collate \"C\" = 'x'",
        "amount > 1 --", "amount > 1 /* x", "amount = 1 union select true", "select true", "amount; select 1",
        "amount = 1 limit 1", "amount = b = c", "(1 = 1)::xml is null", "age(created_at) > interval '1 day'",
        "clock_timestamp() > created_at", "random() > 0.5", "gen_random_uuid() is null", "amount > 10 ^ 100000",
        "status like any (select 'x')", "case when true then now() end is null", "\x00", "amount >\x00 1",
    ],
)  # fmt: skip
def test_hostile_sql_is_refused(text: str) -> None:
    if text == "amount > 1 --":  # a comment alone is harmless, and gone afterwards
        assert rendered(text) == '("m"."amount" > 1)'
    else:
        assert refused(text)


@pytest.mark.parametrize(
    "text",
    ["(" * 3000 + "paid" + ")" * 3000, "not " * 900 + "paid", "- " * 1500 + "1 > 0", "paid and " * 400 + "paid",
     "case when paid then " * 300 + "paid" + " end" * 300, "coalesce(" * 200 + "paid" + ", paid)" * 200],
)  # fmt: skip
def test_deep_or_long_sql_is_refused_and_kills_nothing(text: str) -> None:
    code = (
        "import sys; from alerting_pipeline.domain.condition import BadSql, parse\n"
        "try: parse(sys.stdin.read(), columns={'paid': ''}, parameters=())\n"
        "except BadSql as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-500:]
    assert "nested too deeply" in done.stdout or "has more than" in done.stdout or "longer than" in done.stdout


_NUMBERS = st.sampled_from(
    ["amount", "1.5", "0", ":review_limit", "length(status)", "abs(amount)", "extract(hour from created_at)"]
)
_TEXTS = st.sampled_from(
    ["status", "segment", "'pending'", "lower(status)", "'it''s'", "status || 'x'", "left(segment, 2)"]
)
_TIMES = st.sampled_from(["created_at", ":as_of", ":as_of - :grace", "date_trunc('month', created_at)"])
_SIGNS = st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"])


def _compared(sides: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(sides, _SIGNS, sides).map(" ".join)


_LEAVES = st.one_of(
    _compared(_NUMBERS),
    _compared(_TEXTS),
    _compared(_TIMES),
    st.sampled_from([
        "paid", "not paid", "status is null", "amount is not null", "amount between 1 and :review_limit", "status like 'p%'",
        "status not in ('a', 'b')", "segment ilike '%x_'", "status = any(:names)", "paid is not true", "amount in (1, 2.5)",
        "coalesce(paid, false)", "case when paid then amount > 1 else status = 'x' end", "nullif(amount, 0) > 1",
        "created_at::date = :as_of::date", "amount::integer > 1", "greatest(amount, 3) > least(amount, :review_limit)",
        "round(amount, 1) > 2", "not (amount > 1 or paid)", "(amount + 1) * 2 - amount / 4 > -amount % 3",
    ]),
)  # fmt: skip
CONDITIONS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map(lambda text: f"not ({text})"),
        inner.map(lambda text: f"({text})"),
    ),
    max_leaves=6,
)


@given(CONDITIONS)
def test_rendering_and_reading_again_changes_nothing(text: str) -> None:
    once = read(text).sql(parameter=lambda name: f":{name}", as_of=":as_of")
    assert read(once).sql(parameter=lambda name: f":{name}", as_of=":as_of") in (once, f"({once})")


ROWS = """(values
    (100.5, 'pending', 'retail', timestamptz '2026-01-05 04:22+00', true), (null, null, null, null, null),
    (0, 'Pending', 'premium', '2026-01-01', false), (-3, 'x', '', '2025-12-31 23:59+00', null),
    (2.5, 'it''s', 'px', '2026-01-05', true)) as m (amount, status, segment, created_at, paid)"""
VALUES = {"review_limit": "50::numeric", "grace": "interval '2 hours'", "names": "array['x', 'pending']"}


@settings(max_examples=150, deadline=None)
@given(CONDITIONS)
def test_postgres_gives_the_rendered_condition_the_value_of_the_written_one(
    postgres: EmbeddedPostgres, text: str
) -> None:
    moment = "timestamptz '2026-01-05 05:00+00'"
    written = text.replace(":as_of", f"({moment})")
    for name, value in VALUES.items():
        written = written.replace(f":{name}", f"({value})")
    ours = read(text).sql(parameter=lambda name: f"({VALUES[name]})", as_of=f"({moment})", qualifier="m")
    with psycopg.connect(postgres.url(database="postgres")) as connection:
        try:
            expected = connection.execute(f"select {written} from {ROWS}".encode()).fetchall()
        except psycopg.DataError:
            return  # Postgres has an error for the written one; there is no value to compare with
        assert connection.execute(f"select {ours} from {ROWS}".encode()).fetchall() == expected


LIMITS = {
    "review_limit": Parameter(default=1),
    "grace": Parameter(type="duration", default="1h"),
    "names": Parameter(type="list", default=["a"]),
    "who": Parameter(type="text", default="a"),
}


def mismatches(text: str) -> list[str]:
    condition = parse(text, columns=COLUMNS, parameters=LIMITS)
    return [f"{problem.offset}: {problem.what}" for problem in type_problems(condition, COLUMNS, LIMITS)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("amount > :who", "0: amount is a number and :who is a text"),
        ("paid and :grace < created_at", "9: :grace is a duration and created_at is a time"),
        ("amount = 'pending'", "0: amount is a number and 'pending' is a text"),
        ("status = 5", "0: status is a text and 5 is a number"),
        ("amount between 1 and :grace", "0: amount is a number and :grace is a duration"),
        ("status in ('a', 3)", "0: status is a text and 3 is a number"),
        ("paid = 1", "0: paid is a boolean and 1 is a number"),
        ("status = :names", "0: status is a text and :names is a list"),
        ("created_at > amount", "0: created_at is a time and amount is a number"),
    ],
)
def test_values_of_different_kinds_are_not_compared(text: str, sentence: str) -> None:
    assert mismatches(text) == [sentence]


@given(CONDITIONS)
def test_what_postgres_compares_is_not_refused_for_its_types(text: str) -> None:
    assert mismatches(text) == []


@pytest.mark.parametrize("text", ["amount > '5'", "created_at > '2026-01-01'", "paid = 'true'", "status = any(:names)"])
def test_a_quoted_literal_takes_the_type_of_the_other_side(text: str) -> None:
    assert mismatches(text) == []
