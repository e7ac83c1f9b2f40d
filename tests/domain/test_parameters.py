"""Values of parameters: finite, typed, in bounds on every path; what is refused is refused as it was written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
        ({"default": 1, "step": 0}, "step 0 is not above 0; write one such as 10, or remove it"),
        ({"default": 1, "step": "-1"}, "step -1 is not above 0"),
        ({"default": 1, "step": "1e3"}, "step .* is not a plain decimal number"),
        ({"type": "text", "default": "a", "step": 1}, "step has no meaning for type text; remove it"),
        ({"default": 1, "minimum": 1, "maximum": 2, "step": 5}, "step 5 is greater than all that lies between"),
        ({"default": 5, "minimum": 1, "step": 5}, "default 5 is off the step of 5; write 1 or 6"),
        ({"default": 1, "choices": ["a"]}, "choices belong to a parameter of type choice"),
        ({"default": 1, "values": {"a": 2}}, "values per segment need by"),
        ({"default": None}, "default has no value"),
        ({"type": "boolean", "default": "yes"}, "is not a boolean; write true or false"),
        ({"type": "integer", "default": "1.5"}, "is not a whole number"),
        ({"type": "list", "default": ["a", "a"]}, 'default has the entry "a" twice; keep one of them'),
        ({"type": "list", "default": [{"reason": "x"}]}, "default has an entry without a value; write {value: "),
        ({"type": "list", "default": [{"value": "a", "untill": "x"}]}, 'the key "untill".*did you mean "until"'),
        ({"type": "list", "default": [{"value": "a", "until": "2026-02-30"}]}, 'until "2026-02-30" is not a day'),
        ({"type": "list", "default": [{"value": "a", "until": "2026-02-01T05:00"}]}, "until .* is not an instant"),
        ({"type": "list", "default": [{"value": "a", "until": "0001-01-01T00:00:00+14:00"}]}, "until .* all time"),
        ({"type": "list", "default": [{"value": "a", "reason": "x\0y"}]}, "default contains a control char"),
        ({"type": "list", "default": [{"value": "a", "author": "x" * 501}]}, "default is longer than 500 characters"),
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
        {"default": "1.25", "minimum": "0.5", "step": "0.05"},
        {"type": "duration", "default": "1h", "step": "15m"},
        {"type": "duration", "default": "1h30m", "by": "region", "values": {"north": "2h"}},
        {"type": "boolean", "default": True},
        {"type": "list", "default": ["a", 'with "quotes", and \\']},
        {
            "type": "list",
            "default": ["a", {"value": "b", "until": "2026-03-01", "reason": "new door", "author": "ada"}],
        },
        {"type": "choice", "default": "a", "choices": ["a", "b"]},
    ],
)
def test_a_parameter_survives_the_ledger(values: dict[str, object]) -> None:
    parameter = Parameter.model_validate(values)
    assert Parameter.model_validate(parameter.model_dump(mode="json")) == parameter


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20), min_size=1, max_size=5, unique=True)
)
def test_a_list_survives_being_stored(items: list[str]) -> None:
    parameter = Parameter.model_validate({"type": "list", "default": items})
    assert list_items(Parameter.write(parameter.default)) == parameter.default


def test_a_list_is_read_as_postgres_writes_it() -> None:
    assert list_items(r'{p,"q,\"x\\",""}') == ("p", 'q,"x\\', "")


@pytest.mark.parametrize(
    ("values", "written", "answer"),
    [
        ({"default": 100, "minimum": 100, "step": 500}, "10200", "10100 or 10600"),
        ({"default": 0, "step": 500}, "10200", "10000 or 10500"),
        ({"default": 0, "step": 500}, "-1", "-500 or 0"),
        ({"default": 0, "step": "0.1"}, "0.25", "0.2 or 0.3"),
        ({"default": 100, "minimum": 100, "maximum": 1000, "step": 400}, "1000", "900"),
        ({"type": "integer", "default": 7, "minimum": 7, "step": 7}, "15", "14 or 21"),
        ({"type": "duration", "default": "1h", "step": "15m"}, "1h10m", "1h or 1h15m"),
    ],
)
def test_a_value_off_the_step_is_refused_with_the_two_nearest(
    values: dict[str, object], written: str, answer: str
) -> None:
    with pytest.raises(ValueError, match=rf"^value {written} is off the step of \S+; write {answer}$"):
        Parameter.model_validate(values).read(written)


def test_the_step_is_exact_however_long_the_number() -> None:
    limit = Parameter.model_validate({"default": 0, "step": "0.000000000000000001"})
    assert limit.read("9" * 30 + ".000000000000000007") == Decimal("9" * 30 + ".000000000000000007")
    thirds = Parameter.model_validate({"default": 0, "step": "0.1"})
    assert thirds.read("0.3") == Decimal("0.3")


@given(
    st.decimals(min_value=-1000, max_value=1000, places=3),
    st.decimals(min_value="0.001", max_value=50, places=3),
    st.none() | st.decimals(min_value=-900, max_value=0, places=3),
)
def test_the_nearest_value_could_be_set_and_none_is_nearer(
    value: Decimal, step: Decimal, minimum: Decimal | None
) -> None:
    limit = Parameter.model_validate(
        {"default": minimum or 0, "minimum": minimum, "maximum": (minimum or Decimal(0)) + 1500, "step": step}
    )
    found = limit.nearest(value)
    assert isinstance(found, Decimal) and limit.read(found) == found
    inside = value if minimum is None else max(value, minimum)
    assert abs(found - inside) <= step / 2 or inside > limit.maximum - step


def test_an_entry_of_a_list_ends_when_its_day_begins() -> None:
    known = Parameter.model_validate({"type": "list", "default": ["a", {"value": "b", "until": "2026-03-01"}]})
    assert known.default == ("a", "b")
    ends = datetime(2026, 3, 1, tzinfo=UTC)
    assert [entry.is_in(ends) for entry in known.entries] == [True, False]
    assert all(entry.is_in(ends - timedelta(microseconds=1)) for entry in known.entries)
