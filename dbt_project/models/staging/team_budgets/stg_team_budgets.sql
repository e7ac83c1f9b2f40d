with

source as (
    select * from {{ source('raw', 'team_budgets') }}
),

renamed as (
    select
        team,
        daily_budget,
        monthly_budget,
        currency,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
