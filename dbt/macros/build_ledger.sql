{#- The proof of a build lies in the warehouse, beside what it proves (docs/adr/0010). The gate (int_build_gate) says
    which invocation of dbt the marts come from, ops.build_ledger whether it passed as a whole. -#}

{#- The gate where it has been built, else none. -#}
{% macro build_gate() -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.int_build_gate'] -%}
    {{ return(existing_table(node.database, node.schema, node.alias)) }}
{%- endmacro %}


{#- A table's relation, or none where there is no such table. Not by dbt's cache, whose own look-up leaves a transaction
    open: a hook's statement would be rolled back with it. -#}
{% macro existing_table(database, schema, name) -%}
    {%- set found = run_query(
        "select 1 from information_schema.tables where table_schema = '" ~ schema ~ "' and table_name = '" ~ name ~ "'"
    ) -%}
    {{ return(api.Relation.create(database=database, schema=schema, identifier=name) if found.rows | length else none) }}
{%- endmacro %}


{#- A hash of the seeds' content, and of the classes that a profile has in place of one: a KPI reads them itself, so a seed that changes alone makes the marts another build. -#}
{% macro seeds_md5() -%}
    {%- set checksums = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'seed') | sort(attribute='unique_id') -%}
            {%- do checksums.append(node.name ~ ' ' ~ node.checksum.checksum) -%}
        {%- endfor -%}
        {%- if var('customer_classes', none) -%}
            {%- do checksums.append(tojson(var('customer_classes'))) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(local_md5(checksums | join('|'))) }}
{%- endmacro %}


{#- on-run-start: where the invocation writes to data_mart without passing the gate, or brings other seeds, the gate
    gets its id, so that the marts are no longer those of a passed build; before anything is written, lest it be killed. -#}
{% macro disown_marts() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'snapshot', 'retry') -%}
        {%- set marts_schema = generate_schema_name('data_mart', none) | trim -%}
        {%- set touched = [] -%}
        {%- for id in selected_resources if id in graph.nodes and graph.nodes[id].schema == marts_schema -%}
            {%- do touched.append(graph.nodes[id].resource_type | string) -%}
        {%- endfor -%}
        {%- set is_past_gate = 'model.' ~ project_name ~ '.int_build_gate' in selected_resources -%}
        {%- set gate = build_gate() if 'model' in touched or 'snapshot' in touched or 'seed' in touched else none -%}
        {%- if gate and not is_past_gate and ('model' in touched or 'snapshot' in touched) -%}
            update {{ gate }} set build_id = '{{ invocation_id }}'
        {%- elif gate and 'seed' in touched -%}
            update {{ gate }} set build_id = '{{ invocation_id }}' where seeds_md5 <> '{{ seeds_md5() }}'
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- Where builds are recorded, if there is a warehouse to record them in, else none. -#}
{% macro build_ledger() -%}
    {%- set ledger = source('ops', 'load_ledger') -%}
    {%- if existing_table(ledger.database, ledger.schema, ledger.identifier) is none -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(api.Relation.create(database=ledger.database, schema=ledger.schema, identifier='build_ledger')) }}
{%- endmacro %}


{#- on-run-end: the table that `flows.ingest` makes (BUILD_COLUMNS in flows/warehouse/builds.py), if it is missing. -#}
{% macro make_build_ledger() -%}
    {%- if execute and flags.WHICH == 'build' and build_ledger() -%}
        create table if not exists {{ build_ledger() }} (
            build_id varchar(64),
            run_id varchar(64),
            ledger_sha256 varchar(64),
            project_sha256 varchar(64),
            as_of date,
            passed boolean,
            findings varchar(65535),
            built_at timestamp
        )
    {%- endif -%}
{%- endmacro %}


{#- on-run-end: one row for this `dbt build`. It passed if every node and test of the project is among its results, all
    well, and no file was loaded meanwhile. `flows.transform` writes the row anew, with what only it knows: its run, the
    hash of the project, and the attempts before a retry. -#}
{% macro record_build(results) -%}
    {%- if execute and flags.WHICH == 'build' and build_ledger() and build_gate() -%}
        insert into {{ build_ledger() }} (build_id, run_id, ledger_sha256, project_sha256, as_of, passed, findings, built_at)
        select
            '{{ invocation_id }}',
            cast(null as varchar(64)),
            ledger.ledger_sha256,
            cast(null as varchar(64)),
            gate.as_of_date,
            {{ 'true' if is_whole_build(results) else 'false' }} and gate.build_id is not null,
            '{{ build_findings(results) | replace("'", "''") }}',
            {{ utc_timestamp() }}
        from ({{ ledger_sha256() }}) as ledger
        left join {{ build_gate() }} as gate
            on gate.build_id = '{{ invocation_id }}'
            and gate.ledger_sha256 = ledger.ledger_sha256
    {%- endif -%}
{%- endmacro %}


{#- Whether every node and test of the project ran and is well; nothing was left out, limited or sampled. -#}
{% macro is_whole_build(results) -%}
    {%- set well = ['success', 'pass', 'warn', 'no-op'] -%}
    {%- set kinds = ['model', 'seed', 'snapshot', 'test'] -%}
    {%- set passed = [] -%}
    {%- set faults = [] -%}
    {%- for result in results -%}
        {%- do (passed if result.status | string in well else faults).append(result.node.unique_id) -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() if node.resource_type in kinds and node.config.materialized != 'ephemeral' -%}
        {%- if node.unique_id not in passed -%}
            {%- do faults.append(node.unique_id) -%}
        {%- endif -%}
    {%- endfor -%}
    {#- unit tests are not in `graph`: they are in the results, unless an option left some out -#}
    {%- for option in ('sample', 'select', 'exclude', 'selector', 'resource_types', 'exclude_resource_types') -%}
        {%- if invocation_args_dict.get(option) -%}
            {%- do faults.append(option) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if flags.EMPTY -%}  {#- not among the arguments -#}
        {%- do faults.append('empty') -%}
    {%- endif -%}
    {{ return(faults == []) }}
{%- endmacro %}


{#- What a report says beside the numbers, as JSON: `counts` of the tests that only warn, `amounts_usd` of those that
    tell one, `totals` of the ledger. -#}
{% macro build_findings(results) -%}
    {%- set counts, amounts = {}, {} -%}
    {%- for result in results if result.status | string == 'warn' -%}
        {%- set finding = result.node.name | replace('warn_', '') | replace('_', ' ') -%}
        {%- do counts.update({finding: result.failures}) -%}
        {%- if 'amount_usd' in (result.node.compiled_code or '') -%}
            {%- set row = run_query("select sum(amount_usd) from (" ~ result.node.compiled_code ~ ") as findings").rows[0] -%}
            {%- do amounts.update({finding: row[0] | string}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set row = run_query(
        "select count(*), sum(rows_in), sum(rows_loaded), sum(rows_quarantined) from " ~ source('ops', 'load_ledger')
    ).rows[0] -%}
    {%- set totals = {
        'files': row[0] | int, 'rows_in': row[1] | int, 'rows_loaded': row[2] | int, 'rows_quarantined': row[3] | int
    } -%}
    {{ return(tojson({'counts': counts, 'amounts_usd': amounts, 'totals': totals})) }}
{%- endmacro %}
