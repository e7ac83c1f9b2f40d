with

source as (
    select * from {{ source('raw', 'content_items') }}
),

renamed as (
    select
        item_id,
        author_id,
        kind,
        audience,
        posted_at,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
