with

source as (
    select * from {{ source('raw', 'purchase_orders') }}
),

renamed as (
    select
        purchase_order_id,
        product_id,
        warehouse,
        quantity,
        expected_on,
        status,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
