with

source as (
    select * from {{ source('raw', 'terminals') }}
),

renamed as (
    select
        terminal_id::text as terminal_id,
        merchant,
        category as merchant_category,
        city,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
