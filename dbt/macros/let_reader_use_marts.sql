{#- On Redshift, the right to use the schema of the marts, for whom RETAIL_REDSHIFT_READER names: a user, group:name or
    role:name. What may be read in it is granted model by model. -#}
{% macro let_reader_use_marts() -%}
    {%- set reader = env_var('RETAIL_REDSHIFT_READER', '') -%}
    {%- if target.type == 'redshift' and reader and flags.WHICH in ('build', 'run', 'retry') -%}
        {%- set kind, _, name = reader.rpartition(':') -%}
        grant usage on schema {{ adapter.quote(generate_schema_name('data_mart', none) | trim) }} to {{ kind if kind in ('group', 'role') }} {{ name }}
    {%- endif -%}
{%- endmacro %}
