{#-
  The billing periods of the cost report that the model being built does not hold as last loaded, as a list of literals:
  `where billing_period in restated_periods()`. With literals Postgres reads the partitions of these periods alone, however
  many months are stored; the ledger of loads tells which they are without a look at the report itself.
-#}
{% macro restated_periods() -%}
    {%- set periods = [] -%}
    {%- if execute -%}
        {%- set found = run_query(
            "select loaded.period from ("
            ~ "select period, max(load_id) as load_id from alerting.loads "
            ~ "where source = 'cost_and_usage' and status = 'loaded' group by period) as loaded "
            ~ "left join (select billing_period, max(load_id) as load_id from " ~ this ~ " group by billing_period) as built "
            ~ "on built.billing_period = loaded.period "
            ~ "where built.load_id is null or built.load_id < loaded.load_id order by loaded.period"
        ) -%}
        {%- for row in found.rows -%}
            {%- do periods.append("'" ~ row[0] | replace("'", "''") ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
    ({{ periods | join(', ') or 'null' }})
{%- endmacro %}
