-- What Redshift has and PostgreSQL lacks: types' behaviour, functions and system views. Run once, by the superuser.
set allow_system_table_mods = on;

create schema standin;
grant usage, create on schema standin to public;

-- r_Character_types: the length of CHAR and VARCHAR is in bytes; a cast cuts at a character, an INSERT that is too long fails
create function standin.fit_bytes(value text, size int, is_explicit boolean, type_name text) returns text
language plpgsql immutable strict as $$
declare cut text;
begin
  if octet_length(value) <= size then return value; end if;
  if not is_explicit then
    raise exception using errcode = '22001', message = format('value too long for type %s(%s)', type_name, size);
  end if;
  cut := left(value, size);
  while octet_length(cut) > size loop cut := left(cut, length(cut) - 1); end loop;
  return cut;
end $$;
create function standin.fit_varchar(varchar, int, boolean) returns varchar language plpgsql immutable strict as $$
begin
  if $2 < 5 or octet_length($1) <= $2 - 4 then return $1; end if;
  return standin.fit_bytes(case when $3 then $1 else standin.rtrim_to($1, $2 - 4) end, $2 - 4, $3, 'character varying');
end $$;
create function standin.rtrim_to(value text, size int) returns text language sql immutable strict as $$
  select case when octet_length(rtrim(value, ' ')) <= size then rpad(rtrim(value, ' '), size - octet_length(rtrim(value, ' ')) + length(rtrim(value, ' '))) else value end $$;
create function standin.fit_char(bpchar, int, boolean) returns bpchar language plpgsql immutable strict as $$
begin
  if $2 < 5 or octet_length($1::text) = $2 - 4 then return $1; end if;
  return rpad(standin.fit_bytes($1::text, $2 - 4, $3, 'character'), $2 - 4);
end $$;
update pg_cast set castfunc = 'standin.fit_varchar(varchar, int, boolean)'::regprocedure
  where castsource = 'varchar'::regtype and casttarget = 'varchar'::regtype;
update pg_cast set castfunc = 'standin.fit_char(bpchar, int, boolean)'::regprocedure
  where castsource = 'bpchar'::regtype and casttarget = 'bpchar'::regtype;

-- Casts between BOOLEAN and texts: there are none (dbt-labs/dbt-utils #1016, elementary #1540). A literal is no text yet.
create function standin.refuse_cast(source text, target text) returns void language plpgsql immutable as $$
begin
  raise exception using errcode = '42846', message = format('cannot cast type %s to %s', source, target);
end $$;
do $$
declare kind text;
begin
  foreach kind in array array['text', 'varchar', 'bpchar'] loop
    execute format('create function standin.boolean_to_%1$s(boolean) returns %1$s language plpgsql immutable as
      $f$ begin perform standin.refuse_cast(''boolean'', ''character varying''); return null; end $f$', kind);
    execute format('create function standin.boolean_of_%1$s(%1$s) returns boolean language plpgsql immutable as
      $f$ begin perform standin.refuse_cast(''character varying'', ''boolean''); return null; end $f$', kind);
    execute format('update pg_cast set castfunc = ''standin.boolean_to_%1$s(boolean)''::regprocedure
      where castsource = ''boolean''::regtype and casttarget = %1$L::regtype', kind);
    execute format('create cast (%1$s as boolean) with function standin.boolean_of_%1$s(%1$s)', kind);
  end loop;
end $$;

-- r_CREATE_VIEW, WITH NO SCHEMA BINDING: the view reads through a function, which PostgreSQL binds only when it is run
create function standin.create_late_binding_view(name text, query text, is_replace boolean) returns void language plpgsql as $$
declare columns text; reader text := 'standin.' || quote_ident('view_' || md5(name || clock_timestamp()::text));
begin
  execute 'create temp view standin_probe as ' || query;
  select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum) into columns
    from pg_attribute where attrelid = 'pg_temp.standin_probe'::regclass and attnum > 0;
  drop view pg_temp.standin_probe;
  execute format('create function %s() returns table(%s) language plpgsql as $f$ #variable_conflict use_column
    begin return query execute %L; end $f$', reader, columns, query);
  execute format('create %s view %s as select * from %s()', case when is_replace then 'or replace' else '' end, name, reader);
end $$;

-- r_DROP_ROLE: a role that somebody has is dropped by FORCE alone
create function standin.drop_role(name text, is_forced boolean) returns void language plpgsql as $$
begin
  if not is_forced and exists (select 1 from pg_auth_members where roleid = name::regrole) then
    raise exception using errcode = '2BP01', message = 'cannot drop this role since it has been granted on a user';
  end if;
  execute 'drop role ' || name;
end $$;

create or replace function pg_catalog.version() returns text language sql stable as $$
  select 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.180534' $$;
create function pg_catalog.pg_last_copy_count() returns bigint language sql stable as $$
  select coalesce(nullif(current_setting('standin.last_copy_count', true), ''), '0')::bigint $$;

-- Date functions
create function pg_catalog.getdate() returns timestamp language sql stable as $$ select date_trunc('second', statement_timestamp() at time zone 'utc') $$;
create function standin.steps(part text, n bigint) returns interval language sql immutable as $$
  select case part
    when 'year' then make_interval(years => n::int) when 'quarter' then make_interval(months => 3 * n::int)
    when 'month' then make_interval(months => n::int) when 'week' then make_interval(weeks => n::int)
    when 'day' then make_interval(days => n::int) when 'dow' then make_interval(days => n::int)
    when 'doy' then make_interval(days => n::int) when 'hour' then make_interval(hours => n::int)
    when 'minute' then make_interval(mins => n::int) when 'second' then make_interval(secs => n)
    when 'millisecond' then n * interval '1 millisecond' when 'microsecond' then n * interval '1 microsecond' end $$;
-- r_DATEADD_function, "Example with a leap year": a year after 29 February is 1 March, twelve months after it 28 February
create function standin.leapt(part text, before timestamp, after timestamp) returns timestamp language sql immutable as $$
  select case when part = 'year' and to_char(before, 'MMDD') = '0229' and to_char(after, 'MMDD') = '0228'
    then after + interval '1 day' else after end $$;
create function pg_catalog.dateadd(text, bigint, timestamp) returns timestamp language sql immutable as $$ select standin.leapt($1, $3, $3 + standin.steps($1, $2)) $$;
create function pg_catalog.dateadd(text, bigint, timestamptz) returns timestamptz language sql stable as $$ select dateadd($1, $2, $3 at time zone 'utc') at time zone 'utc' $$;
create function pg_catalog.dateadd(text, bigint, date) returns timestamp language sql immutable as $$ select dateadd($1, $2, $3::timestamp) $$;
-- r_DATEDIFF_function: the number of boundaries between the two, not of whole units
create function pg_catalog.datediff(part text, a timestamp, b timestamp) returns bigint language sql immutable as $$
  select case part
    when 'year' then extract(year from b) - extract(year from a)
    when 'quarter' then (extract(year from b) * 4 + extract(quarter from b)) - (extract(year from a) * 4 + extract(quarter from a))
    when 'month' then (extract(year from b) * 12 + extract(month from b)) - (extract(year from a) * 12 + extract(month from a))
    when 'week' then (date_trunc('week', b + interval '1 day')::date - date_trunc('week', a + interval '1 day')::date) / 7
    when 'day' then b::date - a::date
    when 'hour' then extract(epoch from date_trunc('hour', b) - date_trunc('hour', a)) / 3600
    when 'minute' then extract(epoch from date_trunc('minute', b) - date_trunc('minute', a)) / 60
    when 'second' then extract(epoch from date_trunc('second', b) - date_trunc('second', a))
    when 'millisecond' then trunc(extract(epoch from b - a) * 1000)
    when 'microsecond' then extract(epoch from b - a) * 1000000 end::bigint $$;
create function pg_catalog.date_add(text, bigint, timestamp) returns timestamp language sql immutable as $$ select dateadd($1, $2, $3) $$;
create function pg_catalog.date_diff(text, timestamp, timestamp) returns bigint language sql immutable as $$ select datediff($1, $2, $3) $$;
create function pg_catalog.date_trunc(text, date) returns timestamp language sql immutable as $$ select date_trunc($1, $2::timestamp) $$;
create function pg_catalog.trunc(timestamp) returns date language sql immutable as $$ select $1::date $$;
create function pg_catalog.last_day(timestamp) returns date language sql immutable as $$ select (date_trunc('month', $1) + interval '1 month - 1 day')::date $$;
-- r_ADD_MONTHS: the last day of a month stays the last day
create function pg_catalog.add_months(d timestamp, n bigint) returns timestamp language sql immutable as $$
  select case when d::date = last_day(d) then last_day(d + make_interval(months => n::int))::timestamp + (d - date_trunc('day', d))
    else d + make_interval(months => n::int) end $$;
create function pg_catalog.convert_timezone(text, timestamp) returns timestamp language sql immutable as $$ select $2 at time zone 'utc' at time zone $1 $$;
create function pg_catalog.convert_timezone(text, text, timestamp) returns timestamp language sql immutable as $$ select $3 at time zone $1 at time zone $2 $$;

-- Other functions
-- r_ALTER_TABLE: only a VARCHAR column can get another size
create function standin.only_varchar(varchar) returns varchar language sql immutable as $$ select $1 $$;
create function pg_catalog.len(text) returns int language sql immutable as $$ select length($1) $$;
create function pg_catalog.charindex(text, text) returns int language sql immutable as $$ select strpos($2, $1) $$;
create function pg_catalog.round(double precision, int) returns double precision language sql immutable as $$ select round($1::numeric, $2)::double precision $$;
create function pg_catalog.redshift_concat(text, text) returns varchar language sql immutable as $$ select ($1 || $2)::varchar $$;
create function pg_catalog.redshift_regexp_substr(text, text) returns varchar language sql immutable as $$ select coalesce(regexp_substr($1, $2), '') $$;
create function pg_catalog.sha2(text, int) returns varchar language sql immutable as $$
  select encode(case $2 when 224 then sha224(convert_to($1, 'UTF8')) when 384 then sha384(convert_to($1, 'UTF8'))
    when 512 then sha512(convert_to($1, 'UTF8')) else sha256(convert_to($1, 'UTF8')) end, 'hex') $$;
create function pg_catalog.json_parse(text) returns jsonb language sql immutable as $$ select $1::jsonb $$;
create function pg_catalog.json_serialize(jsonb) returns varchar language sql immutable as $$ select $1::text $$;
create function pg_catalog.is_valid_json(text) returns boolean language sql immutable as $$ select $1 is json object $$;
create function pg_catalog.json_extract_path_text(value text, variadic path text[]) returns varchar language sql immutable as $$ select value::jsonb #>> path $$;

-- r_AVG: BIGINT of SMALLINT and INTEGER, NUMERIC of BIGINT (that it has no decimals is unconfirmed)
create function standin.add_to_average(numeric[], numeric) returns numeric[] language sql immutable strict as $$ select array[$1[1] + 1, $1[2] + $2] $$;
create function standin.add_to_average(numeric[], bigint) returns numeric[] language sql immutable strict as $$ select array[$1[1] + 1, $1[2] + $2] $$;
create function standin.end_whole_average(numeric[]) returns bigint language sql immutable as $$ select trunc($1[2] / nullif($1[1], 0))::bigint $$;
create function standin.end_bigint_average(numeric[]) returns numeric language sql immutable as $$ select trunc($1[2] / nullif($1[1], 0)) $$;
create function standin.end_average(numeric[]) returns numeric language sql immutable as $$ select $1[2] / nullif($1[1], 0) $$;
create aggregate pg_catalog.redshift_avg(bigint) (sfunc = standin.add_to_average, stype = numeric[], initcond = '{0,0}', finalfunc = standin.end_bigint_average);
create aggregate pg_catalog.redshift_avg(numeric) (sfunc = standin.add_to_average, stype = numeric[], initcond = '{0,0}', finalfunc = standin.end_average);
create aggregate pg_catalog.redshift_avg(double precision) (sfunc = float8_accum, stype = float8[], initcond = '{0,0,0}', finalfunc = float8_avg);
create function standin.add_to_average(numeric[], int) returns numeric[] language sql immutable strict as $$ select array[$1[1] + 1, $1[2] + $2] $$;
create aggregate pg_catalog.redshift_avg(int) (sfunc = standin.add_to_average, stype = numeric[], initcond = '{0,0}', finalfunc = standin.end_whole_average);
create function standin.add_to_average(numeric[], smallint) returns numeric[] language sql immutable strict as $$ select array[$1[1] + 1, $1[2] + $2] $$;
create aggregate pg_catalog.redshift_avg(smallint) (sfunc = standin.add_to_average, stype = numeric[], initcond = '{0,0}', finalfunc = standin.end_whole_average);

-- System views
create function pg_catalog.pg_get_late_binding_view_cols() returns setof record language sql as $$
  select null::name, null::name, null::name, null::varchar, null::int where false $$;
create view pg_catalog.svv_external_columns as select null::varchar redshift_database_name, null::varchar schemaname, null::varchar tablename,
  null::varchar columnname, null::varchar external_type, null::int columnnum, null::int part_key, null::varchar is_nullable where false;
create view pg_catalog.svv_external_schemas as select null::oid esoid, null::smallint eskind, null::varchar schemaname, null::int esowner,
  null::varchar databasename, null::varchar esoptions where false;
create view pg_catalog.svv_external_tables as select null::varchar schemaname, null::varchar tablename, null::varchar location where false;
create view pg_catalog.svv_columns as select * from information_schema.columns;
create view pg_catalog.svv_redshift_columns as select table_catalog::varchar database_name, table_schema::varchar schema_name,
  table_name::varchar table_name, column_name::varchar column_name, ordinal_position::int ordinal_position, data_type::varchar data_type,
  column_default::varchar column_default, is_nullable::varchar is_nullable, 'none'::varchar encoding, false distkey, 0 sortkey,
  ''::varchar column_acl, ''::varchar remarks from information_schema.columns;
create view pg_catalog.svv_tables as select table_catalog, table_schema, table_name, table_type, ''::varchar remarks from information_schema.tables;
create view pg_catalog.svv_redshift_tables as select table_catalog::varchar database_name, table_schema::varchar schema_name, table_name::varchar
  table_name, table_type::varchar table_type, ''::varchar table_acl, ''::varchar remarks from information_schema.tables;
create view pg_catalog.svv_table_info as select current_database()::varchar database, n.nspname::varchar "schema", c.oid table_id,
  c.relname::varchar "table", 'N'::varchar encoded, 'AUTO(ALL)'::varchar diststyle, 'AUTO(SORTKEY)'::varchar sortkey1, 0::bigint max_varchar,
  'none'::char(32) sortkey1_enc, 0 sortkey_num, 1::bigint size, 0::numeric pct_used, 0::numeric empty, 0::numeric unsorted, 0::numeric stats_off,
  greatest(c.reltuples, 0)::numeric(38,0) tbl_rows, 0::numeric skew_sortkey1, 0::numeric skew_rows
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast');
create view pg_catalog.svv_relation_privileges as select table_schema::varchar namespace_name, table_name::varchar relation_name,
  privilege_type::varchar privilege_type, null::int identity_id, grantee::varchar identity_name,
  case when grantee = 'PUBLIC' then 'public' else 'user' end::varchar identity_type, false admin_option from information_schema.role_table_grants;
create view pg_catalog.svv_mv_info as select null::varchar database_name, null::varchar schema_name, null::varchar "name", null::varchar state,
  null::varchar autorewrite, null::varchar is_stale, null::varchar autorefresh where false;
create view pg_catalog.stv_mv_info as select null::varchar "name", null::varchar "schema", null::varchar db_name where false;
create table pg_catalog.sys_query_detail (table_id oid, step_name varchar, start_time timestamp);
-- SYS_LOAD_ERROR_DETAIL: written by the stand-in for COPYs that fail
create sequence standin.load_errors;
create table pg_catalog.sys_load_error_detail (
  user_id int default 100, query_id bigint default nextval('standin.load_errors'), transaction_id bigint default 0, session_id int default 0,
  database_name char(64), table_id int, start_time timestamp default getdate(), file_name char(256), line_number bigint default 0,
  column_name char(127), column_type char(10), column_length char(10), position int default 0, error_code int, error_message char(512));
-- SYS_SERVERLESS_USAGE: a row a minute, for superusers; empty as on a provisioned cluster until a test fills it
create table pg_catalog.sys_serverless_usage (
  start_time timestamp, end_time timestamp, compute_seconds double precision, compute_capacity double precision, data_storage int,
  cross_region_transferred_data int, charged_seconds int);
-- SVV_TRANSACTIONS: locks held and waited for; here of all users, as for a superuser
create view pg_catalog.svv_transactions as select session.usename::text txn_owner, session.datname::text txn_db, lock.virtualtransaction::text xid,
    lock.pid, session.xact_start::timestamp txn_start, lock.mode::text lock_mode, lock.locktype::text lockable_object_type, lock.relation, lock.granted
    from pg_locks lock join pg_stat_activity session on session.pid = lock.pid;
grant select on all tables in schema pg_catalog to public;
