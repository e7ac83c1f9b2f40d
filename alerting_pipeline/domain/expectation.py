"""One expectation of Great Expectations as a definition states it: its name, and its arguments with their types.

What names and arguments there are stands in a table (expectation_arguments.py), against which `alerting validate`
checks them (expectation_check.py): importing Great Expectations takes five to fourteen seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from alerting_pipeline.domain.expectation_arguments import ALL
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.written import NUMBER_PATTERN, Plain, is_null

COLUMN_ARGUMENTS = ("column", "column_A", "column_B")
COLUMN_LISTS = ("column_list", "column_set")
_OF_TABLE = ("expect_table_", "expect_column_to_exist", "expect_column_type_to_be")


def _expectation(value: Any) -> dict[str, dict[str, Any]]:
    """One name with its arguments; unquoted numbers and booleans become such, quoted ones stay texts."""
    if not isinstance(value, Mapping) or len(value) != 1:
        raise Mistake("AP208", "each expectation is one name with its arguments: {expect_column_…: {column: name}}")
    (name, arguments), *_ = value.items()
    if is_null(arguments):
        arguments = {}
    if not str(name).startswith("expect_") or not isinstance(arguments, Mapping):
        raise Mistake("AP208", "each expectation is one name with its arguments: {expect_column_…: {column: name}}")
    return {str(name): {str(key): _typed(item) for key, item in arguments.items()}}


def _typed(value: Any) -> Any:
    if is_null(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _typed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_typed(item) for item in value]
    if not isinstance(value, Plain):
        return value
    if value in ("true", "false"):
        return value == "true"
    if re.fullmatch(NUMBER_PATTERN, value):
        return float(value) if "." in value else int(value)
    return str(value)


Expectation = Annotated[
    dict[str, dict[str, Any]],
    BeforeValidator(_expectation),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {
                name: {
                    "type": ["object", "null"],
                    "properties": {argument: {} for argument in sorted(arguments)},
                    "additionalProperties": False,
                }
                for name, arguments in ALL.items()
            },
        }
    ),
]


def label(expectation: Mapping[str, Mapping[str, Any]]) -> str:
    """The name, with the columns that it is about: `expect_column_values_to_be_unique(order_id)`."""
    ((name, arguments),) = expectation.items()
    columns = [str(column) for _, column in columns_of(arguments)]
    return f"{name}({', '.join(columns)})" if columns else name


def is_of_table(expectation: Mapping[str, Any]) -> bool:
    """Does it speak of the table itself, so that it can be judged over a model without rows?"""
    return next(iter(expectation)).startswith(_OF_TABLE)


def columns_of(arguments: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The columns that arguments name, each with the way to it."""
    for key in COLUMN_ARGUMENTS:
        if key in arguments:
            yield (key,), arguments[key]
    for key in COLUMN_LISTS:
        listed = arguments.get(key)
        for index, column in enumerate(listed if isinstance(listed, list) else ()):
            yield (key, index), column
