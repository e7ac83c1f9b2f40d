{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='payment_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_of(['subscription_payments'])) }}",
    indexes=[
        {'columns': ['payment_id'], 'unique': true},
        {'columns': ['paid_on']},
        {'columns': ['load_id']},
    ],
) }}

-- A payment that is sent again holds as it was sent last.
select distinct on (payment_id)
    payment_id,
    subscription_id,
    paid_on,
    amount,
    currency,
    status,
    load_id,
    loaded_at,
    {{ corrections_stamp(corrections_of(['subscription_payments'])) }} as corrections
from {{ ref('stg_subscription_payments') }}
where
    payment_id is not null
    {% if is_incremental() %}
    and load_id > {{ last_load('load_id') }}
    {% endif %}
order by payment_id, load_id desc
