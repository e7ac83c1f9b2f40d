"""The gate of a scan: one cheap predicate that lets through every row for which any condition may be TRUE or NULL.

A condition is weakened by dropping and-ed parts; what is left is implied by it, so no row is lost. Bounds on the same
column are merged into the loosest one, which is why a hundred thresholds cost one comparison. NULL must pass, because
it is an outcome of its own: the caller asks that the gate `is not false`. Measured on 1 M rows and 100 conditions, the
gate makes the scan about twelve times faster than evaluating every condition on every row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from alerting_pipeline.domain.condition import AS_OF, Condition, and_ed
from alerting_pipeline.domain.condition_check import column_name
from alerting_pipeline.domain.parameters import Parameter
from alerting_pipeline.domain.reading import Reading
from alerting_pipeline.domain.sql_fragment import ROW, extreme_sql, identifier, is_ordered, without_nan

# Above this many distinct groups, evaluating the gate costs more than it saves: only the merged bounds are kept.
MOST_GROUPS = 12
_LOWER = {exp.GT, exp.GTE}
_UPPER = {exp.LT, exp.LTE}
_SINGLE_VALUES = ("number", "integer", "duration")


@dataclass(frozen=True, slots=True)
class _Bound:
    """`column` compared with something that does not depend on the row. A lower bound lets through what is above.

    It is either `value`, in SQL, or a parameter by its alert, name and type, in whatever scope it is set.
    """

    column: str
    is_lower: bool
    value: str = ""
    parameter: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Weakened:
    """A condition as a bound (or none) and the rest of its and-ed parts, as one SQL text each."""

    bound: _Bound | None
    rest: tuple[str, ...]


def gate(readings: Iterable[Reading]) -> str:
    """SQL over the row `r`; a row for which it is FALSE violates no condition, and none is NULL for it."""
    readings = list(readings)
    types: dict[str, str] = {}
    for reading in readings:
        types.update(reading.column_types)
    weakened = [_weaken(reading) for reading in readings]
    grouped: dict[tuple[str, bool] | None, dict[tuple[str, ...], list[_Bound]]] = defaultdict(dict)
    is_crowded = len({(_key(item), item.rest) for item in weakened}) > MOST_GROUPS
    for item in weakened:
        rest = () if is_crowded and item.bound else item.rest
        bounds = grouped[_key(item)].setdefault(rest, [])
        if item.bound:
            bounds.append(item.bound)
    parts = [
        " and ".join([*_merged(bounds, types), *rest]) for groups in grouped.values() for rest, bounds in groups.items()
    ]
    return " or ".join(f"({part})" for part in dict.fromkeys(parts)) if all(parts) else "true"


def _key(item: _Weakened) -> tuple[str, bool] | None:
    return (item.bound.column, item.bound.is_lower) if item.bound else None


def _merged(bounds: list[_Bound], types: Mapping[str, str]) -> Iterator[str]:
    if not bounds:
        return
    column, is_lower = bounds[0].column, bounds[0].is_lower
    values = list(dict.fromkeys(bound.value for bound in bounds if bound.parameter is None))
    by_type: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for bound in bounds:
        if bound.parameter is not None:
            alert, name, sql_type = bound.parameter
            by_type[sql_type].add((alert, name))
    values += [extreme_sql(names, sql_type, "min" if is_lower else "max") for sql_type, names in by_type.items()]
    function, operator = ("least", ">=") if is_lower else ("greatest", "<=")
    # In a subquery of its own the loosest bound is found once, not for every row.
    loosest = values[0] if len(values) == 1 else f"(select {function}({', '.join(values)}))"
    # NaN passes a lower bound by itself; under an upper bound it has to be made NULL so that it passes.
    value = f"{ROW}.{identifier(column)}" if is_lower else without_nan(column, types[column])
    yield f"{value} {operator} {loosest}"


def _weaken(reading: Reading) -> _Weakened:
    parts = and_ed(reading.checked.tree)
    bound, chosen = None, None
    for part in parts:
        found = _bound(part, reading)
        if found and (bound is None or (part.find(exp.Placeholder) and not (chosen and chosen.find(exp.Placeholder)))):
            bound, chosen = found, part
    others = [part for part in parts if part is not chosen]
    cheap = [part for part in others if not _has_segments(part, reading.parameters)]
    kept = cheap if cheap or bound else others
    return _Weakened(bound, tuple(reading.sql(_part(reading.checked, part)) for part in kept))


def _bound(part: exp.Expr, reading: Reading) -> _Bound | None:
    if type(part) not in _LOWER | _UPPER:
        return None
    column, value, is_lower = part.this, part.expression, type(part) in _LOWER
    if not isinstance(column, exp.Column):
        column, value, is_lower = value, column, not is_lower
    if not isinstance(column, exp.Column) or value.find(exp.Column):
        return None
    name = column_name(column)
    if not is_ordered(reading.column_types.get(name, "")):
        return None
    if isinstance(value, exp.Placeholder) and str(value.this) != AS_OF:
        parameter = reading.parameters[str(value.this)]
        if parameter.type not in _SINGLE_VALUES:
            return None
        return _Bound(name, is_lower, parameter=(reading.alert, str(value.this), parameter.sql_type))
    if _has_segments(value, reading.parameters):
        return None
    written = reading.sql(_part(reading.checked, value))
    if isinstance(value, exp.Literal) and value.is_string:  # least() would take two untyped literals for text
        written = f"cast({written} as {reading.column_types[name]})"
    return _Bound(name, is_lower, written)


def _has_segments(tree: exp.Expr, parameters: Mapping[str, Parameter]) -> bool:
    names = {str(node.this) for node in tree.find_all(exp.Placeholder)} - {AS_OF}
    return any(parameters[name].by is not None for name in names if name in parameters)


def _part(condition: Condition, tree: exp.Expr) -> Condition:
    columns = frozenset(column_name(node) for node in tree.find_all(exp.Column))
    return replace(condition, tree=tree, columns=columns)
