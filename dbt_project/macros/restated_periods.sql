{#-
  The billing periods of the cost report whose newest delivery is not yet in the model that is being built, as a list of
  literals: with literals Postgres plans against the partitions of those periods alone.
-#}
{% macro restated_periods() -%}
    (
        select arrived.billing_period
        from (
            select billing_period, max(load_id) as load_id
            from {{ ref('stg_cost_and_usage') }}
            group by billing_period
        ) as arrived
        left join (
            select billing_period, max(load_id) as load_id
            from {{ this }}
            group by billing_period
        ) as known on known.billing_period = arrived.billing_period
        where arrived.load_id is distinct from known.load_id
    )
{%- endmacro %}
