with

source as (
    select * from {{ source('raw', 'delivery_orders') }}
),

renamed as (
    select
        delivery_id,
        customer_id::text as customer_id,
        region,
        carrier,
        ordered_at,
        promised_at,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
