"""Which SQL may stand in a condition: an allow-list over sqlglot's tree. What isn't listed is refused.

The list holds what is a pure function of the row, the parameters and :as_of. Nothing that reads a clock, another
relation, a setting, a sequence or a file, nothing that can be made to run for long on one row (regular expressions,
power, repeat), and no cast to a type whose input function looks names up (regclass and its kin). The database role is
the second fence; neither is enough alone. Extending a list here is safe only for functions that Postgres marks
immutable, or stable in nothing but the time zone, which evaluation fixes.
"""

from __future__ import annotations

from sqlglot import exp

_LOGIC = (exp.And, exp.Or, exp.Not, exp.Paren, exp.Case, exp.If)
_COMPARISONS = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is, exp.Like, exp.ILike, exp.Escape,
    exp.NullSafeEQ, exp.NullSafeNEQ, exp.Tuple, exp.Any, exp.Array,
)  # fmt: skip
_VALUES = (exp.Column, exp.Identifier, exp.Placeholder, exp.Literal, exp.Boolean, exp.Null, exp.Interval, exp.Var)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg)
_CASTS = (exp.Cast, exp.DataType, exp.DataTypeParam)
_FUNCTIONS = {
    exp.Abs: "abs",
    exp.Ceil: "ceil",
    exp.Floor: "floor",
    exp.Round: "round",
    exp.Sign: "sign",
    exp.Sqrt: "sqrt",
    exp.Ln: "ln",
    exp.Coalesce: "coalesce",
    exp.Nullif: "nullif",
    exp.Greatest: "greatest",
    exp.Least: "least",
    exp.Lower: "lower",
    exp.Upper: "upper",
    exp.Trim: "trim",
    exp.Length: "length",
    exp.Left: "left",
    exp.Right: "right",
    exp.Substring: "substring",
    exp.StrPosition: "strpos",
    exp.StartsWith: "starts_with",
    exp.Concat: "concat",
    exp.DPipe: "||",
    exp.Extract: "extract",
    exp.TimestampTrunc: "date_trunc",
    exp.AtTimeZone: "at time zone",
}
FUNCTION_NAMES = tuple(sorted({name for name in _FUNCTIONS.values() if name[0].isalpha()} | {"cast"}))
"""The functions that a condition may call, as people write them."""

NODES = frozenset((*_LOGIC, *_COMPARISONS, *_VALUES, *_ARITHMETIC, *_CASTS, *_FUNCTIONS))
"""The exact node types that a condition's tree may have."""

QUERY_NODES = frozenset(
    {
        exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Distinct,
        exp.With, exp.CTE, exp.Subquery, exp.Exists, exp.Alias, exp.TableAlias, exp.Star, exp.Column, exp.In,
        exp.Placeholder, exp.Filter, exp.Window, exp.WindowSpec, exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max,
        exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.LogicalAnd,
        exp.LogicalOr,
    }
)  # fmt: skip
"""The node types that a query may have beside those of a condition."""

PREDICATES = (
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is,
    exp.Like, exp.ILike, exp.Escape, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Boolean, exp.StartsWith,
)  # fmt: skip
"""The node types whose value is true, false or NULL."""

COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
"""Comparisons, which Postgres doesn't let stand one inside another without parentheses."""

MAYBE_PREDICATES = (exp.Column, exp.Placeholder, exp.Case, exp.Coalesce, exp.Cast, exp.Null)
"""The node types whose value may be a boolean, depending on what is in them."""

TEXT_BUILDERS = (exp.DPipe, exp.Concat, exp.Lower, exp.Upper, exp.Trim, exp.Left, exp.Right, exp.Substring)
"""The node types that make a text out of others."""

CLOCKS = tuple(
    node
    for name in (
        "CurrentDate", "CurrentTime", "CurrentTimestamp", "CurrentDatetime", "Localtime", "Localtimestamp",
        "CurrentTimestampLTZ", "Systimestamp", "UtcDate", "UtcTime", "UtcTimestamp",
    )
    if (node := getattr(exp, name, None)) is not None
)  # fmt: skip
"""The node types that read a clock."""

CLOCK_NAMES = frozenset(
    {
        "now", "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "clock_timestamp",
        "statement_timestamp", "transaction_timestamp", "timeofday", "getdate", "sysdate", "today", "age",
    }
)  # fmt: skip
"""Functions that read a clock; `age` with one argument does."""

CLOCK_WORDS = frozenset({"now", "today", "tomorrow", "yesterday"})
"""Words that Postgres reads as the current time when a text becomes a date."""

TYPES = frozenset(
    {
        exp.DType.BIGINT, exp.DType.INT, exp.DType.SMALLINT, exp.DType.DECIMAL, exp.DType.DOUBLE, exp.DType.FLOAT,
        exp.DType.TEXT, exp.DType.VARCHAR, exp.DType.BOOLEAN, exp.DType.DATE, exp.DType.TIMESTAMP,
        exp.DType.TIMESTAMPTZ, exp.DType.INTERVAL,
    }
)  # fmt: skip
"""The types that a condition may cast to."""

TYPE_NAMES = "numeric, integer, bigint, double precision, text, boolean, date, timestamp, timestamptz, interval"
"""The same, as people write them."""

TEMPORAL_TYPES = frozenset({exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ})
"""The types whose input function knows the words of CLOCK_WORDS."""

FIELDS = frozenset(
    {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "DOW", "ISODOW", "DOY", "EPOCH", "ISOYEAR"}
)
"""What may be extracted from, or truncated to."""
