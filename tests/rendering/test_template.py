"""A template puts values into text. It is not a way to anything else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from alerting_pipeline.rendering import words
from alerting_pipeline.rendering.template import LONGEST_RESULT, BadTemplate, render, render_link, variables

VALUES = {
    "name": "Ada <b>", "amount": Decimal("15000.00"), "limit": "10000", "nothing": None, "count": 3,
    "at": datetime(2026, 1, 5, 4, 22, tzinfo=UTC), "late": timedelta(hours=3, minutes=20),
}  # fmt: skip

INJECTIONS = [
    "{{ ''.__class__ }}", "{{ name.__class__.__mro__ }}", "{{ name['__class__'] }}", "{{ name|attr('__class__') }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ self.__init__.__globals__ }}", "{{ self }}", "{{ cycler }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}", "{{ config }}", "{{ request }}", "{{ range(10) }}",
    "{{ name.upper() }}", "{{ namespace() }}", "{{ joiner() }}", "{{ dict() }}",
    "{% for x in name %}{{ x }}{% endfor %}",
    "{% set x = 1 %}{{ x }}", "{% import 'os' as os %}", "{% include '/etc/passwd' %}", "{% extends 'x' %}",
    "{% macro m() %}{% endmacro %}", "{% call name() %}{% endcall %}", "{% block b %}{% endblock %}",
    "{% filter upper %}x{% endfilter %}", "{% raw %}{{ x }}{% endraw %}{{ y.z }}", "{{ [1, 2] }}", "{{ {'a': 1} }}",
    "{{ (1, 2) }}", "{{ 2 ** 99999999 }}", "{{ 'x' * 999999999 }}", "{{ name * 999999999 }}", "{{ name + name }}",
    "{{ name | map('upper') }}", "{{ name | list }}", "{{ name | tojson }}", "{{ name | pprint }}", "{{ name | safe }}",
    "{{ name | center(99999999) }}", "{{ '%s' | format(name) }}", "{{ name[0] }}", "{{ name[0:2] }}", "{{ () }}",
    "{% do name %}", "{% with x = 1 %}{% endwith %}", "{% autoescape true %}{% endautoescape %}",
    "{{ name | xmlattr }}",
    "{{ name is callable }}", "{{ name is sameas name }}", "{{ super() }}", "{{ caller() }}", "{{ loop }}", "{{ _ }}",
    "{% trans %}x{% endtrans %}", "{{ name | urlize }}", "{{ 10 // 3 }}", "{{ 10 % 3 }}", "{{ count | batch(2) }}",
]  # fmt: skip


@pytest.mark.parametrize("template", INJECTIONS)
def test_injection_is_refused(template: str) -> None:
    with pytest.raises(BadTemplate):
        render(template, VALUES)


def test_data_that_looks_like_a_template_is_text() -> None:
    assert render("{{ name }}", {"name": "{{ 7 * 7 }}"}) == "{{ 7 * 7 }}"


def test_values_come_in_words() -> None:
    template = (
        "{{ name }}: {{ amount | money }} over {{ limit | money }}, {{ late }} late, {{ nothing }}, {{ at | time }}"
    )
    assert render(template, VALUES) == "Ada <b>: $15,000 over $10,000, 3 h 20 min late, –, 04:22 UTC"


def test_conditions_and_arithmetic_work() -> None:
    template = (
        "{{ count * 2 }} {% if nothing is none %}none{% else %}some{% endif %} {{ 'many' if count > 2 else 'few' }}"
    )
    assert render(template, VALUES) == "6 none many"


def test_name_without_value_is_an_error_that_names_it() -> None:
    with pytest.raises(BadTemplate, match="custmer"):
        render("{{ custmer }}", VALUES)


def test_default_stands_in_for_null_and_for_a_missing_name() -> None:
    assert render("{{ nothing | default('n/a') }} {{ missing | default('?') }}", VALUES) == "n/a ?"


def test_unknown_filter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadTemplate, match=r"there is no filter 'mony'.*money"):
        variables("{{ amount | mony }}")


def test_line_of_an_error_is_told() -> None:
    with pytest.raises(BadTemplate) as error:
        variables("one\ntwo {{ a.b }}")
    assert error.value.line == 2


def test_variables_are_the_names_that_are_needed() -> None:
    assert variables("{{ a }} {% if b %}{{ c | money(d) }}{% endif %}") == {"a", "b", "c", "d"}


def test_result_is_bounded() -> None:
    assert len(render("{{ name }}", {"name": "x" * 99_999})) == LONGEST_RESULT


def test_template_is_bounded() -> None:
    with pytest.raises(BadTemplate, match="5000 characters"):
        variables("x" * 5_000)


def test_link_keeps_values_in_their_place() -> None:
    values = {"id": "t1?admin=1#/../x y&z", "url": "https://shop.example/o/1?a=b", "bad": "javascript:alert(1)"}
    assert render_link("https://x.example/t/{{ id }}", values) == (
        "https://x.example/t/t1%3Fadmin%3D1%23%2F..%2Fx%20y%26z"
    )
    assert render_link("{{ url }}", values) == values["url"]
    assert render_link("{{ bad }}", values) == ""


@pytest.mark.parametrize(
    ("value", "words_for_it"),
    [
        (15000, "$15,000"), (Decimal("15000.50"), "$15,000.50"), (-3, "-$3"), (None, "–"), ("n/a", "n/a"),
        (float("nan"), "nan"), (Decimal("1E+40"), "$1.000e+40"), (Decimal("1E+1000000"), "1E+1000000"), (0, "$0"),
    ],
)  # fmt: skip
def test_money(value: object, words_for_it: str) -> None:
    assert words.money(value) == words_for_it


def test_money_of_other_currencies() -> None:
    assert [words.money(1234.5, unit) for unit in ("EUR", "JPY", "CHF")] == ["€1,234.50", "¥1,234", "CHF 1,234.50"]


@pytest.mark.parametrize(
    ("value", "words_for_it"),
    [
        (timedelta(hours=3, minutes=20), "3 h 20 min"), (59, "59 s"), (60, "1 min"), (0, "0 min"), (90061, "1 d 1 h"),
        (86400, "1 d"), (86460, "1 d"), (-3600, "-1 h"), (3601, "1 h"), (None, "–"), ("soon", "soon"),
    ],
)  # fmt: skip
def test_duration(value: object, words_for_it: str) -> None:
    assert words.duration(value) == words_for_it


def test_deviance_in_words() -> None:
    assert words.deviance(Decimal("1.50")) == "1.5 × the limit"
    assert words.deviance(12000, "difference", "above", "duration") == "3 h 20 min late"
    assert words.deviance(timedelta(minutes=5), "difference") == "5 min late"
    assert words.deviance(120, "difference", "above", "USD") == "$120 over the limit"
    assert words.deviance(-4, "difference", "below", "pallets") == "4 pallets under the limit"
    assert words.deviance(None) == ""


def test_dates_and_numbers() -> None:
    assert words.day_and_time("2026-01-05T04:22:00+00:00") == "5 January 2026, 04:22 UTC"
    assert words.day_and_time("2026-01-05T05:22:00+01:00") == "5 January 2026, 04:22 UTC"
    assert words.plain(date(2026, 1, 5)) == "5 January 2026"
    assert words.percent(Decimal("0.125")) == "12.5 %"
    assert [words.number(n) for n in (1234567.5, 0.000123456, 3, Decimal("2.50"), True)] == [
        "1,234,567.5", "0.00012", "3", "2.5", "yes",
    ]  # fmt: skip
