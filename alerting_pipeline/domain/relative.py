"""A relative threshold: a parameter whose value is taken of what dbt computed for the row, such as six times its usual.

The value that people set stays small and comparable (a multiple, a number of deviations, a quantile); the threshold of
a row comes of it and of the row's own columns. It is put into the condition's tree, so that the gate, the scan, the
deviance, the severity, cases, backtests and previews all see the same. Where it can't be told (a baseline that is NULL
or NaN, a spread of zero) it is NULL, so the condition is NULL: the row is counted and what is open is held, never fired
and never cleared. A baseline of zero is a number as any other: everything above it is over any share of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator
from sqlglot import exp

from alerting_pipeline.domain.condition import Condition
from alerting_pipeline.domain.problem import Mistake
from alerting_pipeline.domain.written import Strict, Text, number

NORMAL = Decimal("1.4826")
"""1 / Φ⁻¹(3/4): times the MAD it estimates the standard deviation of a normal distribution. Rousseeuw and Croux (1993),
Alternatives to the Median Absolute Deviation, Journal of the American Statistical Association 88 (424), 1273-1283."""

AS_SET = "_as_set"
"""`{{ limit }}` is the threshold of the row; with this behind its name it is the value that people set."""


class Relative(Strict):
    """What a value is relative to. The columns are the row's own, computed in dbt."""

    as_: Literal["share", "robust_z", "quantile"] = Field(
        default="share",
        alias="as",
        description="share: value times `to`; robust_z: `median` + value times 1.4826 times `mad`; quantile: the one "
        "of `columns` that the value names.",
    )
    to: Text | None = Field(default=None, description="For a share: the column with the baseline, such as median_28d.")
    median: Text | None = Field(default=None, description="For robust_z: the column with the median.")
    mad: Text | None = Field(
        default=None, description="For robust_z: the column with the median absolute deviation; zero gives NULL."
    )
    columns: dict[Text, Text] = Field(
        default_factory=dict, description='For quantile: {"0.95": p95_28d, "0.99": p99_28d}, a column for each value.'
    )

    @model_validator(mode="after")
    def _fits_its_form(self) -> Relative:
        needed = {"share": ("to",), "robust_z": ("median", "mad"), "quantile": ("columns",)}[self.as_]
        for key in ("to", "median", "mad", "columns"):
            if key in needed and not getattr(self, key):
                raise Mistake("AP103", f"relative as {self.as_} needs {key}; name what dbt computed for the row")
            if key not in needed and getattr(self, key):
                raise Mistake("AP112", f"relative as {self.as_} has no {key}; remove it, or write another `as`")
        quantiles = self.quantiles
        if len(set(quantiles)) != len(quantiles):
            raise Mistake("AP113", "relative.columns names a quantile twice; keep one of them")
        for each in quantiles:
            if not 0 < each < 1:
                raise Mistake("AP107", f'relative.columns names the quantile "{each}"; write one between 0 and 1')
        return self

    @property
    def quantiles(self) -> tuple[Decimal, ...]:
        """The values that there are, where they are quantiles."""
        try:
            return tuple(number(each) for each in self.columns)
        except Mistake as problem:
            raise Mistake(problem.code, f"relative.columns: {problem}") from None

    @property
    def reads(self) -> dict[tuple[str, ...], str]:
        """The columns of the row that it reads, by the keys that name them."""
        single = {(key,): name for key in ("to", "median", "mad") if (name := getattr(self, key)) is not None}
        return single | {("columns", key): name for key, name in self.columns.items()}

    @property
    def described(self) -> str:
        """In a few words, of which the value is the first."""
        if self.as_ == "share":
            return f"times {self.to}"
        if self.as_ == "robust_z":
            return f"times {NORMAL} {self.mad} above {self.median}"
        return f"quantile: {', '.join(self.columns.values())}"

    def refusal(self, value: Decimal) -> str | None:
        """Why a value can't be of this form, as the end of a sentence; None: it can."""
        if self.as_ == "share" and value < 0:
            return f"is under 0, and is a share of {self.to}; write 0 or more"
        if self.as_ == "quantile" and value not in self.quantiles:
            return f"is not a quantile that dbt computed; write {' or '.join(str(each) for each in self.columns)}"
        return None

    def threshold(self, value: exp.Expr) -> exp.Expr:
        """The threshold of a row, closed in itself, as a tree of its columns and of the value."""
        if self.as_ == "share":
            return exp.paren(exp.Mul(this=value, expression=_column(self.to)))
        if self.as_ == "robust_z":
            spread = exp.Case(
                ifs=[exp.If(this=exp.GT(this=_column(self.mad), expression=_literal(0)), true=_column(self.mad))]
            )
            deviations = exp.Mul(this=exp.Mul(this=value, expression=_literal(NORMAL)), expression=spread)
            return exp.paren(exp.Add(this=_column(self.median), expression=deviations))
        whens = [
            exp.If(this=_literal(quantile), true=_column(column))
            for quantile, column in zip(self.quantiles, self.columns.values(), strict=True)
        ]
        return exp.Case(this=value, ifs=whens)


def expanded(condition: Condition, relatives: Mapping[str, Relative | None]) -> Condition:
    """The condition with the threshold of the row in place of each parameter that is relative."""
    forms = {name: form for name in condition.parameters if (form := relatives.get(name)) is not None}
    if not forms:
        return condition

    def put_in(node: exp.Expr) -> exp.Expr:
        form = forms.get(str(node.this)) if isinstance(node, exp.Placeholder) else None
        return node if form is None else form.threshold(node.copy())

    read = {column for form in forms.values() for column in form.reads.values()}
    tree = condition.tree.copy().transform(put_in, copy=False)
    return replace(condition, tree=tree, columns=condition.columns | read)


def threshold_of(name: str, form: Relative) -> Condition:
    """The threshold alone, to be rendered as a condition is."""
    tree = form.threshold(exp.Placeholder(this=name))
    return Condition(f":{name}", tree, frozenset(form.reads.values()), frozenset({name}), uses_as_of=False)


def _column(name: str | None) -> exp.Column:
    return exp.column(name or "", quoted=True)


def _literal(value: Decimal | int) -> exp.Expr:
    return exp.Literal.number(str(value))
