{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_id',
    on_schema_change='append_new_columns',
    full_refresh=false,
    indexes=[{'columns': ['customer_id'], 'unique': true}],
) }}

-- A customer who left the list keeps the last name known, for the payments remain.
{{ newest_of_list(ref('stg_customers'), 'customer_id', ['customer_name', 'segment']) }}
