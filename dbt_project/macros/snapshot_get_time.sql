{#- When a snapshot finds a version: in UTC, and by the clock that the program goes by, which stands still in the sample company. -#}
{% macro postgres__snapshot_get_time() -%}
    {%- set standing = env_var('ALERTING_AS_OF', '') -%}
    {%- if standing -%}
        ('{{ standing }}'::timestamptz at time zone 'UTC')
    {%- else -%}
        (clock_timestamp() at time zone 'UTC')
    {%- endif -%}
{%- endmacro %}
