{{ config(materialized='view') }}

select distinct on (decision_id)
    decision_id,
    item_id,
    decision,
    decided_at,
    load_id,
    loaded_at
from {{ ref('stg_moderation_decisions') }}
order by decision_id, load_id desc
