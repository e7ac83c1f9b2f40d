"""What many values of one or two parameters would do, in one pass over the past.

Each row is read once and falls into a bucket: how many of the values, from the loosest to the strictest, it violates.
An incident opens for the values that this evaluation violates and the one before did not; so a row counts +1 at its
bucket, -1 at what it has in common with the bucket before, and a running sum from the strictest value down gives the
incidents of every value at once. Measured on 365 days of 5,000 entities and 100 values: `make bench`.

That is exact where an incident is nothing but its condition holding. Where a definition waits, holds on or reopens, or
a parameter stands anywhere but in one comparison with a column, `Unsweepable`
says so, and each value is replayed by itself instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlglot import exp

from alerting_pipeline.domain.condition import AS_OF, Condition, and_ed
from alerting_pipeline.domain.condition_check import column_name
from alerting_pipeline.domain.definition import AlertDefinition
from alerting_pipeline.domain.errors import AlertingError
from alerting_pipeline.domain.history import EVENTS, History
from alerting_pipeline.domain.reading import Reading
from alerting_pipeline.domain.sql_fragment import (
    APPROXIMATE,
    PARAMETER,
    ROW,
    WHOLE,
    fingerprint_sql,
    instant,
    literal,
    parameter_sql,
    without_nan,
)
from alerting_pipeline.domain.value_set import ValueSet

_AT = "i.at"
_FINGERPRINTS = "\0"  # stands for the bound array while the text is put together; no SQL holds it
_STATEMENT = f"""
with instants as materialized (
    select n, at from unnest(array[{{instants}}]::timestamptz[]) with ordinality as i (at, n)
),
{{parameter}} as not materialized ({{parameters}}),
judged as (
    select {{number}} as n, {{entity}}, {{rest}} as holds, {{unknown}} as is_unknown, {{buckets}}
    from {{source}}
),
seen as materialized (
    select n, {{keys}}, {{worst}}, bool_or(is_unknown or holds is null) as is_null, count(*) as rows
    from judged where holds is not false and ({{any}}) group by n, {{keys}}
),
-- A NULL condition holds what is open and opens nothing: what was violated before goes on, as far as it may.
islands as (
    select *, count(*) filter (where not is_null or is_start) over (partition by {{keys}} order by n) as island
    from (select *, lag(n) over (partition by {{keys}} order by n) is distinct from n - 1 as is_start from seen) as s
),
standing as (
    select n, {{keys}}, is_null, {{held}} from islands window w as (partition by {{keys}}, island order by n)
),
stepped as (
    select n, {{listed}}, {{before}} from standing window w as (partition by {{keys}} order by n)
),
opened as (
    select t.n, d.* from stepped as t
    cross join lateral (values ({{listed}}, 1), ({{shared}}, -1)) as d ({{listed}}, number) where {{counts}}
),
counted as (
    select n, {{listed}}, sum(number) as number from opened group by n, {{listed}}
)
select 'opened' as what, date_trunc('week', i.at at time zone 'UTC')::date as week, c.n = 1 as is_first, {{listed}},
    null::uuid as fingerprint, sum(number)::bigint as number
from counted as c join instants as i on i.n = c.n group by 2, 3, {{listed}}
union all select 'unknown', null, null, {{zeros}}, null, count(*) from seen where is_null
union all select 'several', null, null, {{zeros}}, null, count(*) from seen where is_null and rows > 1
union all select 'fired', null, null, {{listed}}, fingerprint, 1
from (
    select {{listed}}, {{fingerprint}} as fingerprint
    from (select distinct {{keys}}, {{listed}} from standing where {{any}}) as e
) as f
where fingerprint = any({_FINGERPRINTS})
"""
_OPERATORS = {exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
_FLIPPED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}


class Unsweepable(AlertingError):
    """Why one pass would not be exact, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter with the values that are tried, ascending. `column operator value` is what fires."""

    parameter: str
    values: tuple[Decimal, ...]
    column: str = ""
    operator: str = ">"

    @property
    def loosest_first(self) -> tuple[Decimal, ...]:
        """The values in the order in which a row stops to violate them."""
        return self.values if self.operator.startswith(">") else self.values[::-1]

    def bucket(self, reading: Reading) -> str:
        """How many of the values the row violates, from the loosest on; one with a value of its own all or none."""
        kind = reading.column_types[self.column]
        is_float = kind in APPROXIMATE and kind != "numeric"
        base = "double precision" if is_float else "numeric"
        value = f"cast({without_nan(self.column, kind)} as {base})"
        is_negated = self.operator in (">", "<=")
        listed = sorted(-each if is_negated else each for each in self.values)
        array = f"array[{', '.join(literal(format(each, 'f')) for each in listed)}]::{base}[]"
        number = f"width_bucket({'-' if is_negated else ''}{value}, {array})"
        if self.operator in (">", "<"):
            number = f"{len(self.values)} - {number}"
        parameter = reading.parameters[self.parameter]
        if parameter.by is None:
            return number
        own = parameter_sql(reading.alert, self.parameter, parameter, reading.entity)  # its default is left out
        violates = f"when {value} {self.operator} {own} then {len(self.values)}"
        return f"case when {own} is null then {number} {violates} else 0 end"


@dataclass(frozen=True, slots=True)
class Sweep:
    """The axes on a definition's condition, with what is left of it."""

    definition: AlertDefinition
    axes: tuple[Axis, ...]
    rest: tuple[exp.Expr, ...]

    def sql(self, reading: Reading, history: History, instants: Sequence[datetime], values: ValueSet) -> str:
        """One statement; it takes the array `fingerprints`, the entities about which there is a verdict.

        Its rows are (what, week, is_first, bucket …, fingerprint, number): `opened` and its buckets hold differences,
        `unknown` counts rows whose condition is NULL (`several`: of an entity with other rows), `fired` are the buckets
        of the entities that were named.
        """
        reading = replace(reading, as_of=_AT)
        names = [f"b{place}" for place in range(len(self.axes))]
        source, number = self._source(reading, history, instants)
        parameters = values.without_defaults({axis.parameter for axis in self.axes}).sql(reading.alert)
        rest = " and ".join(reading.sql(_part(reading.checked, part)) for part in self.rest) or "true"
        keys = {column: f"e{place}" for place, column in enumerate(reading.entity)}
        buckets = [
            f"coalesce({axis.bucket(reading)}, {len(axis.values)}) as {each}"
            for axis, each in zip(self.axes, names, strict=True)
        ]
        texts = {
            "buckets": ", ".join(buckets),
            "unknown": " or ".join(f"{_compared_value(axis, reading)} is null" for axis in self.axes),
            "listed": ", ".join(names),
            "held": ", ".join(
                f"min(case when is_null and is_start then 0 else {each} end) over w as {each}" for each in names
            ),
            "worst": ", ".join(f"max({each}) as {each}" for each in names),
            "before": ", ".join(_before(each, is_once=source.startswith("(")) for each in names),
            "shared": ", ".join(f"q{each}" for each in names),
            "zeros": ", ".join("0" for _ in names),
            "counts": " and ".join(f"d.{each} > 0" for each in names),
            "any": " and ".join(f"{each} > 0" for each in names),
            "entity": ", ".join(f"{text} as e{place}" for place, text in enumerate(reading.entity.values())),
            "keys": ", ".join(keys.values()),
            "fingerprint": fingerprint_sql(literal(reading.alert), keys),
        }
        text = _STATEMENT.format(
            instants=_listed(instants), parameter=PARAMETER, parameters=parameters, source=source, number=number,
            rest=rest, **texts,
        )  # fmt: skip
        return text.replace("%", "%%").replace(_FINGERPRINTS, "%(fingerprints)s::uuid[]")

    def unjudged_sql(self, reading: Reading, history: History, instants: Sequence[datetime], values: ValueSet) -> str:
        """Is there an evaluation that saw a NULL, and no row of which every value can be told? It would judge nothing.

        Asked only where there are NULLs at all.
        """
        reading = replace(reading, as_of=_AT)
        source, number = self._source(reading, history, instants)
        parameters = values.without_defaults({axis.parameter for axis in self.axes}).sql(reading.alert)
        rest = " and ".join(reading.sql(_part(reading.checked, part)) for part in self.rest) or "true"
        unknown = " or ".join(f"{_compared_value(axis, reading)} is null" for axis in self.axes)
        once = "min(n) filter (where is_null) < coalesce(min(n) filter (where is_sure), 1000000)"
        each = "exists (select 1 from judged group by n having bool_or(is_null) and not bool_or(is_sure))"
        asked = f"select {once} as is_found from judged" if source.startswith("(") else f"select {each} as is_found"
        return f"""
        with instants as materialized (
            select n, at from unnest(array[{_listed(instants)}]::timestamptz[]) with ordinality as i (at, n)
        ),
        {PARAMETER} as not materialized ({parameters}),
        judged as (
            select n, holds is not false and (is_unknown or holds is null) as is_null,
                holds is false or (holds and not is_unknown) as is_sure
            from (select {number} as n, {rest} as holds, {unknown} as is_unknown from {source}) as j
        )
        {asked}"""

    def _source(self, reading: Reading, history: History, instants: Sequence[datetime]) -> tuple[str, str]:
        """What is read, and the number of the evaluation that reads a row.

        A version in a snapshot is unfolded into the evaluations that it was there for, an event that never changes is
        read by the first one after it; so nothing is compared with every instant, but what depends on the instant.
        """
        start, moments = instant(instants[0]), "(select array_agg(at order by n) from instants)"
        model = history.models.get(self.definition.model or "")

        def earlier(moment: str) -> str:
            """How many evaluations came before that moment."""
            return f"width_bucket({moment} - interval '1 microsecond', {moments})"

        if model is not None and model.snapshot is not None:
            last = f"coalesce({earlier(f'{ROW}.dbt_valid_to::timestamptz')}, {len(instants)})"
            unfolded = f"generate_series(1 + {earlier(f'{ROW}.dbt_valid_from::timestamptz')}, {last}) as g (n)"
            more = " join instants as i on i.n = g.n" if reading.uses_as_of else ""
            return f"{model.snapshot_sql} as {ROW} cross join lateral {unfolded}{more}", "g.n"
        is_still = model is not None and model.source == EVENTS and not model.as_was and not reading.uses_as_of
        if model is not None and is_still and model.model.is_unique_by(frozenset(self.definition.entity)):
            return f"{model.sql(instant(instants[-1]), start)} as {ROW}", f"1 + {earlier(model.happened_of(ROW))}"
        return f"instants as i cross join lateral {history.sql(_AT, start)} as {ROW}", "i.n"


def sweep_of(definition: AlertDefinition, reading: Reading, axes: Sequence[Axis], history: History) -> Sweep:
    """The sweep. Raises Unsweepable where one pass would not be exact."""
    waits = {
        "for": definition.hold_for, "keep_firing_for": definition.keep_firing_for, "clear_when": definition.clear_when,
        "reopen_within": definition.reopen_within, "baseline: silent": definition.baseline == "silent",
        "on_empty: no_data": definition.on_empty == "no_data",
    }  # fmt: skip
    for key, is_said in waits.items():
        if is_said:
            raise Unsweepable(f"{definition.alert} says {key}, so an incident is more than its condition holding")
    parts = list(and_ed(reading.checked.tree))
    found, rest = [], list(parts)
    for axis in axes:
        matches = [(part, match) for part in parts if (match := _compared(part, axis.parameter))]
        if len(matches) != 1:
            raise Unsweepable(f"{axis.parameter} does not stand in one comparison with a column")
        part, (column, operator) = matches[0]
        rest.remove(part)
        kind = reading.column_types.get(column, "")
        if reading.parameters[axis.parameter].type not in ("number", "integer") or not (
            kind in APPROXIMATE or kind in WHOLE
        ):
            raise Unsweepable(f"{axis.parameter} is not compared with a number")
        found.append(replace(axis, column=column, operator=operator))
    swept = {axis.parameter for axis in axes}
    if any(str(node.this) in swept for part in rest for node in part.find_all(exp.Placeholder)):
        raise Unsweepable("a parameter stands in several places of the condition")
    model = history.models.get(definition.model or "")
    if len(axes) > 1 and not (model is not None and model.model.is_unique_by(frozenset(definition.entity))):
        raise Unsweepable("an entity may have several rows, and two parameters take each its own")
    return Sweep(definition, tuple(found), tuple(rest))


def _compared(part: exp.Expr, parameter: str) -> tuple[str, str] | None:
    """The column and the operator where the part is a column compared with the parameter."""
    operator = _OPERATORS.get(type(part))
    if operator is None:
        return None
    left, right = part.this, part.expression
    if isinstance(left, exp.Placeholder):
        left, right, operator = right, left, _FLIPPED[operator]
    if not isinstance(left, exp.Column) or not isinstance(right, exp.Placeholder) or str(right.this) != parameter:
        return None
    return column_name(left), operator


def _part(condition: Condition, tree: exp.Expr) -> Condition:
    placeholders = {str(node.this) for node in tree.find_all(exp.Placeholder)}
    columns = frozenset(column_name(node) for node in tree.find_all(exp.Column))
    return replace(condition, tree=tree, columns=columns, uses_as_of=AS_OF in placeholders)


def _compared_value(axis: Axis, reading: Reading) -> str:
    return without_nan(axis.column, reading.column_types[axis.column])


def _before(name: str, *, is_once: bool) -> str:
    """What this evaluation violates and the one before did, too; an event that is there once has none before."""
    if is_once:
        return f"0 as q{name}"
    return f"case when lag(n) over w = n - 1 then least({name}, lag({name}) over w) else 0 end as q{name}"


def _listed(instants: Sequence[datetime]) -> str:
    return ", ".join(literal(each.isoformat()) for each in instants)
