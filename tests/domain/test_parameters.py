"""Values of parameters: finite, typed, in bounds on every path; what is refused is refused as it was written."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerting_pipeline.domain.parameters import Parameter, list_items
from alerting_pipeline.domain.written import Plain, duration, duration_text, number

HOSTILE = [
    "NaN", "nan", "Infinity", "-inf", ".inf", "1e400", "1E5", "0x10", "0b1", "1_000", "010", "00", "+1", "1.", ".5",
    "1,000", " 1", "1 ", "1\n", "--1", "-", "", "٣", "１", "1/2", "true", "yes", "null", "1;drop table x", "9" * 40,
]  # fmt: skip


@pytest.mark.parametrize("written", HOSTILE)
def test_a_hostile_number_is_refused_by_every_path(written: str) -> None:
    limit = Parameter(default=1)
    for value in (written, Plain(written)):
        with pytest.raises(ValueError, match="is not a plain decimal number; write digits only"):
            limit.read(value)
    with pytest.raises(ValidationError):
        Parameter(default=Plain(written))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity"), True, None, [1], {}]
)
def test_a_python_value_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a"):
        Parameter(default=1).read(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
def test_every_plain_decimal_is_read_exactly_and_written_back(value: Decimal) -> None:
    written = format(value, "f")
    assert number(written) == value
    assert Decimal(Parameter.write(number(written))) == value


@given(st.text(max_size=20))
def test_a_number_is_read_exactly_or_refused_in_a_sentence(text: str) -> None:
    try:
        value = number(text)
    except ValueError as error:
        assert "; write digits only" in str(error)
    else:
        assert value.is_finite()
        assert format(value, "f") == text


@given(st.integers(min_value=0, max_value=10**8))
def test_a_duration_survives_being_written(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert duration(duration_text(length)) == length


@pytest.mark.parametrize(
    "written", ["", "5", "-1h", "1 h", "1y", "h", "1.5h", "1h30", "90d12h ", "٣h", "999999w", "soon"]
)
def test_a_hostile_duration_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration|longer than ten years"):
        duration(Plain(written))


def test_bounds_hold_for_every_value() -> None:
    limit = Parameter(default=10, minimum=1, maximum=100)
    assert limit.read("100") == 100
    with pytest.raises(ValueError, match=r"value 100\.01 is over the maximum of 100; write a value within the bounds"):
        limit.read("100.01")
    with pytest.raises(ValueError, match="value 0 is under the minimum of 1"):
        limit.read(0)
    with pytest.raises(ValidationError, match=r"values\.premium 101 is over the maximum"):
        Parameter(default=10, maximum=100, by="segment", values={"premium": 101})


def test_bounds_of_durations_are_durations() -> None:
    grace = Parameter(type="duration", default="1h", minimum="0m", maximum="3d")
    assert grace.read("72h") == timedelta(days=3)
    with pytest.raises(ValueError, match="value 3d1s is over the maximum of 3d"):
        grace.read("72h1s")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"default": 1, "minimum": 5, "maximum": 2}, "minimum 5 is greater than maximum 2; swap them"),
        ({"type": "text", "default": "a", "minimum": 1}, "minimum has no meaning for type text"),
        ({"type": "choice", "default": "a"}, "needs choices"),
        ({"type": "choice", "default": "c", "choices": ["a", "b"]}, '"c" is not one of a, b'),
        ({"default": 1, "choices": ["a"]}, "choices belong to a parameter of type choice"),
        ({"default": 1, "values": {"a": 2}}, "values per segment need by"),
        ({"default": None}, "default has no value"),
        ({"type": "boolean", "default": "yes"}, "is not a boolean; write true or false"),
        ({"type": "integer", "default": "1.5"}, "is not a whole number"),
        ({"type": "text", "default": "a\0b"}, "control character"),
        ({"type": "text", "default": "a" * 501}, "longer than 500 characters"),
    ],
)
def test_a_parameter_that_contradicts_itself_is_refused(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Parameter.model_validate(values)


@pytest.mark.parametrize(
    "values",
    [
        {"default": "1.50"},
        {"type": "integer", "default": 3, "minimum": 1},
        {"type": "duration", "default": "1h30m", "by": "region", "values": {"north": "2h"}},
        {"type": "boolean", "default": True},
        {"type": "list", "default": ["a", 'with "quotes", and \\']},
        {"type": "choice", "default": "a", "choices": ["a", "b"]},
    ],
)
def test_a_parameter_survives_the_ledger(values: dict[str, object]) -> None:
    parameter = Parameter.model_validate(values)
    assert Parameter.model_validate(parameter.model_dump(mode="json")) == parameter


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20), min_size=1, max_size=5))
def test_a_list_survives_being_stored(items: list[str]) -> None:
    parameter = Parameter.model_validate({"type": "list", "default": items})
    assert list_items(Parameter.write(parameter.default)) == parameter.default


def test_a_list_is_read_as_postgres_writes_it() -> None:
    assert list_items(r'{p,"q,\"x\\",""}') == ("p", 'q,"x\\', "")
