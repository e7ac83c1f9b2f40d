with

source as (
    select * from {{ source('raw', 'stock_levels') }}
),

renamed as (
    select
        product_id,
        product,
        product_class,
        warehouse,
        status,
        lead_days,
        on_hand,
        counted_on,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
