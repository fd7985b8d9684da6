{#- Whole cents as US dollars, exact: decimals all the way, never a division. -#}
{% macro cents_to_usd(cents) -%}
    cast({{ cents }} * cast(0.01 as decimal(3, 2)) as decimal(18, 2))
{%- endmacro %}


{#- The sum of dollar amounts, brought back from the wider decimal that both warehouses widen it to. -#}
{% macro sum_usd(amount_usd) -%}
    cast(coalesce(sum({{ amount_usd }}), 0) as decimal(18, 2))
{%- endmacro %}


{#- The mean of dollar amounts, rounded half up to the cent. Counted in cents, because the warehouses' own
    round() disagree on a half. -#}
{% macro average_usd(amount_usd) -%}
    {%- set sum_cents = "cast(" ~ sum_usd(amount_usd) ~ " * 100 as bigint)" -%}
    {%- set mean_cents = "cast(" ~ sum_cents ~ " as double precision) / nullif(cast(count(" ~ amount_usd ~ ") as double precision), 0)" -%}
    {{ cents_to_usd("cast(floor(" ~ mean_cents ~ " + 0.5) as bigint)") }}
{%- endmacro %}


{#- The quotient in double precision as it is, for what is computed further; null when the divisor is 0. -#}
{% macro quotient(dividend, divisor) -%}
    cast({{ dividend }} as double precision) / nullif(cast({{ divisor }} as double precision), 0)
{%- endmacro %}


{#- The quotient in double precision, rounded to 10 decimals; null when the divisor is 0. -#}
{% macro ratio(dividend, divisor) -%}
    round({{ quotient(dividend, divisor) }}, 10)
{%- endmacro %}


{#- The least price in whole cents that leaves this share of it above the cost. Counted in millionths of a price and
    rounded up once, so that a price that fits exactly is found. -#}
{% macro least_price_usd(cost_usd, margin_ratio) -%}
    {%- if margin_ratio is not number or margin_ratio < 0 or margin_ratio >= 1 -%}
        {{ exceptions.raise_compiler_error("a margin must be a number from 0 to less than 1: " ~ margin_ratio) }}
    {%- endif -%}
    {%- set cost_millionths = ((1 - margin_ratio) * 1000000) | round | int -%}
    {%- set cost_cents = "cast(" ~ cost_usd ~ " * 100 as bigint)" -%}
    {{ cents_to_usd("cast(ceiling(cast(" ~ cost_cents ~ " * 1000000 as double precision) / " ~ cost_millionths ~ ") as bigint)") }}
{%- endmacro %}
