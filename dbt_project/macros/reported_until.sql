{#-
  The last day of which a source of daily files has reported, by the names of the files in the ledger of loads; where no
  name holds a day, the last day of the rows themselves (`otherwise`). A weekend without a row is then a quiet weekend and
  not a missing one, and an event dated in the future by a wrong clock doesn't make everybody else look silent.
-#}
{% macro reported_until(source, otherwise) -%}
    coalesce(
        (
            select max(substring(file from '[0-9]{4}-[01][0-9]-[0-3][0-9]')::date)
            from alerting.loads
            where source = '{{ source }}' and status = 'loaded'
        ),
        {{ otherwise }}
    )
{%- endmacro %}
