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
        line_item_usage_account_id as account_id,
        resource_tags_user_app as app,
        line_item_product_code as service,
        line_item_unblended_cost as cost,
        line_item_currency_code as currency,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
