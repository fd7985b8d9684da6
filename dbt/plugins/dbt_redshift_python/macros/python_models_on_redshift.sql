{#-
    Materializations of the Redshift adapter for Python models. A SQL model goes to the adapter's own, unchanged; a
    Python model is run by dbt_redshift_python, which makes the table that REDSHIFT_TARGET names within the transaction.
-#}

{% materialization table, adapter='redshift', supported_languages=['sql', 'python'] %}
    {% if model.language == 'sql' %}
        {{ return(dbt.materialization_table_redshift()) }}
    {% endif %}
    {% set plan = prepare_python_table(load_cached_relation(this)) %}
    {% call statement('main', language='python') %}{{ python_with_target(plan.made, is_temporary=False) }}{% endcall %}
    {{ return(put_python_table_in_place(plan)) }}
{% endmaterialization %}


{% materialization incremental, adapter='redshift', supported_languages=['sql', 'python'] %}
    {% if model.language == 'sql' %}
        {{ return(dbt.materialization_incremental_default()) }}
    {% endif %}
    {% set old = load_cached_relation(this) %}
    {% if old is none or not old.is_table or should_full_refresh() %}
        {% set plan = prepare_python_table(old) %}
        {% call statement('main', language='python') %}{{ python_with_target(plan.made, is_temporary=False) }}{% endcall %}
        {{ return(put_python_table_in_place(plan)) }}
    {% endif %}

    {% set target = this.incorporate(type='table') %}
    {% set added = make_temp_relation(target) %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% set held = adapter.get_columns_in_relation(old) %}
    {% call statement('python', language='python') %}{{ python_with_target(added, is_temporary=True, held=held) }}{% endcall %}
    {% do adapter.expand_target_column_types(from_relation=added, to_relation=target) %}
    {% set on_change = incremental_validate_on_schema_change(config.get('on_schema_change'), default='ignore') %}
    {% if on_change in ['ignore', 'append_new_columns'] %}
        {% do require_kept_values(adapter.get_columns_in_relation(added), held) %}
    {% endif %}
    {% set columns = process_schema_changes(on_change, added, old) or held %}
    {% do require_columns(columns, adapter.get_columns_in_relation(added)) %}
    {% set add_rows = adapter.get_incremental_strategy_macro(context, config.get('incremental_strategy') or 'default') %}
    {% call statement('main') %}
        {{ add_rows({
            'target_relation': target,
            'temp_relation': added,
            'unique_key': config.get('unique_key'),
            'dest_columns': columns,
            'incremental_predicates': config.get('predicates') or config.get('incremental_predicates'),
        }) }}
    {% endcall %}
    {% call statement('drop_added') %}drop table {{ added }}{% endcall %}
    {{ return(finish_python_table(old, full_refresh=False)) }}
{% endmaterialization %}


{% macro prepare_python_table(old) %}
    {#- The names of the table that is to be made, of the one that it replaces, and of that one when it is put aside. -#}
    {% set target = this.incorporate(type='table') %}
    {% set made = make_intermediate_relation(target) %}
    {% set aside = make_backup_relation(target, 'table' if old is none else old.type) %}
    {{ drop_relation_if_exists(load_cached_relation(made)) }}
    {{ drop_relation_if_exists(load_cached_relation(aside)) }}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {{ return({'made': made, 'old': old, 'aside': aside}) }}
{% endmacro %}


{% macro put_python_table_in_place(plan) %}
    {#- Swap the tables in the transaction that has made the new one. -#}
    {% if plan.old is not none and plan.old.can_be_renamed %}
        {% do adapter.rename_relation(plan.old, plan.aside) %}
    {% elif plan.old is not none %}
        {{ drop_relation_if_exists(plan.old) }}
    {% endif %}
    {% do adapter.rename_relation(plan.made, this.incorporate(type='table')) %}
    {{ return(finish_python_table(plan.old, full_refresh=True, replaced=plan.aside)) }}
{% endmacro %}


{% macro finish_python_table(old, full_refresh, replaced=none) %}
    {#- Hooks, grants and comments, the commit, and the end of what was replaced. -#}
    {% set target = this.incorporate(type='table') %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% set revoke = should_revoke(old, full_refresh_mode=full_refresh) %}
    {% do apply_grants(target, config.get('grants'), should_revoke=revoke) %}
    {% do persist_docs(target, model) %}
    {% do adapter.commit() %}
    {% if replaced is not none %}
        {{ drop_relation_if_exists(replaced) }}
    {% endif %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmacro %}


{% macro python_with_target(relation, is_temporary, held=[]) %}
    {#- The model with what it is to be written to; as JSON within a text, which Python reads as dbt wrote it. -#}
    {% set types = {} %}
    {% for column in held %}
        {% do types.update({column.name: column.data_type}) %}
    {% endfor %}
    {% set declared = {} %}
    {% for column in model.columns.values() if column.data_type %}
        {% do declared.update({column.name: column.data_type}) %}
    {% endfor %}
    {% set options %}
        {%- if not is_temporary -%}
            {{ 'backup no ' if config.get('backup') == false }}{{ dist(config.get('dist')) }} {{ sort(config.get('sort_type'), config.get('sort')) }}
        {%- endif -%}
    {% endset %}
{{ compiled_code }}

REDSHIFT_TARGET = {{ tojson(tojson({
    'relation': relation | string,
    'is_temporary': is_temporary,
    'declared': declared,
    'held': types,
    'options': options | trim,
})) }}
{% endmacro %}


{% macro require_columns(wanted, found) %}
    {#- A clear error where an incremental model no longer returns a column that its table has. -#}
    {% set names = found | map(attribute='name') | map('lower') | list %}
    {% for column in wanted if column.name | lower not in names %}
        {{ exceptions.raise_compiler_error(
            model.original_file_path ~ ': the model did not return the column ' ~ column.name ~ ', which its table has. '
            ~ 'Return it, set on_schema_change to sync_all_columns, or build anew with --full-refresh.'
        ) }}
    {% endfor %}
{% endmacro %}


{% macro require_kept_values(returned, held) %}
    {#- A clear error where a column of an incremental model would lose what its table has no place for. -#}
    {% set types = {} %}
    {% for column in held %}
        {% do types.update({column.name | lower: column.data_type | lower}) %}
    {% endfor %}
    {% for column in returned if column.name | lower in types %}
        {% set old, new = types[column.name | lower], column.data_type | lower %}
        {% set is_cut = 'int' in old and new.startswith(('double', 'float', 'real', 'decimal', 'numeric')) %}
        {% if is_cut or old == 'date' and new.startswith('timestamp') %}
            {{ exceptions.raise_compiler_error(
                model.original_file_path ~ ': the model returned the column ' ~ column.name ~ ' as ' ~ new
                ~ ', which its table has as ' ~ old ~ '; values would be cut off. Cast it in the model, set '
                ~ 'on_schema_change to sync_all_columns, or build anew with --full-refresh.'
            ) }}
        {% endif %}
    {% endfor %}
{% endmacro %}
