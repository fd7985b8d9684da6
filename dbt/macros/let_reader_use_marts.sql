{#- On Redshift, the right to use the schema of the marts, for whom RETAIL_REDSHIFT_READER names: a user, group:name,
    role:name, or IAMR:name. What may be read in it is granted model by model. -#}
{% macro let_reader_use_marts() -%}
    {%- set reader = env_var('RETAIL_REDSHIFT_READER', '') -%}
    {%- if target.type == 'redshift' and reader and flags.WHICH in ('build', 'run', 'retry') -%}
        grant usage on schema {{ adapter.quote(generate_schema_name('data_mart', none) | trim) }} to {{ redshift__format_grantees([reader])[0] }}
    {%- endif -%}
{%- endmacro %}
