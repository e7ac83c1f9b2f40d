{#-
  What a customer usually pays by their payments so far, where few of them say little: two payments of the typical
  amount are counted in, which a history of ten hardly notices.
-#}
{% macro usual_amount(total, payments) -%}
    ((coalesce({{ total }}, 0) + 2 * {{ var('card_typical_amount') }}) / ({{ payments }} + 2))
{%- endmacro %}
