with

source as (
    select * from {{ source('raw', 'shared_cost_keys') }}
),

renamed as (
    select
        cost_category,
        allocation_key,
        nullif(team, '') as team,
        share,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
