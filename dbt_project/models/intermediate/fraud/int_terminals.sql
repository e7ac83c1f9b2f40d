{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='terminal_id',
    on_schema_change='append_new_columns',
    full_refresh=false,
    indexes=[{'columns': ['terminal_id'], 'unique': true}],
) }}

-- A terminal that left the list keeps its merchant, for the payments remain.
{{ newest_of_list(ref('stg_terminals'), 'terminal_id', ['merchant', 'merchant_category']) }}
