with

source as (
    select * from {{ source('raw', 'cost_teams') }}
),

renamed as (
    select
        account_id,
        nullif(app, '') as app,
        team,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
