{#- Who is granted to, as Redshift's GRANT and REVOKE take it; in place of the macro of dbt-redshift, which writes every name as
    it is. The user that IAM makes for a role or a user of its own, IAMR:name or IAM:name, is a name in quotes only. -#}
{% macro redshift__format_grantees(grantees) %}
    {%- set formatted = [] -%}
    {%- for grantee in grantees -%}
        {%- set kind, _, name = grantee.partition(':') -%}
        {%- if kind in ('group', 'role') -%}
            {%- do formatted.append(kind ~ ' ' ~ name) -%}
        {%- else -%}
            {%- set user = name if kind == 'user' else grantee -%}
            {%- do formatted.append(adapter.quote(user) if ':' in user else user) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(formatted) }}
{% endmacro %}
