{#- Tests that compare whole tables row by row. On DuckDB they first compare what their rows come to: their number and
    the sum of their hashes, found by reading, without a join. Only where these differ is there a row in the CTE `doubt`,
    and only then are the tables read anew and joined to name the rows: what is read where `doubt` is empty ends at once.
    A sum, unlike an exclusive or, counts a row that is there twice; the outer hash is there because DuckDB joins the
    hashes of columns by exclusive or, so that values exchanged between two rows could cancel. Redshift always joins. -#}


{#- The body of the CTE `doubt`: a row for each pair of row_sum queries that differ. -#}
{% macro find_doubt(pairs) -%}
    {{ return(adapter.dispatch('find_doubt')(pairs)) }}
{%- endmacro %}


{% macro default__find_doubt(pairs) -%}
    select 1 as is_doubtful
{%- endmacro %}


{% macro duckdb__find_doubt(pairs) -%}
    {%- for left, right in pairs %}
    select 1 as is_doubtful
    from ({{ left }}) as left_sum
    cross join ({{ right }}) as right_sum
    where coalesce(left_sum.counted, 0) <> coalesce(right_sum.counted, 0)
        or left_sum.hash_sum <> right_sum.hash_sum
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}
{%- endmacro %}


{#- All rows of a relation where there is doubt, else none. -#}
{% macro doubted(relation) -%}
    select * from {{ relation }}{{ where_doubt() }}
{%- endmacro %}


{% macro where_doubt() -%}
    {{ return(adapter.dispatch('where_doubt')()) }}
{%- endmacro %}


{% macro default__where_doubt() -%}
{%- endmacro %}


{% macro duckdb__where_doubt() %}
    where exists (select 1 from doubt)
{%- endmacro %}


{#- A row wherever a query has one, on DuckDB; on Redshift always: the body of a CTE `doubt` of a test's own. -#}
{% macro doubt_where(query) -%}
    {{ return(adapter.dispatch('doubt_where')(query)) }}
{%- endmacro %}


{% macro default__doubt_where(query) -%}
    select 1 as is_doubtful
{%- endmacro %}


{% macro duckdb__doubt_where(query) -%}
    {{ query }}
{%- endmacro %}


{#- What the rows of a relation come to; the columns are SQL expressions, of the same type on both sides. -#}
{% macro row_sum(relation, columns) -%}
    {{ duckdb__row_sums(relation, {'': {'columns': columns}}) }}
{%- endmacro %}


{#- The body of a CTE of several sums of the same rows, read once: name → columns and, where each row counts so many times,
    times. -#}
{% macro row_sums(relation, sums) -%}
    {{ return(adapter.dispatch('row_sums')(relation, sums)) }}
{%- endmacro %}


{% macro default__row_sums(relation, sums) -%}
    select 1 as is_not_summed
{%- endmacro %}


{% macro duckdb__row_sums(relation, sums) -%}
    select
        {%- for name, sum in sums.items() %}
        {%- set row_hash = "hash(hash(" ~ sum.columns | join(', ') ~ "))" %}
        {{ 'sum(' ~ sum.times ~ ')' if sum.times else 'count(*)' }} as {{ name }}counted,
        coalesce(sum({{ row_hash ~ ' * ' ~ sum.times if sum.times else row_hash }}), 0) as {{ name }}hash_sum
        {{- '' if loop.last else ',' }}
        {%- endfor %}
    from {{ relation }}
{%- endmacro %}


{#- One of several sums, as row_sum has it. -#}
{% macro one_sum(cte, name) -%}
    select
        {{ name }}counted as counted,
        {{ name }}hash_sum as hash_sum
    from {{ cte }}
{%- endmacro %}
