with

source as (
    select * from {{ source('raw', 'sales_orders') }}
),

renamed as (
    select
        order_id,
        product_id,
        warehouse,
        quantity,
        ordered_at,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
