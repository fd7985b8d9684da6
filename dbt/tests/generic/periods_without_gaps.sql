{#- The periods of each key begin on the first day, follow each other without gap or overlap, and end open. -#}
{% test periods_without_gaps(model, key_column) %}
    select
        {{ key_column }},
        valid_from_date,
        valid_to_date,
        next_from_date
    from (
        select
            {{ key_column }},
            valid_from_date,
            valid_to_date,
            lag(valid_to_date) over (partition by {{ key_column }} order by valid_from_date) as previous_to_date,
            lead(valid_from_date) over (partition by {{ key_column }} order by valid_from_date) as next_from_date
        from {{ model }}
    ) as periods
    where valid_from_date >= valid_to_date
        or coalesce(next_from_date, {{ open_end() }}) <> valid_to_date
        or coalesce(previous_to_date, {{ first_day() }}) <> valid_from_date
{% endtest %}
