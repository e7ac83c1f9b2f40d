{#-
  The billing periods that an incremental model of costs has to make again: those that the report restated since, and
  those that were made with another allocation (who answers for what, by which key or budget) than there is now.
  Reads the CTEs `costs` (billing_period, load_id) and `allocation` (fingerprint) of the model.
-#}
{% macro periods_to_rebuild() -%}
    select costs.billing_period
    from (select billing_period, max(load_id) as load_id from costs group by billing_period) as costs
    left join (
        select billing_period, max(load_id) as load_id, min(allocation) as allocation
        from {{ this }}
        group by billing_period
    ) as known on known.billing_period = costs.billing_period
    where
        costs.load_id is distinct from known.load_id
        or known.allocation is distinct from (select fingerprint from allocation)
{%- endmacro %}
