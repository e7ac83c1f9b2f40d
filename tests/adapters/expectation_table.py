"""Writes domain/expectation_arguments.py from Great Expectations' own classes: after an update of it, run

python -m tests.adapters.expectation_table > alerting_pipeline/domain/expectation_arguments.py
"""

from __future__ import annotations

import datetime
import typing
from collections.abc import Iterator
from typing import Any

# What every expectation has and a definition doesn't say: identity, bookkeeping, and what the runner decides.
HANDLED_BY_US = frozenset(
    {
        "batch_id", "catch_exceptions", "description", "id", "library_metadata", "meta", "notes", "rendered_content",
        "result_format", "severity", "windows",
    }
)  # fmt: skip
# They compare with other tables or run SQL of their own; that is what dbt tests and alert definitions are for.
LEFT_OUT = frozenset({"expect_query_results_to_match_comparison", "expect_table_row_count_to_equal_other_table"})
# A map may stand for every argument there: it names a parameter of a suite, and a definition has no suite.
_MAPS = frozenset({"json_schema", "partition_object", "quantile_ranges"})
# What their validators demand beyond the types that they state.
_DEMANDED = {"row_condition": "text", "escape": "sign", "multiplier": "positive"}
_COUNTS_ROWS = "expect_table_row_count_to_be_between"

Arguments = dict[str, str]
"""Argument → the kinds of values that it takes, such as `number,time`."""


def table() -> dict[str, tuple[Arguments, Arguments]]:
    """Per expectation: the arguments that it needs, and those that it takes beside them."""
    import great_expectations.expectations as expectations

    found = {}
    for class_name in sorted(dir(expectations)):
        kind: Any = getattr(expectations, class_name)
        name = getattr(kind, "expectation_type", "") if class_name.startswith("Expect") else ""
        if not name.startswith("expect_") or name in LEFT_OUT:
            continue
        fields = {key: field for key, field in kind.__fields__.items() if key not in HANDLED_BY_US}
        kinds = {key: _kinds(name, key, fields[key].outer_type_) for key in sorted(fields)}
        needed = {key: each for key, each in kinds.items() if fields[key].required}
        found[name] = (needed, {key: each for key, each in kinds.items() if key not in needed})
    return found


def _kinds(name: str, key: str, annotation: Any) -> str:
    if key in _MAPS:
        return "map"
    if key in _DEMANDED:
        return _DEMANDED[key]
    if name == _COUNTS_ROWS and key.endswith("_value"):
        return "count"
    kinds = ",".join(dict.fromkeys(_flat(annotation)))
    return "columns" if key == "column_list" and kinds == "texts" else kinds


def _flat(annotation: Any) -> Iterator[str]:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        yield from _flat(parts[0])
    elif origin is typing.Union:
        for part in parts:
            yield from _flat(part)
    elif origin is typing.Literal:
        yield "/".join(parts)
    elif origin is not None or annotation in (list, set, typing.List):  # noqa: UP006  # as the library writes it
        items = [part for part in parts if not isinstance(part, typing.TypeVar)]
        yield "pairs" if items and typing.get_origin(items[0]) is tuple else "texts" if items else "list"
    elif annotation not in (dict, type(None)):
        yield _scalar(annotation)


def _scalar(annotation: Any) -> str:
    if issubclass(annotation, bool):
        return "truth"
    if issubclass(annotation, float):
        least, most = getattr(annotation, "ge", None), getattr(annotation, "le", None)
        return "share" if (least, most) == (0, 1) else "number"
    if issubclass(annotation, int):
        return "whole"
    return "time" if issubclass(annotation, datetime.date) else "text"


def module_text() -> str:
    """The module's source."""
    import great_expectations

    lines = [
        f'"""The expectations of Great Expectations {great_expectations.__version__} and what each takes.',
        "",
        "Written by `python -m tests.adapters.expectation_table`; a test holds it against the installed version.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "# name: arguments that it needs | arguments that it takes beside them, each with the kinds of its values",
        '_WRITTEN = """',
    ]
    for name, (needed, beside) in table().items():
        sides = (" ".join(f"{key}={kinds}" for key, kinds in side.items()) for side in (needed, beside))
        lines.append(" ".join(f"{name}: {' | '.join(sides)}".split()))
    lines += [
        '"""  # noqa: E501  # one expectation a line',
        "",
        "",
        "def _read(side: str) -> dict[str, str]:",
        '    return {key: kinds for key, _, kinds in (each.partition("=") for each in side.split())}',
        "",
        "",
        '_PARTS = [line.replace(":", "|", 1).split("|") for line in _WRITTEN.strip().splitlines()]',
        "REQUIRED = {name: _read(needed) for name, needed, _ in _PARTS}",
        "ALL = {name: _read(needed) | _read(beside) for name, needed, beside in _PARTS}",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(module_text(), end="")
