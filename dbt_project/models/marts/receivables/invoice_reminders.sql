{{ config(
    materialized='table',
    indexes=[{'columns': ['invoice_id'], 'unique': true}, {'columns': ['due_at']}],
) }}

with

customers as (
    select * from {{ ref('int_customers') }}
),

payments as (
    select * from {{ ref('int_invoice_payments') }}
),

-- An invoice that was corrected is sent again: its newest version holds.
invoices as (
    select distinct on (invoice_id)
        invoice_id,
        customer_id,
        billing_email,
        timezone,
        issued_at,
        due_at,
        amount,
        currency,
        loaded_at
    from {{ ref('stg_invoices') }}
    order by invoice_id, load_id desc
),

joined as (
    select
        invoices.invoice_id,
        invoices.customer_id,
        coalesce(customers.customer_name, 'Customer ' || invoices.customer_id) as customer_name,
        invoices.billing_email,
        invoices.timezone,
        invoices.issued_at,
        invoices.due_at,
        invoices.amount,
        coalesce(payments.amount_paid, 0) as amount_paid,
        invoices.amount - coalesce(payments.amount_paid, 0) as amount_open,
        invoices.currency,
        payments.last_payment_at,
        greatest(invoices.loaded_at, payments.loaded_at, customers.loaded_at) as loaded_at
    from invoices
    left join payments on payments.invoice_id = invoices.invoice_id
    left join customers on customers.customer_id = invoices.customer_id
)

select
    invoice_id,
    customer_id,
    customer_name,
    billing_email,
    timezone,
    case
        when amount_open <= 0 then 'paid'
        when amount_paid > 0 then 'partially_paid'
        else 'open'
    end as status,
    issued_at,
    due_at,
    amount,
    amount_paid,
    amount_open,
    currency,
    last_payment_at,
    'https://pay.example.com/i/' || invoice_id as payment_link,
    loaded_at
from joined
