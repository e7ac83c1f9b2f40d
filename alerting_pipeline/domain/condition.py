"""A condition: one SQL boolean expression over a model's columns, the parameters and :as_of, parsed once.

From the tree come the batch query, the query over history and the statement for live events; nobody splices text. The
text as written never reaches a database: `sql` renders the tree, with every column quoted and qualified and every
parameter replaced by what the caller says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from alerting_pipeline.domain.condition_check import (
    BadSql,
    SqlProblem,
    check,
    column_name,
    syntax_problem,
    within_limits,
)

__all__ = ["AS_OF", "BadSql", "Comparison", "Condition", "SqlProblem", "and_ed", "parse"]

AS_OF = "as_of"
_EXAMPLE = "write one boolean expression, such as amount > :review_limit"
_ELSEWHERE = (
    ("{{", "a condition is no template", "write :name for a parameter, and a column's name alone"),
    ("&&", "&& is not SQL's word", "write and"),
)
_FLIPPED = {exp.GT: "below", exp.GTE: "below", exp.LT: "above", exp.LTE: "above"}
_DIRECT = {exp.GT: "above", exp.GTE: "above", exp.LT: "below", exp.LTE: "below"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The one comparison of a column with a parameter, from which the deviance is derived."""

    column: str
    parameter: str
    direction: Literal["above", "below"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition. `columns` and `parameters` are what it uses; :as_of is told apart by `uses_as_of`."""

    text: str
    tree: exp.Expr = field(compare=False, repr=False)
    columns: frozenset[str]
    parameters: frozenset[str]
    uses_as_of: bool

    def sql(
        self,
        *,
        parameter: Callable[[str], str],
        as_of: str,
        qualifier: str | None = None,
        replace: Mapping[str, str] | None = None,
        dialect: str = "postgres",
    ) -> str:
        """The condition as SQL, in parentheses.

        `parameter` and `as_of` give SQL for `:name` and `:as_of`; a column becomes `qualifier."name"`, or what
        `replace` has for it (severity's `deviance` is such a one). What they give must be closed in itself, for it is
        put in as it is.
        """
        replacements = replace or {}

        def rendered(node: exp.Expr) -> exp.Expr:
            if isinstance(node, exp.Placeholder):
                name = str(node.this)
                return exp.var(as_of if name == AS_OF else parameter(name))
            if isinstance(node, exp.Column):
                name = column_name(node)
                if name in replacements:
                    return exp.var(replacements[name])
                return exp.column(name, table=qualifier, quoted=True)
            return node

        tree = self.tree.copy().transform(rendered, copy=False)
        return f"({tree.sql(dialect=dialect, comments=False)})"

    def comparison(self) -> Comparison | None:
        """The single inequality between a column and a parameter among the and-ed parts; None if not exactly one."""
        found = [match for part in and_ed(self.tree) if (match := _comparison(part))]
        return found[0] if len(found) == 1 else None


def parse(
    text: str, *, columns: Collection[str] | None, parameters: Collection[str], extra: Collection[str] = ()
) -> Condition:
    """Read and check one condition. `columns` None: the model is not known, so names are not checked.

    `extra` are names that stand for something else than a column of the model, such as `deviance`. Raises BadSql with
    every problem found, each with its character offset in `text`.
    """
    tree = _tree(text)
    names = None if columns is None else {*columns, *extra}
    problems = check(text, tree, columns=names, parameters={*parameters, AS_OF})
    if problems:
        raise BadSql(tuple(problems))
    placeholders = {str(node.this) for node in tree.find_all(exp.Placeholder)}
    return Condition(
        text=text,
        tree=tree,
        columns=frozenset(column_name(node) for node in tree.find_all(exp.Column)),
        parameters=frozenset(placeholders - {AS_OF}),
        uses_as_of=AS_OF in placeholders,
    )


def _tree(text: str) -> exp.Expr:
    within_limits(text)
    _refuse_other_languages(text)
    dialect = sqlglot.Dialect.get_or_raise("postgres")
    try:
        found = dialect.parse_into(exp.Condition, text)
    except (ParseError, TokenError) as error:
        raise BadSql((syntax_problem(text, error, _EXAMPLE),)) from None
    except (RecursionError, ValueError, AttributeError, TypeError, IndexError, KeyError):
        # sqlglot's own slips on odd input: for the author, it is SQL that cannot be read.
        raise BadSql(
            (SqlProblem(0, "this is not SQL that can be read", "write one boolean expression", code="AP304"),)
        ) from None
    if len(found) != 1 or not isinstance(found[0], exp.Expr):
        raise BadSql(
            (SqlProblem(0, "a condition is one expression", "write one boolean expression, without ;", code="AP304"),)
        )
    return found[0]


def _refuse_other_languages(text: str) -> None:
    """What is not SQL but reads as if it were would be misunderstood in several ways at once."""
    outside = re.sub(r"'[^']*'", lambda literal: " " * len(literal.group()), text)
    for sign, what, remedy in _ELSEWHERE:
        if (found := outside.find(sign)) >= 0:
            raise BadSql((SqlProblem(found, what, remedy, code="AP304"),))


def and_ed(tree: exp.Expr) -> list[exp.Expr]:
    """The and-ed parts, in the order written: an earlier part may guard a later one against an error."""
    parts, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Paren):
            waiting.append(node.this)
        elif isinstance(node, exp.And):
            waiting += [node.expression, node.this]
        else:
            parts.append(node)
    return parts


def _comparison(node: exp.Expr) -> Comparison | None:
    direct = _DIRECT.get(type(node))
    if direct is None:
        return None
    left, right = node.this, node.expression
    if isinstance(left, exp.Placeholder) and isinstance(right, exp.Column):
        left, right, direct = right, left, _FLIPPED[type(node)]
    if not isinstance(left, exp.Column) or not isinstance(right, exp.Placeholder) or str(right.this) == AS_OF:
        return None
    return Comparison(column_name(left), str(right.this), "above" if direct == "above" else "below")
