with

source as (
    select * from {{ source('raw', 'focus_costs') }}
),

renamed as (
    select
        id as charge_id,
        provider_name as provider,
        billing_account_id,
        nullif(sub_account_id, '') as sub_account_id,
        service_category,
        service_name as service,
        charge_category,
        charge_period_start::date as day,
        billed_cost,
        effective_cost,
        billing_currency as currency,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
