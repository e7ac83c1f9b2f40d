"""Comparisons that Postgres would refuse for their types, found before it is asked.

Only what can be told for certain: a column, a parameter or a literal against another one, whose kinds are known and
differ. Anything computed is left to the database, where the error would be an evaluation's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from sqlglot import exp

from alerting_pipeline.domain.condition import AS_OF, Condition
from alerting_pipeline.domain.condition_check import SqlProblem, column_name
from alerting_pipeline.domain.parameters import Parameter

_KINDS = {
    "number": ("numeric", "decimal", "integer", "int", "bigint", "smallint", "double precision", "real", "float"),
    "text": ("text", "varchar", "character varying", "char", "character"),
    "boolean": ("boolean", "bool"),
    "time": ("date", "timestamp", "timestamptz", "timestamp with time zone", "timestamp without time zone"),
    "duration": ("interval",),
}
_KIND_OF_TYPE = {name: kind for kind, names in _KINDS.items() for name in names}
_KIND_OF_PARAMETER = {
    "number": "number", "integer": "number", "duration": "duration", "text": "text", "choice": "text",
    "boolean": "boolean", "list": "list",
}  # fmt: skip
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)\s*", re.ASCII)


def type_problems(
    condition: Condition, columns: Mapping[str, str], parameters: Mapping[str, Parameter]
) -> Iterator[SqlProblem]:
    """One problem for each pair of compared values that can't be compared; `columns` maps names to types."""
    for node in condition.tree.walk():
        for left, right in _pairs(node):
            kinds = [_kind(side, columns, parameters) for side in (left, right)]
            if None in kinds or kinds[0] == kinds[1]:
                continue
            if any(_is_text_that_may_be(side, kind) for side, kind in ((left, kinds[1]), (right, kinds[0]))):
                continue
            what = f"{_shown(left)} is a {kinds[0]} and {_shown(right)} is a {kinds[1]}"
            yield SqlProblem(_offset(condition.text, left, right), what, "compare values of one kind", code="AP306")


def kind_of_type(written: str) -> str | None:
    """number, text, boolean, time or duration for a type as dbt or Postgres writes it; None: not known."""
    return _KIND_OF_TYPE.get(" ".join(re.sub(r"\(.*?\)", "", written.lower()).split()))


def _pairs(node: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    if isinstance(node, _COMPARED):
        yield node.this, node.expression
    elif isinstance(node, exp.Between):
        yield node.this, node.args["low"]
        yield node.this, node.args["high"]
    elif isinstance(node, exp.In):
        yield from ((node.this, item) for item in node.expressions)
    elif isinstance(node, exp.Coalesce | exp.Greatest | exp.Least):
        yield from pairwise([node.this, *node.expressions])


def _kind(node: exp.Expr, columns: Mapping[str, str], parameters: Mapping[str, Parameter]) -> str | None:
    node = node.unnest()
    if isinstance(node, exp.Neg):
        node = node.this
    if isinstance(node, exp.Column):
        return kind_of_type(columns.get(column_name(node), ""))
    if isinstance(node, exp.Placeholder):
        name = str(node.this)
        return "time" if name == AS_OF else _KIND_OF_PARAMETER[parameters[name].type] if name in parameters else None
    if isinstance(node, exp.Literal):
        return "text" if node.is_string else "number"
    if isinstance(node, exp.Boolean):
        return "boolean"
    return "duration" if isinstance(node, exp.Interval) else None


def _is_text_that_may_be(node: exp.Expr, kind: str | None) -> bool:
    """A quoted literal takes the type of what it is compared with, if it reads as one."""
    node = node.unnest()
    if not isinstance(node, exp.Literal) or not node.is_string:
        return False
    return kind != "number" or _NUMBER.fullmatch(str(node.this)) is not None


def _shown(node: exp.Expr) -> str:
    node = node.unnest()
    if isinstance(node, exp.Column):
        return column_name(node)
    if isinstance(node, exp.Placeholder):
        return f":{node.this}"
    return node.sql(dialect="postgres")


def _offset(text: str, left: exp.Expr, right: exp.Expr) -> int:
    """Where the left side stands before the right one."""
    pattern = rf"(?<!\w){re.escape(_shown(left))}(?!\w).*?{re.escape(_shown(right))}"
    match = re.search(pattern, text, re.IGNORECASE | re.DOTALL)
    return match.start() if match else max(text.lower().find(_shown(left).lower()), 0)
