{#-
  The rows of an append model that arrived since this model was last built (at first: all), each key as the newest load
  has it. Column `load_id` tells the loads apart, here and there.
-#}
{% macro arrived(relation, key, columns) -%}
    select distinct on ({{ key }})
        {{ columns | join(',\n        ') }}
    from {{ relation }}
    {% if is_incremental() -%}
    where load_id > {{ last_load('load_id') }}
    {% endif -%}
    order by {{ key }}, load_id desc
{%- endmacro %}
