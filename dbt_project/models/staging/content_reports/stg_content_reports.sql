with

source as (
    select * from {{ source('raw', 'content_reports') }}
),

renamed as (
    select
        report_id,
        item_id,
        reporter_id,
        reason,
        reported_at,
        _load_id as load_id,
        _loaded_at as loaded_at
    from source
)

select * from renamed
