-- Whatever way the bill is told again, it is the bill: to the last digit.
select billing_period, currency, unallocated, unamortized, unexplained
from {{ ref('bill_reconciliation') }}
where unallocated <> 0 or unamortized is distinct from 0 or coalesce(unexplained, 0) <> 0
