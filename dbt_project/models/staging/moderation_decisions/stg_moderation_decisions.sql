with

source as (
    select * from {{ source('raw', 'moderation_decisions') }}
),

renamed as (
    select
        decision_id,
        item_id,
        decision,
        decided_at,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
