-- What was invoiced less what was paid is what is open, to the cent, over everything that was ever delivered.
with

invoiced as (
    select sum(amount) as amount
    from (
        select distinct on (invoice_id)
            invoice_id,
            amount
        from {{ source('raw', 'invoices') }}
        order by invoice_id, _load_id desc
    ) as latest
),

paid as (
    select coalesce(sum(amount), 0) as amount
    from (
        select distinct on (payment_id)
            payment_id,
            amount
        from {{ source('raw', 'invoice_payments') }} as payments
        where exists (select 1 from {{ source('raw', 'invoices') }} as i where i.invoice_id = payments.invoice_id)
        order by payment_id, _load_id desc
    ) as latest
),

open as (
    select
        sum(amount_open) as amount,
        sum(amount) - sum(amount_paid) as difference
    from {{ ref('invoice_reminders') }}
)

select
    invoiced.amount as invoiced,
    paid.amount as paid,
    open.amount as open
from invoiced
cross join paid
cross join open
where invoiced.amount - paid.amount <> open.amount or open.amount <> open.difference
