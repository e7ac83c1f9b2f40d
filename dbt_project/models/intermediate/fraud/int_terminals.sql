{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='terminal_id',
    on_schema_change='append_new_columns',
    full_refresh=false,
    indexes=[{'columns': ['terminal_id'], 'unique': true}],
) }}

-- As int_customers: only terminals that are new or differ are written, so that load_id tells which changed, and those
-- that left the list stay.
with

terminals as (
    select distinct on (terminal_id)
        terminal_id,
        merchant,
        merchant_category,
        load_id,
        loaded_at
    from {{ ref('stg_terminals') }}
    where terminal_id is not null
    order by terminal_id, load_id desc
)

select
    terminals.terminal_id,
    terminals.merchant,
    terminals.merchant_category,
    terminals.load_id,
    terminals.loaded_at
from terminals
{% if is_incremental() %}
left join {{ this }} as known on known.terminal_id = terminals.terminal_id
where
    known.terminal_id is null
    or (terminals.merchant, terminals.merchant_category) is distinct from (known.merchant, known.merchant_category)
{% endif %}
