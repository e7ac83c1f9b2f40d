"""Can an expectation be judged: its name, its arguments and their values against what Great Expectations takes.

Only the table of names and arguments is read, never Great Expectations itself; tests hold what is said here against the
installed version, and against Postgres.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from alerting_pipeline.domain.condition_types import kind_of_type
from alerting_pipeline.domain.expectation_arguments import ALL, REQUIRED
from alerting_pipeline.domain.nearest import did_you_mean
from alerting_pipeline.domain.problem import Finding

CODE = "AP208"
NOT_ON_POSTGRES = frozenset(
    {
        "expect_column_values_to_be_dateutil_parseable",
        "expect_column_values_to_be_decreasing",
        "expect_column_values_to_be_increasing",
        "expect_column_values_to_be_json_parseable",
        "expect_column_values_to_match_json_schema",
        "expect_column_values_to_match_strftime_format",
    }
)
"""Great Expectations has them for other engines alone."""
_SAYS_NOTHING_WITHOUT = {
    "expect_column_kl_divergence_to_be_less_than": ("partition_object",),
    "expect_column_values_to_be_in_type_list": ("type_list",),
    "expect_column_values_to_match_regex": ("regex",),
    "expect_column_values_to_match_regex_list": ("regex_list",),
    "expect_table_columns_to_match_ordered_list": ("column_list",),
    "expect_table_columns_to_match_set": ("column_set",),
}
"""Arguments that Great Expectations lets one leave out, although nothing is expected then, or it fails."""
_BOUNDS = ("min_value", "max_value")
_OF_TEXTS = ("_lengths_", "_regex", "_like_pattern")
_OF_NUMBERS = ("_mean_", "_sum_to_be", "_stdev_", "_z_scores_", "_outliers")
_KINDS = {
    "text": "a text",
    "number": "a number",
    "share": "a number from 0 to 1",
    "positive": "a number above 0",
    "whole": "a whole number",
    "count": "a whole number, 0 or more",
    "sign": "one character",
    "truth": "true or false",
    "time": "a date or time",
    "list": "a list of values",
    "texts": "a list of texts",
    "columns": "a list of two columns or more",
    "pairs": "a list of pairs",
    "map": "a map",
}

Way = tuple[str | int, ...]


def check_expectation(
    at: Way, expectation: Mapping[str, Mapping[str, Any]], columns: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """What is wrong with one expectation; `columns` are those of its model with their types, where they are known."""
    ((name, arguments),) = expectation.items()
    known = ALL.get(name)
    if known is None:
        remedy = did_you_mean(name, ALL) or "the page of Great Expectations' gallery lists them"
        yield Finding((*at, name), f'"{name}" is not an expectation of Great Expectations', remedy, code=CODE)
        return
    if name in NOT_ON_POSTGRES:
        remedy = "write a dbt test, or an alert whose condition says it"
        yield Finding((*at, name), f"Great Expectations can't judge {name} on Postgres", remedy, code=CODE)
        return
    for argument, value in arguments.items():
        if argument not in known:
            remedy = did_you_mean(argument, known) or f"it takes {', '.join(sorted(known))}"
            yield Finding((*at, name, argument), f'{name} takes no "{argument}"', remedy, code=CODE)
        elif value is not None and not any(_is(kind, value) for kind in known[argument].split(",")):
            wanted = " or ".join(_said(kind) for kind in known[argument].split(","))
            what = f"{argument} of {name} is {wanted}, not {_shown(value)}"
            yield Finding((*at, name, argument), what, "correct it", code=CODE)
    yield from _check_missing(at, name, {key for key, value in arguments.items() if value is not None})
    yield from _check_kind(at, name, arguments.get("column"), columns or {})


def _check_missing(at: Way, name: str, stated: set[str]) -> Iterator[Finding]:
    needed = {*REQUIRED[name], *_SAYS_NOTHING_WITHOUT.get(name, ())}
    for argument in sorted(needed - stated):
        yield Finding((*at, name), f"{name} needs {argument}", f"add {argument}: …", code=CODE)
    if set(_BOUNDS) <= ALL[name].keys() and name.endswith("_between") and not stated & set(_BOUNDS):
        yield Finding((*at, name), f"{name} needs a bound", "add min_value: …, max_value: … or both", code=CODE)


def _check_kind(at: Way, name: str, column: Any, columns: Mapping[str, str]) -> Iterator[Finding]:
    """A column whose declared type can't be what the expectation is about; without one the evaluation says so."""
    wanted = "text" if any(part in name for part in _OF_TEXTS) else None
    wanted = "number" if any(part in name for part in _OF_NUMBERS) else wanted
    kind = kind_of_type(columns.get(column, "")) if isinstance(column, str) else None
    if wanted is not None and kind is not None and kind != wanted:
        what = f'column "{column}" is a {kind}, not a {wanted}'
        yield Finding((*at, name, "column"), what, f"name a column that holds a {wanted}", code="AP207")


def _is(kind: str, value: Any) -> bool:
    match kind:
        case "text":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "share":
            return _is("number", value) and 0 <= value <= 1
        case "positive":
            return _is("number", value) and value > 0
        case "whole":
            return isinstance(value, int) and not isinstance(value, bool)
        case "count":
            return _is("whole", value) and value >= 0
        case "sign":
            return isinstance(value, str) and len(value) == 1
        case "truth":
            return isinstance(value, bool)
        case "time":
            return _is_time(value)
        case "list":
            return isinstance(value, list) and bool(value)
        case "texts":
            return _is("list", value) and all(isinstance(item, str) for item in value)
        case "columns":
            return _is("texts", value) and len(value) > 1
        case "pairs":
            return _is("list", value) and all(isinstance(item, list) and len(item) == 2 for item in value)
        case "map":
            return isinstance(value, Mapping)
        case _:
            return value in kind.split("/")


def _is_time(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _said(kind: str) -> str:
    return _KINDS.get(kind) or " or ".join(kind.split("/"))


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value[:60]}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return "a map" if isinstance(value, Mapping) else "this list"
