with

source as (
    select * from {{ source('raw', 'customers') }}
),

renamed as (
    select
        customer_id::text as customer_id,
        name as customer_name,
        segment,
        country,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
