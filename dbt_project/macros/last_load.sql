{#-
  The newest load that a table already holds, by the named column; 0 for none.
  Loads of one source commit in the order of their ids (a load takes its source's lock first), so `load_id > last_load`
  finds every row that arrived since, however the loads of different sources interleave: hence one column per source.
-#}
{% macro last_load(column, relation=none) -%}
    (select coalesce(max({{ column }}), 0) from {{ relation or this }})
{%- endmacro %}
