{#- Counts the records that a later one with the same key has replaced: deliveries of the same thing again. Nothing is
    wrong with them, staging keeps the last version; so it belongs with `severity: warn`. -#}
{% test superseded_versions(model, key_columns) %}
    {{ config(severity='warn', fail_calc='coalesce(sum(superseded_count), 0)') }}

    select
        {{ key_columns | join(', ') }},
        cast(count(*) - 1 as bigint) as superseded_count
    from {{ model }}
    group by {{ key_columns | join(', ') }}
    having count(*) > 1
{% endtest %}
