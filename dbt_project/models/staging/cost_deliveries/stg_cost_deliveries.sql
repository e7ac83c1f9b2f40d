with

source as (
    select * from {{ source('raw', 'cost_deliveries') }}
),

renamed as (
    select
        split_part(_file, '/', 1) as billing_period,
        split_part(_file, '/', 2) as delivery,
        line_item_usage_account_id as account_id,
        line_item_product_code as service,
        line_item_usage_start_date as day,
        line_item_currency_code as currency,
        line_item_unblended_cost as cost,
        line_items,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
