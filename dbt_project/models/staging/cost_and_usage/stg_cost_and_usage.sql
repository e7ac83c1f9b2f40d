with

source as (
    select * from {{ source('raw', 'cost_and_usage') }}
),

renamed as (
    select
        _period as billing_period,
        _delivery as delivery,
        identity_line_item_id as line_item_id,
        (bill_billing_period_start_date at time zone 'UTC')::date as period_start,
        (bill_billing_period_end_date at time zone 'UTC')::date as period_end,
        (line_item_usage_start_date at time zone 'UTC')::date as usage_day,
        line_item_usage_start_date as usage_start,
        line_item_usage_end_date as usage_end,
        line_item_usage_account_id as account_id,
        resource_tags_user_app as app,
        line_item_line_item_type as line_item_type,
        line_item_product_code as service,
        line_item_usage_type as usage_type,
        line_item_usage_amount as usage_amount,
        product_instance_type as instance_type,
        product_region as region,
        pricing_term,
        pricing_unit,
        coalesce(nullif(savings_plan_savings_plan_arn, ''), nullif(reservation_reservation_arn, '')) as commitment_id,
        coalesce(savings_plan_start_time, reservation_start_time) as commitment_start,
        coalesce(savings_plan_end_time, reservation_end_time) as commitment_end,
        line_item_unblended_cost as cost,
        line_item_currency_code as currency,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
