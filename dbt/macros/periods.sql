{#- The day from which the first version of anything is valid: the beginning. -#}
{% macro first_day() -%}
    cast('1900-01-01' as date)
{%- endmacro %}


{#- The day until which the newest version of anything is valid: further notice. -#}
{% macro open_end() -%}
    cast('9999-12-31' as date)
{%- endmacro %}
