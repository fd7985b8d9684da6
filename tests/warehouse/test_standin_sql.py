"""SQL on the Redshift stand-in: what Redshift lacks is refused, and what it does differently is done its way.

Each case names the page of the Amazon Redshift developer guide that it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import redshift_connector
from sqlalchemy_redshift.dialect import RESERVED_WORDS
from sqlglot import exp

from tests.warehouse.redshift_standin import RedshiftStandin
from tests.warehouse.redshift_standin.keywords import RESERVED
from tests.warehouse.redshift_standin.sql_error import SqlError
from tests.warehouse.redshift_standin.translation import TREES, translate


@pytest.fixture
def cursor(shared_standin: RedshiftStandin) -> Iterator[redshift_connector.Cursor]:
    """A transaction with the tables `t` (two rows) and `u`, which is rolled back."""
    with shared_standin.connect() as connection, connection.cursor() as cursor:
        cursor.execute("create temp table t (id bigint, name varchar(5), amount decimal(10,2), at timestamp)")
        cursor.execute("insert into t values (1, 'a', 1.5, '2024-01-31 23:59:59'), (2, 'b', 2.5, '2024-02-01')")
        cursor.execute("create temp table u (id bigint, name varchar(5))")
        yield cursor
        connection.rollback()


def fetch(cursor: redshift_connector.Cursor, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    cursor.execute(sql, arguments or None)
    return [tuple(row) for row in cursor.fetchall()]


REFUSED = {
    "c_unsupported-postgresql-features": [
        ("create index i on t (id)", "CREATE INDEX is not supported"),
        ("create unique index i on t (id)", "CREATE INDEX is not supported"),
        ("create table x (id int check (id > 0))", "CHECK constraint is not supported"),
        ("create table x (id int, check (id > 0))", "CHECK constraint is not supported"),
        ("create trigger x before insert on t execute procedure f()", "triggers are not supported|not known here"),
        ("create sequence x", "sequences are not supported"),
        ("create type x as enum ('a')", "CREATE TYPE is not supported"),
        ("select array[1]", "arrays are not supported"),
        ("select name[1] from t", "subscripts of arrays are not supported"),
        ("select * from (values (1)) v(a)", "VALUES list as a table is not supported"),
        ("values (1)", "VALUES list as a table is not supported"),
        ("select ctid from t", 'column "ctid" does not exist'),
        ('select name collate "C" from t', "COLLATE is not supported"),
        ("select * from unnest(1)", "not supported|not known here"),
        ("select * from json_each('{}')", "table function is not supported"),
    ],
    "c_unsupported-postgresql-datatypes": [
        (f"create table x (id {kind})", "is not supported|not known here")
        for kind in (
            "uuid",
            "json",
            "jsonb",
            "serial",
            "bigserial",
            "money",
            "inet",
            "xml",
            "int[]",
            "bit(3)",
            "bytea[]",
            "double",
            "string",
        )
    ],
    "c_unsupported-postgresql-functions": [
        (f"select {call} from t", r"function \w+\(\) does not exist")
        for call in (
            "string_agg(name, ',')",
            "array_agg(id)",
            "json_agg(id)",
            "gen_random_uuid()",
            "to_jsonb(id)",
            "make_date(1, 2, 3)",
            "date_bin('1 day', at, at)",
            "format('%s', id)",
            "num_nulls(id)",
            "pg_sleep(1)",
            "row_to_json(t)",
        )
    ],
    "c_sql-functions-leader-node": [
        ("select generate_series(1, 3), id from t", "not supported on Redshift tables"),
        ("select now() from t", "not supported on Redshift tables"),
        ("select current_schema(), id from t", "not supported on Redshift tables"),
        ("insert into u (id) select generate_series(1, 3)", "not supported on Redshift tables"),
        ("create table x as select generate_series(1, 3) as n", "not supported on Redshift tables"),
        ("select substr(name, 1, 1) from t", "not supported on Redshift tables"),
    ],
    "c_SQL_functions_compute_node_only": [
        (f"select {call} from (select 1 as n) as x", "must be applied on at least one user created tables")
        for call in ("listagg(n, ',')", "median(n)", "percentile_cont(0.5) within group (order by n)")
    ],
    "c_Supported_data_types, casts": [
        ("select cast(id > 1 as varchar(5)) from t", "cannot cast type boolean to character varying"),
        ("select (id > 1)::text from t", "cannot cast type boolean to character varying"),
        ("select cast(cast(null as boolean) as varchar)", "cannot cast type boolean to character varying"),
        ("select cast(name as boolean) from t", "cannot cast type character varying to boolean"),
    ],
    "constants without a type": [
        ("with x as (select '*' as a) select cast(a as varchar(9)) from x", "conversion function from .unknown."),
        *(
            (f"with x as (select '2' as a, id from t), y as (select * from x) {sql}", "function from .unknown.")
            for sql in (
                "select id from y order by (a)",
                "select id from x where x.a = '1'",
                "select distinct a from y",
                "select count(*) from y group by a",
                "select a || 'b' from y",
                "select max(b) from (select a as b from y) as z",
                "select row_number() over (partition by a) from y",
                "select id from u where name in (select name from u where name = (select min(a) from y))",
                "select id from t where name in ('c', 'd') union all select id from y where a like 'x'",
            )
        ),
        ("select a from (select null as a, id from t) as x order by a", "conversion function from .unknown."),
    ],
    "constants in windows": [
        (f"with x as ({inner}) select row_number() over (partition by {by}) from x", "constant expressions are not")
        for inner, by in (
            ("select cast('a' as varchar) as a", "a"),
            ("select cast('a' as varchar) as a from t", "x.a"),
            ("select * from (select cast(1 as int) as a, id from t) as y", "A"),
            ("select y.a as b from (select cast(null as date) as a) as y", "b"),
            ("select id from t", "id, 'a'"),
        )
    ],
    "r_INSERT_30": [
        ("insert into t (id) values (1) on conflict do nothing", "ON CONFLICT is not supported"),
        ("insert into t (id) values (1) returning id", "RETURNING is not supported"),
    ],
    "r_UPDATE": [("update t set id = 2 returning id", "RETURNING is not supported|not known here")],
    "r_DELETE": [("delete from t returning id", "RETURNING is not supported|not known here")],
    "r_SELECT_synopsis": [
        ("select distinct on (id) id from t", "DISTINCT ON is not supported"),
        ("select count(*) filter (where id > 1) from t", r"FILTER \(WHERE ...\) on an aggregate is not supported"),
        ("select * from t left join lateral (select 1) as x on true", "LATERAL is not supported"),
        ("select * from t for update", "FOR UPDATE is not supported"),
        (
            "select sum(id) over w from t window w as (partition by name)",
            "WINDOW clause is not supported|not known here",
        ),
    ],
    "r_WF_SUM": [
        ("select sum(id) over (order by id) from t", "require a frame clause"),
        ("select count(distinct id) over (partition by name) from t", "DISTINCT in a window function is not supported"),
    ],
    "r_MERGE": [
        (
            "merge into t as x using u on x.id = u.id when matched then delete "
            "when not matched then insert values (u.id)",
            "alias of the target",
        ),
        (
            "merge into t using (select * from u) as u on t.id = u.id when matched then delete "
            "when not matched then insert (id) values (u.id)",
            "subquery as the source",
        ),
        ("merge into t using u on t.id = u.id when matched then delete", "one WHEN MATCHED and one WHEN NOT MATCHED"),
        (
            "merge into t using u on t.id = u.id when matched and u.id > 1 then delete "
            "when not matched then insert (id) values (u.id)",
            "WHEN ... AND in a MERGE is not supported",
        ),
    ],
    "r_ALTER_TABLE": [
        ("alter table t alter column name type varchar(9)", "cannot run inside a transaction block"),
        ("alter table t alter column id type int", "only supported for VARCHAR columns"),
        ("alter table t add column a int, add column b int", "not known here"),
        ("alter table t append from u", "not known here"),
    ],
    "r_CREATE_VIEW": [
        ("create view v as select id from t with no schema binding", "should be qualified"),
        ("create materialized view v as select id from t", "not known here"),
    ],
    "r_Character_types": [
        ("create table x (a varchar(65536))", "cannot exceed 65535"),
        ("create table x (a char(4097))", "cannot exceed 4096"),
        ("insert into t (name) values ('ééé')", r"value too long for type character varying\(5\)"),
        ("insert into t (name) select 'abc' || 'def'", r"value too long for type character varying\(5\)"),
        ("update t set name = 'abcdef'", r"value too long for type character varying\(5\)"),
    ],
    "r_Numeric_types201": [("create table x (a decimal(39, 0))", "must be between 1 and 38")],
    "r_pg_keywords": [
        ("select 1 from raw.orders", 'syntax error at or near "raw"'),
        ("create table x (tag int)", 'syntax error at or near "tag"'),
        ("select id as a$b, id b$c from t, $d", "syntax error"),
    ],
    "r_TRUNCATE": [
        ("truncate table t, u", "TRUNCATE takes one table"),
        ("truncate t cascade", "not known|one table|syntax"),
    ],
    "r_VACUUM_command": [("vacuum t", "VACUUM cannot run inside a transaction block")],
    "beyond the stand-in": [
        *((sql, "not known here") for sql in ("call p()", "unload ('select 1') to 's3://b/k'", "explain select 1")),
        ("create function f() returns int stable as $$ select 1 $$ language sql", "not known here"),
        ("create external schema x from data catalog", "not known here"),
        ("select a.* from t a, u b where a.id(+) = b.id", "not known here|syntax error|does not exist"),
        ("frobnicate t", 'syntax error at or near "frobnicate"'),
        ("select from where", "syntax error"),
        ("select 'open", "syntax error"),
        ("select id from t where id is distinct from 1", "not known here"),
        ("set enable_case_sensitive_identifier to true", "not known here"),
        ("set session authorization x", "not known here"),
        ("select 1; select 2", "cannot insert multiple commands"),
    ],
}


@pytest.mark.parametrize(
    ("sql", "message"),
    [pytest.param(*case, id=f"{page}: {case[0][:50]}") for page in REFUSED for case in REFUSED[page]],
)
def test_sql_that_redshift_lacks_is_refused(cursor: redshift_connector.Cursor, sql: str, message: str) -> None:
    with pytest.raises(redshift_connector.ProgrammingError, match=message):
        cursor.execute(sql)


RESULTS: dict[str, list[tuple[str, Any]]] = {
    "r_numeric_computations201": [
        ("select 1 / 2", 0),
        ("select -3 / 2", -1),
        ("select 1 / cast(2 as double precision)", 0.5),
    ],
    "r_AVG": [("select avg(cast(id as integer)) from t", 1), ("select avg(amount) from t", 2)],
    "r_Numeric_types201": [("select cast(2.7 as decimal)", Decimal(3)), ("select 2.75::decimal(9, 1)", Decimal("2.8"))],
    "r_Character_types": [
        ("select cast('ééé' as varchar(5))", "éé"),
        ("select 'abcdef'::varchar(3)", "abc"),
        ("select cast('é' as varchar(1))", ""),
        ("select cast('ab' as char)", "a"),
        ("select octet_length(cast('ab' as char(5)))", 5),
    ],
    "r_LEN": [("select len('é')", 1)],
    "r_names": [('select "NAME" from "T" where ID = 1', "a")],
    "r_EXTRACT_function": [
        ("select extract(dow from cast('2024-02-04' as date)) / 2", 0),
        ("select extract(month from at) / 2 from t where id = 1", 0),
        ("select 5 * extract(second from timestamp '2024-01-01 00:00:01.9')", 5),
    ],
    "r_LISTAGG": [
        ("select listagg(name, '-') within group (order by id desc) from t", "b-a"),
        ("select listagg(distinct name) within group (order by name) from t", "ab"),
    ],
    "r_MEDIAN": [("select median(id) from t", 1.5)],
    "r_DATEADD_function": [
        ("select dateadd(month, 1, cast('2024-01-31' as date))", datetime(2024, 2, 29)),
        ("select dateadd(qtr, 1, '2024-01-31'::timestamp)", datetime(2024, 4, 30)),
        ("select dateadd(qtr, -4, '2024-02-29'::date)", datetime(2023, 2, 28)),
        ("select dateadd(year, 1, '2016-02-29'::date)", datetime(2017, 3, 1)),
        ("select dateadd(y, -1, '2016-02-29 23:59:59'::timestamp)", datetime(2015, 3, 1, 23, 59, 59)),
        ("select dateadd(yr, 4, '2016-02-29'::date)", datetime(2020, 2, 29)),
        ("select dateadd(years, 1, '2016-02-28'::date)", datetime(2017, 2, 28)),
        ("select dateadd(month, 12, '2016-02-29'::date)", datetime(2017, 2, 28)),
        ("select dateadd(mon, -12, '2016-02-29'::timestamp)", datetime(2015, 2, 28)),
        ("select dateadd(week, -1, '2016-03-07'::date)", datetime(2016, 2, 29)),
        ("select dateadd(day, 366, '2016-02-29'::date)", datetime(2017, 3, 1)),
    ],
    "r_DATEDIFF_function": [
        ("select datediff(month, '2024-01-31'::date, '2024-02-01'::date)", 1),
        ("select datediff('day', min(at), max(at)) from t", 1),
        ("select datediff(week, '2024-02-03'::date, '2024-02-04'::date)", 1),
        ("select datediff(year, '2023-12-31 23:59:59'::timestamp, '2024-01-01'::timestamp)", 1),
    ],
    "r_DATE_TRUNC": [("select date_trunc('week', cast('2024-02-04' as date))", datetime(2024, 1, 29))],
    "r_LAST_DAY": [("select last_day('2024-02-04'::timestamp)", date(2024, 2, 29))],
    "r_ADD_MONTHS": [("select add_months('2024-02-29'::date, 1)", datetime(2024, 3, 31))],
    "r_CONVERT_TIMEZONE": [("select convert_timezone('EST', '2024-01-01 12:00'::timestamp)", datetime(2024, 1, 1, 7))],
    "r_NVL_function": [("select nvl(null, 2)", 2), ("select coalesce(null, 'a')", "a")],
    "r_NVL2": [("select nvl2(null, 1, 2)", 2)],
    "r_CONCAT": [("select concat('a', null)", None), ("select concat('a', 'b')", "ab")],
    "r_ROUND": [("select round(cast(2.345678 as double precision), 2)", 2.35)],
    "r_REGEXP_SUBSTR": [("select regexp_substr('abc', 'x')", "")],
    "r_SHA2": [("select len(sha2('a', 256))", 64)],
    "r_CHARINDEX": [("select charindex('b', 'abc')", 2)],
    "r_JSON_EXTRACT_PATH_TEXT": [("""select json_extract_path_text('{"a": {"b": "c"}}', 'a', 'b')""", "c")],
    "r_QUALIFY_clause": [("select id from t qualify row_number() over (order by id desc) = 1", 2)],
    "r_SELECT_list": [("select top 1 id from t order by id desc", 2)],
    "constants with a type": [
        ("with x as (select cast('*' as varchar(9)) as a) select max(cast(a as varchar(3))) from x", "*"),
        ("select max(a) from (select 'a' as a union all select 'b') as x", "b"),
        (
            "with x as (select 'a' as a from t where id = 1), y as (select 'b' as a from t where false) "
            "select * from x union all select * from y",
            "a",
        ),
        ("select count(a) from (select 'a' as a) as x", 1),
        ("with x as (select cast('a' as varchar(9)) as a) select row_number() over (partition by a) from x", 1),
        (
            "select max(n) from (select row_number() over (partition by a) as n from (select cast('a' as text) as a "
            "union all select cast('b' as text)) as y) as x",
            1,
        ),
        ("select row_number() over (partition by date(a)) from (select cast('2026-01-01' as timestamp) as a) as x", 1),
    ],
    "c_Boolean_type": [("select cast('t' as boolean)", True), ("select cast(1 as boolean)", True)],
    "r_WITH_clause": [
        ("with recursive n(i) as (select 1 union all select i + 1 from n where i < 5) select max(i) from n", 5)
    ],
    "r_UNION": [("select count(*) from (select id from t minus select 1) as x", 1)],
    "r_SYSDATE": [("select sysdate > '2020-01-01'", True), ("select getdate() > '2020-01-01'", True)],
    "r_VERSION": [("select substring(version(), 1, 16)", "PostgreSQL 8.0.2")],
    "r_Window_function_synopsis": [
        ("select sum(id) over (order by id rows unbounded preceding) from t order by 1 desc limit 1", 3)
    ],
    "r_String constants": [(r"select 'it\'s'", "it's"), ("select 'a''b'", "a'b"), ("select $$it's$$", "it's")],
}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [pytest.param(*case, id=f"{page}: {case[0][:50]}") for page in RESULTS for case in RESULTS[page]],
)
def test_sql_means_what_redshift_means(cursor: redshift_connector.Cursor, sql: str, expected: object) -> None:
    assert fetch(cursor, sql) == [(expected,)]


def test_bind_parameters_next_to_each_other(cursor: redshift_connector.Cursor) -> None:
    """`$1,$2` is how redshift_connector sends them."""
    assert fetch(cursor, "select %s::int+1,%s,%s", 41, "a$b", None) == [(42, "a$b", None)]


def test_function_gives_its_name_to_its_column(cursor: redshift_connector.Cursor) -> None:
    """Also where the stand-in calls another function of PostgreSQL."""
    cursor.execute("select avg(id), median(id), listagg(name), concat('a', 'b') from t")

    assert [column[0] for column in cursor.description] == ["avg", "median", "listagg", "concat"]


def test_create_table_has_redshift_defaults(cursor: redshift_connector.Cursor) -> None:
    """r_Character_types and r_Numeric_types201: VARCHAR and TEXT are 256 bytes, DECIMAL is (18,0); CHAR is one byte."""
    cursor.execute("create table x (a varchar, b text, c decimal, d char, e float, f bpchar, g varchar(max))")

    rows = fetch(
        cursor,
        "select data_type, character_maximum_length, numeric_precision, numeric_scale "
        "from information_schema.columns where table_name = 'x' order by ordinal_position",
    )
    assert [row[:2] if row[1] else (row[0], *row[2:]) for row in rows] == [
        ("character varying", 256),
        ("character varying", 256),
        ("numeric", 18, 0),
        ("character", 1),
        ("double precision", 53, None),
        ("character varying", 256),
        ("character varying", 65535),
    ]


def test_names_differ_up_to_127_bytes(cursor: redshift_connector.Cursor) -> None:
    """r_names: PostgreSQL would take two long names that begin alike for one."""
    for number in (1, 2):
        cursor.execute(f"create temp table {'x' * 120}{number} (id int)")
    cursor.execute(f"insert into {'X' * 120}2 values (7)")

    assert fetch(cursor, f"select count(*) from {'x' * 120}1") == [(0,)]
    catalogue = f"select count(*) from information_schema.columns where table_name = '{'x' * 120}1'"
    assert fetch(cursor, catalogue) == [(1,)]


def test_keys_are_informational(cursor: redshift_connector.Cursor) -> None:
    """t_Defining_constraints: primary, unique and foreign keys are not enforced; NOT NULL is, of a primary key too."""
    cursor.execute(
        "create table x (id bigint primary key, u int unique, f bigint references t (id), constraint c unique (u, f)) "
        "diststyle key distkey(id) compound sortkey(id, u)"
    )
    cursor.execute("insert into x values (1, 1, 99), (1, 1, 99)")

    assert fetch(cursor, "select count(*) from x") == [(2,)]
    with pytest.raises(redshift_connector.ProgrammingError, match="Cannot insert a NULL value into column id"):
        cursor.execute("insert into x values (null, 1, 1)")


def test_distribution_and_encoding_are_taken(cursor: redshift_connector.Cursor) -> None:
    """r_CREATE_TABLE_NEW, r_CREATE_TABLE_AS; their columns must be there."""
    cursor.execute("create table x (id bigint encode az64 distkey, at timestamp sortkey) backup no")
    cursor.execute("create table y diststyle all sortkey(id) as select id from t")
    cursor.execute("create table z (id bigint identity(1, 1), n int default 7) compound sortkey(id)")
    cursor.execute("create temporary table w diststyle key distkey(id) compound sortkey(id) as (select id from t)")
    cursor.execute("alter table z alter diststyle all")
    cursor.execute("insert into z (n) values (default), (8)")

    assert fetch(cursor, "select id, n from z order by id") == [(1, 7), (2, 8)]
    with pytest.raises(redshift_connector.ProgrammingError, match='column "nothing" named in key'):
        cursor.execute("create table v (id bigint) distkey(nothing)")


def test_varchar_length_holds_in_created_tables(cursor: redshift_connector.Cursor) -> None:
    """r_Character_types: trailing blanks that are too many are cut, other characters are an error."""
    cursor.execute("create table x as select cast(name as varchar(3)) as name from t")
    cursor.execute("insert into x values ('abc   ')")

    assert fetch(cursor, "select name from x where len(name) > 1") == [("abc",)]
    with pytest.raises(redshift_connector.ProgrammingError, match=r"type character varying\(3\)"):
        cursor.execute("insert into x values ('éé')")


def test_truncate_commits(standin: RedshiftStandin) -> None:
    """r_TRUNCATE: it commits the transaction in which it is run."""
    standin.run("create table t (id int)")
    with standin.connect() as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (1)")
        cursor.execute("create table made_before (id int)")
        cursor.execute("truncate t")
        connection.rollback()

    assert standin.run("select count(*) from t") == [(0,)]
    assert standin.run("select count(*) from made_before") == [(0,)]


def test_transaction_reads_one_snapshot_and_loses_a_race_with_1023(standin: RedshiftStandin) -> None:
    """c_serial_isolation: both write the row that both have read."""
    standin.run("create table t (id int)")
    standin.run("insert into t values (1)")
    with standin.connect() as one, standin.connect() as other, one.cursor() as first, other.cursor() as second:
        assert fetch(first, "select id from t") == [(1,)]
        second.execute("update t set id = 2")
        other.commit()
        assert fetch(first, "select id from t") == [(1,)]

        with pytest.raises(redshift_connector.ProgrammingError, match=r"'1023'.*Serializable isolation violation"):
            first.execute("update t set id = 3")


def test_late_binding_view_outlives_its_table(standin: RedshiftStandin) -> None:
    """r_CREATE_VIEW: WITH NO SCHEMA BINDING; a bound view holds its table."""
    standin.run("create table public.t (id int)")
    standin.run("create view public.v as select id from public.t with no schema binding")
    standin.run("create view public.bound as select id from public.t")
    with pytest.raises(redshift_connector.ProgrammingError, match="other objects depend on it"):
        standin.run("drop table public.t")
    standin.run("drop view public.bound")
    standin.run("drop table public.t")
    with pytest.raises(redshift_connector.ProgrammingError, match="does not exist"):
        standin.run("select * from public.v")

    standin.run("create table public.t (id int)")
    standin.run("insert into public.t values (7)")

    assert standin.run("select * from public.v") == [(7,)]


def test_alter_column_type_outside_a_transaction(standin: RedshiftStandin) -> None:
    """r_ALTER_TABLE: the size of a VARCHAR can be changed, but not in a transaction block."""
    standin.run("create table t (id bigint, name varchar(1))")
    with standin.connect() as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("alter table t alter column name type varchar(3)")
        cursor.execute("insert into t values (1, 'abc')")
        cursor.execute("vacuum t")
        with pytest.raises(redshift_connector.ProgrammingError, match=r"only_varchar\(bigint\) does not exist"):
            cursor.execute("alter table t alter column id type varchar(9)")

    assert standin.run("select name from t") == [("abc",)]


def test_merge_updates_and_inserts(cursor: redshift_connector.Cursor) -> None:
    """r_MERGE."""
    cursor.execute("insert into u values (2, 'new'), (3, 'c')")
    cursor.execute(
        "merge into t using u on t.id = u.id when matched then update set name = u.name "
        "when not matched then insert (id, name) values (u.id, u.name)"
    )

    assert fetch(cursor, "select id, name from t order by id") == [(1, "a"), (2, "new"), (3, "c")]


def test_privileges_are_granted_and_revoked(standin: RedshiftStandin) -> None:
    """r_GRANT, r_REVOKE: to users, groups, roles and PUBLIC."""
    standin.run("create schema s")
    standin.run("create table s.t (id int)")
    for sql in ("create group g", "create role r", "create user u password disable"):
        standin.run(sql)
    standin.run("grant usage on schema s to group g")
    standin.run("grant select, insert on s.t to group g, role r, u")
    standin.run("grant select on all tables in schema s to public")
    standin.run("revoke insert on table s.t from group g")

    query = "select identity_name, privilege_type from svv_relation_privileges where namespace_name = 's' order by 1, 2"
    found = [row for row in standin.run(query) if row[0] != standin.user]
    assert found == [("PUBLIC", "SELECT"), ("g", "SELECT"), *((n, p) for n in "ru" for p in ("INSERT", "SELECT"))]
    standin.run("grant role r to u")
    with pytest.raises(redshift_connector.ProgrammingError, match="has been granted on a user"):
        standin.run("drop role r")
    for refused in ("create user v password 'Short1'", "create user v password 'no-capitals-1'"):
        with pytest.raises(redshift_connector.ProgrammingError, match="password must be"):
            standin.run(refused)
    for refused in ("create user v createuser", "grant drop on s.t to u", "grant select on s.t to u with grant option"):
        with pytest.raises(redshift_connector.ProgrammingError, match="not known here"):
            standin.run(refused)


def test_role_of_the_client_is_no_superuser(cursor: redshift_connector.Cursor) -> None:
    """So that rights are checked, and the catalogue of the stand-in is out of reach."""
    assert fetch(cursor, "select usesuper from pg_user where usename = current_user") == [(False,)]
    with pytest.raises(redshift_connector.ProgrammingError, match="must be owner"):
        cursor.execute("drop table pg_catalog.sys_load_error_detail")


def test_reserved_words_are_those_of_the_documentation() -> None:
    """r_pg_keywords, as sqlalchemy-redshift has it."""
    assert RESERVED_WORDS - {"oid"} == RESERVED


@pytest.mark.parametrize("kind", list(TREES), ids=lambda kind: kind.__name__)
def test_translation_that_breaks_lets_nothing_through(
    kind: type[exp.Expression], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the stand-in itself is an error for the client."""
    samples = {
        exp.Select: "select 1",
        exp.SetOperation: "select 1 union select 2",
        exp.Subquery: "(select 1)",
        exp.Insert: "insert into t values (1)",
        exp.Update: "update t set a = 1",
        exp.Delete: "delete from t",
        exp.Merge: "merge into t using u on t.a = u.a when matched then delete when not matched then insert values (1)",
        exp.Create: "create table t (a int)",
        exp.Alter: "alter table t rename to u",
        exp.Drop: "drop table t",
        exp.TruncateTable: "truncate t",
    }

    def break_down(_: exp.Expression) -> str:
        raise KeyError("broken")

    monkeypatch.setitem(TREES, kind, break_down)

    with pytest.raises(SqlError, match="stand-in: this statement"):
        translate(samples[kind])
