{#- The custom schema as it stands, so that the schemas are called the same on every target; RETAIL_SCHEMA_PREFIX comes
    before it, for those who share a Redshift database. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ env_var('RETAIL_SCHEMA_PREFIX', '') }}{{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
