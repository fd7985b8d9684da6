{#- Counts the records that a later one of the same thing has replaced: deliveries of it again. Nothing is wrong with them,
    staging keeps the last version; so it belongs with `severity: warn`. The same thing has the same key and the same
    values in the columns that no correction changes (reused_keys has the others). -#}
{% test superseded_versions(model, key_columns, identity_columns=[]) %}
    {{ config(severity='warn', fail_calc='coalesce(sum(superseded_count), 0)') }}
    {%- set key = key_columns | join(', ') %}
    {%- set thing = (key_columns + identity_columns) | join(', ') %}

    select
        {{ thing }},
        cast(count(*) - 1 as bigint) as superseded_count
    from {{ model }}
    {%- if identity_columns %}
    where {{ may_be_twice(model, key) }}
    {%- endif %}
    group by {{ thing }}
    having count(*) > 1
{% endtest %}
