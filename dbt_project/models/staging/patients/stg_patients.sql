with

source as (
    select * from {{ source('raw', 'patients') }}
),

renamed as (
    select
        patient_id,
        clinic,
        age,
        conditions,
        occupation,
        taken_on,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
