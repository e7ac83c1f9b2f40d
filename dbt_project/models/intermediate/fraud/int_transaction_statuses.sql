{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='transaction_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_of(['transaction_statuses'])) }}",
    indexes=[{'columns': ['transaction_id'], 'unique': true}, {'columns': ['load_id']}],
) }}

-- The latest change by its own time, not by the order of arrival: a change that comes late does not undo a later one.
select distinct on (changes.transaction_id)
    changes.transaction_id,
    changes.status,
    changes.changed_at,
    changes.load_id,
    changes.loaded_at,
    {{ corrections_stamp(corrections_of(['transaction_statuses'])) }} as corrections
from {{ ref('stg_transaction_statuses') }} as changes
where
    changes.transaction_id is not null
{% if is_incremental() %}
    and changes.load_id > {{ last_load('load_id') }}
    and not exists (
        select 1
        from {{ this }} as known
        where known.transaction_id = changes.transaction_id and known.changed_at > changes.changed_at
    )
{% endif %}
order by changes.transaction_id, changes.changed_at desc, changes.load_id desc, changes.event_id desc
