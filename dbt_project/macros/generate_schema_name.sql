{#- A model's schema is exactly the one its layer names (staging, intermediate, marts): alerts and grants rely on these names. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
