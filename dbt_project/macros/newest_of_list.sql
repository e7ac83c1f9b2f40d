{#-
  Every export of a list names everything on it; only what is new or differs from what this model knows is written, so
  that `load_id` tells what changed. What left the list keeps its last row: what was recorded about it remains, and raw
  holds the newest export alone, so a full refresh must not make such a model anew (full_refresh=false).
-#}
{% macro newest_of_list(relation, key, columns) -%}
    {%- set names = [key] + columns + ['load_id', 'loaded_at'] -%}
    select
        {%- for name in names %}
        newest.{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select distinct on ({{ key }}) {{ names | join(', ') }}
        from {{ relation }}
        where {{ key }} is not null
        order by {{ key }}, load_id desc
    ) as newest
    {%- if is_incremental() %}
    left join {{ this }} as known on known.{{ key }} = newest.{{ key }}
    where
        known.{{ key }} is null
        or (newest.{{ columns | join(', newest.') }}) is distinct from (known.{{ columns | join(', known.') }})
    {%- endif %}
{%- endmacro %}
