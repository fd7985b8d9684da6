{#- How dbt casts the values of a unit test's rows. To Redshift a text that is cast to a VARCHAR without a length is a constant,
    and no window is partitioned by one (dbt-labs/dbt-adapters #1856); with a length it is not. -#}
{% macro redshift__safe_cast(field, type) -%}
    cast({{ field }} as {{ 'character varying(1024)' if type == 'character varying' else type }})
{%- endmacro %}
