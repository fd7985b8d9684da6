{#- The text of an ISO date that exists, or an error: what passes is safe inside an SQL string. -#}
{% macro iso_date(value) %}
    {%- set text = value | string -%}
    {%- set is_iso = modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', text) is not none -%}
    {%- if is_iso -%}
        {%- set year, month, day = text[:4] | int, text[5:7] | int, text[8:] | int -%}
        {%- set is_leap_year = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) -%}
        {%- set days_in_month = [31, 29 if is_leap_year else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] -%}
    {%- endif -%}
    {%- if not is_iso or year < 1 or month not in range(1, 13) or day not in range(1, days_in_month[month - 1] + 1) -%}
        {{ exceptions.raise_compiler_error("as_of is not a date YYYY-MM-DD: " ~ text) }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}


{#- A query of one row, as_of_date: the day the figures are drawn up for, which is the var `as_of`, else the variable
    RETAIL_AS_OF of the environment, else the last order date of `orders` that is not after the day its file was
    delivered. A var that is another makes dbt parse the whole project again, and so would a variable that is read while
    it parses. -#}
{% macro as_of_date(orders) -%}
    {%- set as_of = var('as_of', none) -%}
    {%- if as_of is none and execute -%}
        {%- set as_of = env_var('RETAIL_AS_OF', '') or none -%}
    {%- endif -%}
    {%- if as_of is none -%}
        select max(order_date) as as_of_date from {{ orders }} where not is_dated_after_delivery
    {%- else -%}
        select cast('{{ iso_date(as_of) }}' as date) as as_of_date
    {%- endif -%}
{%- endmacro %}


{#- The same date some months earlier, or the last day of that month: by months, never by years, because Redshift's
    dateadd clamps only months at the end of February. -#}
{% macro months_before(count, date_expression) -%}
    cast({{ dbt.dateadd('month', -count, date_expression) }} as date)
{%- endmacro %}


{#- The body of the CTE `as_of` (one row) that the conditions below read. -#}
{% macro as_of_period(orders) %}
    select
        as_of_date,
        {{ months_before(12, 'as_of_date') }} as year_before_date,
        {{ months_before(24, 'as_of_date') }} as two_years_before_date
    from ({{ as_of_date(orders) }}) as given
{% endmacro %}


{#- Whether a date counts at all: no later than as_of. -#}
{% macro is_until_as_of(date_column) -%}
    {{ date_column }} <= as_of.as_of_date
{%- endmacro %}


{#- Whether a date lies in the last year: the 12 months that end on as_of, that day included. -#}
{% macro is_in_last_year(date_column) -%}
    ({{ date_column }} > as_of.year_before_date and {{ is_until_as_of(date_column) }})
{%- endmacro %}


{#- Whether a date lies in the 12 months before the last year. -#}
{% macro is_in_previous_year(date_column) -%}
    ({{ date_column }} > as_of.two_years_before_date and {{ date_column }} <= as_of.year_before_date)
{%- endmacro %}


{#- Whether a store was open in all of the last year and the year before: its first order is older than both. -#}
{% macro was_open_in_both_years(first_order_date) -%}
    {{ first_order_date }} <= as_of.two_years_before_date
{%- endmacro %}
