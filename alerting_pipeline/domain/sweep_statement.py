"""The text of a sweep's statement, apart from what `sweep` fills in.

What it takes time with is one scan, one sort by entity and evaluation, and one window. The rest is arranged to keep it
at that: the scan leaves out what violates no value at all; what an evaluation has in common with the one before is
taken away before it is counted; and the windows that carry on through NULLs run only where there is one.
"""

FINGERPRINTS = "\0"
"""Stands for the bound array while the text is put together; no SQL holds it."""

SEVERAL = """select {keys}, n, max(m) as m, {worst}, bool_or(is_unknown or holds is null) as is_null, count(*) as rows
    from judged where holds is not false and {fires} group by {keys}, n"""
"""What the evaluations saw of each entity: of several rows that which violates most."""

SINGLE = """select {keys}, n, m, {listed}, is_unknown or holds is null as is_null, 1 as rows
    from judged where holds is not false and {fires} order by {keys}, n"""
"""The same where an entity has one row at a time. It is sorted here, for here it is done in parallel."""

# `n` is the first evaluation that read a row, `m` the last one; of a version that none read, `m` is smaller. That is
# asked of `seen`, because the scan would reckon both once more for it.
STATEMENT = f"""
with instants as materialized (
    select n, at from unnest(array[{{instants}}]::timestamptz[]) with ordinality as i (at, n)
),
{{parameter}} as not materialized ({{parameters}}),
judged as (
    select {{first}} as n, {{last}} as m, {{entity}}, {{rest}} as holds, {{unknown}} as is_unknown, {{buckets}}
    from {{source}} where {{gate}}
),
seen as materialized (
    {{seen}}
),
nulls as materialized (
    select coalesce(bool_or(is_null), false) as are_there,
        coalesce(sum(m - n + 1) filter (where is_null), 0)::bigint as number,
        count(*) filter (where is_null and rows > 1) as several
    from seen where n <= m
),
-- A NULL condition holds what is open and opens nothing: what was violated before goes on, as far as it may.
islands as (
    select *, count(*) filter (where not is_null or is_start) over (partition by {{keys}} order by n) as island
    from (
        select *, lag(m) over (partition by {{keys}} order by n) is distinct from n - 1 as is_start
        from seen where n <= m
    ) as s
    where (select are_there from nulls)
),
standing as (
    select {{keys}}, n, m, {{listed}} from seen where n <= m and not (select are_there from nulls)
    union all
    select {{keys}}, n, m, {{held}} from islands window w as (partition by {{keys}}, island order by n)
),
stepped as (
    select n, {{listed}}, {{before}} from standing window w as (partition by {{keys}} order by n)
),
opened as (
    select t.n, d.* from (select * from stepped where {{differs}}) as t
    cross join lateral (values ({{listed}}, 1), ({{shared}}, -1)) as d ({{listed}}, number) where {{counts}}
),
counted as (
    select n, {{listed}}, sum(number) as number from opened group by n, {{listed}}
)
select 'opened' as what, date_trunc('week', i.at at time zone 'UTC')::date as week, c.n = 1 as is_first, {{listed}},
    null::uuid as fingerprint, sum(number)::bigint as number
from counted as c join instants as i on i.n = c.n group by 2, 3, {{listed}}
union all select 'unknown', null, null, {{zeros}}, null, number from nulls
union all select 'several', null, null, {{zeros}}, null, several from nulls
union all select 'fired', null, null, {{listed}}, fingerprint, 1
from (
    select {{listed}}, {{fingerprint}} as fingerprint
    from (select distinct {{keys}}, {{listed}} from standing where {{any}}) as e
) as f
where {FINGERPRINTS} <> '{{{{}}}}' and fingerprint = any({FINGERPRINTS})
"""
