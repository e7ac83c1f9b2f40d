with

source as (
    select * from {{ source('raw', 'marketing_consents') }}
),

renamed as (
    select
        customer_id,
        email,
        is_given,
        changed_on,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
