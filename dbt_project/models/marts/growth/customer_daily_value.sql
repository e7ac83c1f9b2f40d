{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['customer_id', 'day'],
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_if_corrected(corrections_in(ref('transactions'))) }}",
    indexes=[
        {'columns': ['customer_id', 'day'], 'unique': true},
        {'columns': ['payment_load_id']},
        {'columns': ['status_load_id']},
    ],
) }}

-- Only the days of customers that a newer payment or a newer status touched are added up again.
with

transactions as (
    select * from {{ ref('transactions') }}
),

{% if is_incremental() %}

touched as (
    select distinct
        customer_id,
        (created_at at time zone 'UTC')::date as day
    from transactions
    where payment_load_id > {{ last_load('payment_load_id') }} or status_load_id > {{ last_load('status_load_id') }}
),

{% endif %}

summed as (
    select
        transactions.customer_id,
        (transactions.created_at at time zone 'UTC')::date as day,
        count(*) as payments,
        coalesce(sum(transactions.amount) filter (where transactions.status = 'settled'), 0) as value,
        max(transactions.payment_load_id) as payment_load_id,
        max(transactions.status_load_id) as status_load_id,
        max(transactions.loaded_at) as loaded_at
    from transactions
    {% if is_incremental() %}
    inner join touched
        on
            touched.customer_id = transactions.customer_id
            and transactions.created_at >= touched.day::timestamp at time zone 'UTC'
            and transactions.created_at < (touched.day + 1)::timestamp at time zone 'UTC'
    {% endif %}
    where transactions.customer_id is not null and transactions.created_at is not null
    group by 1, 2
)

select
    customer_id,
    day,
    payments,
    value,
    payment_load_id,
    status_load_id,
    loaded_at,
    {{ corrections_stamp(corrections_in(ref('transactions'))) }} as corrections
from summed
