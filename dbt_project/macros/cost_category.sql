{#-
  What a line item is, by the type that AWS gives it. Usage goes to the team that caused it; everything else has no user
  and is shared. Covered usage and its negation cancel each other where they stand, so both are usage.
-#}
{% macro cost_category(line_item_type, service, commitment_id) -%}
    case
        when {{ line_item_type }} = 'Tax' then 'tax'
        when {{ line_item_type }} = 'Refund' then 'refund'
        when {{ line_item_type }} = 'Credit' or {{ line_item_type }} like '%Discount' then 'credit'
        when {{ line_item_type }} in ('RIFee', 'SavingsPlanUpfrontFee', 'SavingsPlanRecurringFee') then 'commitment'
        when {{ line_item_type }} = 'Fee' and {{ commitment_id }} is not null then 'commitment'
        when {{ line_item_type }} = 'Fee' and {{ service }} like '%Support%' then 'support'
        when {{ line_item_type }} = 'Fee' then 'fee'
        else 'usage'
    end
{%- endmacro %}
