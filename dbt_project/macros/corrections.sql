{#-
  An append source takes each file once. If a file comes again under its name with other content, the loader puts its rows
  in place of the earlier ones, so rows that were built from may be gone. That is rare, and telling which rows of a model
  it touched is not worth it: a model counts the corrections it was built with (column `corrections`, the same in all of
  its rows) and is built from the beginning when there has been another one.
-#}

{#- How many files of these append sources have been corrected so far, by the ledger of loads. -#}
{% macro corrections_of(sources) -%}
    (
        select count(*)
        from alerting.loads
        where source in ({% for name in sources %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %}) and status = 'replaced'
    )
{%- endmacro %}

{#- When a corrected file of these append sources was last loaded; NULL if none ever was. -#}
{% macro last_correction_of(sources) -%}
    (
        select max(newer.started_at)
        from alerting.loads as newer
        inner join alerting.loads as older on older.source = newer.source and older.file = newer.file
        where
            newer.source in ({% for name in sources %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %})
            and older.status = 'replaced'
            and older.load_id < newer.load_id
            and newer.status in ('loaded', 'replaced')
    )
{%- endmacro %}

{#- How many corrections the rows of a model were built with; a model without rows has none. -#}
{% macro corrections_in(relation) -%}
    coalesce((select corrections from {{ relation }} limit 1), 0)
{%- endmacro %}

{#- Before a build: forget everything if it was built with another number of corrections than there are now. -#}
{% macro forget_if_corrected(now) -%}
    {%- if is_incremental() -%}
        delete from {{ this }} where (select corrections from {{ this }} limit 1) <> {{ now }}
    {%- endif -%}
{%- endmacro %}

{#- The number to write into new rows: that of the rows there are, so that it is the same in all of them. -#}
{% macro corrections_stamp(now) -%}
    {%- if is_incremental() -%}
        coalesce((select corrections from {{ this }} limit 1), {{ now }})
    {%- else -%}
        {{ now }}
    {%- endif -%}
{%- endmacro %}
