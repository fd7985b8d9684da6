"""A past day in; the SQL out that counts what was delivered since and changed the days up to it, for both warehouses.

Known on that day is what had come before the first delivery with an order of a later day; until then a report without
`--as-of` shows it. What came in one delivery with both days is told apart by the dates in the files' names, so a
warehouse made anew from dated files says the same as one that loaded them day by day (docs/report.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from flows.lake.contracts import CONTRACTS


@dataclass(frozen=True)
class Fact:
    """A table whose records happen on a day: SQL of its key, its day, its cents, and what a correction may change."""

    table: str
    key: str
    day: str
    cents: str
    columns: str


@dataclass(frozen=True)
class List:
    """A table whose records hold from a day on: SQL of its key, of its numbers and of names that are always today's.

    `moved_by` is the column by which the seed valid_from_dates names a record.
    """

    table: str
    key: str
    moved_by: str
    numbers: str
    names: str


FACTS = (
    Fact(
        "raw_orders",
        "id",
        "cast(ordered_at as date)",
        "subtotal",
        "customer ordered_at store_id subtotal tax_paid order_total",
    ),
    Fact("raw_items", "id", "order_days.order_date", "0", "order_id sku"),
    Fact("raw_refunds", "id", "cast(refunded_at as date)", "amount", "order_id item_id refunded_at amount tax_amount"),
    Fact(
        "raw_stock_counts",
        "store_id || '|' || supply_id || '|' || cast(counted_at as varchar(32))",
        "cast(counted_at as date)",
        "0",
        "unit_count",
    ),
)
LISTS = (
    List("raw_products", "sku", "sku", "price", "name type"),
    List("raw_supplies", "sku || '|' || id", "sku", "cost perishable", "name"),
    List("raw_stores", "id", "id", "tax_rate", "name opened_at"),
    List("raw_customers", "id", "id", "", "name"),
)
_BOOLEANS = {
    name for contract in CONTRACTS.values() for name, column in contract.columns.items() if column.dtype == pl.Boolean()
}
_IS_KNOWN = (
    "case when clock.next_at is null or {at} < clock.next_at or ({at} <= clock.first_at and "
    "({since} <= clock.as_of_date or {since} <= clock.first_date or {since} < clock.next_date)) then 1 else 0 end"
)
_NEWEST_FIRST = "order by delivery_order desc, record_number desc"
_CLOCK = """
orders as (
    select records.id, records._file as file_name, records._row as record_number, ledger.delivery_order,
        cast(records.ordered_at as date) as order_date, cast(ledger.delivered_at as date) as delivered_date
    from {raw}.raw_orders as records
    join {ops}.load_ledger as ledger on ledger.table_name = 'raw_orders' and ledger.file_name = records._file
),
asked as (
    select cast('{as_of}' as date) as as_of_date, max(order_date) as last_date
    from orders where order_date <= delivered_date and order_date <= cast('{as_of}' as date)
),
holders as (
    select file_name, max(order_date) as newest_date from orders where order_date <= delivered_date group by 1
),
clock as (
    select asked.as_of_date,
        min(case when holders.newest_date >= asked.last_date and cast(seen.delivered_at as date) >= asked.last_date
            then seen.delivered_at end) as first_at,
        min(case when holders.newest_date > asked.as_of_date and cast(seen.delivered_at as date) > asked.as_of_date
            then seen.delivered_at end) as next_at,
        min(case when holders.newest_date >= asked.last_date then ledger.valid_from_date end) as first_date,
        min(case when holders.newest_date > asked.as_of_date then ledger.valid_from_date end) as next_date
    from holders
    cross join asked
    join {ops}.load_ledger as ledger on ledger.table_name = 'raw_orders' and ledger.file_name = holders.file_name
    join {ops}.deliveries as seen on seen.table_name = 'raw_orders' and seen.file_name = holders.file_name
    group by asked.as_of_date
),
seen as (
    select deliveries.table_name, deliveries.file_name, deliveries.delivered_at, {was_known} as is_known
    from {ops}.deliveries as deliveries cross join clock
),
files as (
    select ledger.table_name, ledger.file_name, ledger.delivered_at, ledger.delivery_date, ledger.valid_from_date,
        ledger.delivery_order, {is_known} as is_known, coalesce(max(seen.is_known), 0) as was_known
    from {ops}.load_ledger as ledger
    cross join clock
    left join seen on seen.table_name = ledger.table_name and seen.file_name = ledger.file_name
        and seen.delivered_at < ledger.delivered_at
    group by 1, 2, 3, 4, 5, 6, clock.as_of_date, clock.first_at, clock.next_at, clock.first_date, clock.next_date
),
order_days as (
    select id, order_date
    from (select orders.*, row_number() over (partition by id {newest_first}) as newest_rank from orders) as ranked
    where newest_rank = 1
)"""
_FACT = """
    select '{table}' as table_name, {key} as record_key, {day} as happened_date, cast({cents} as bigint) as cents,
        {said} as said, files.delivery_order, records._row as record_number, files.is_known, files.was_known
    from {raw}.{table} as records
    join files on files.table_name = '{table}' and files.file_name = records._file{join}"""
_CHANGED_FACTS = """
facts as ({facts}
),
fact_versions as (
    select facts.*,
        row_number() over (partition by table_name, record_key {newest_first}) as newest_rank,
        row_number() over (partition by table_name, record_key, is_known {newest_first}) as known_rank
    from facts
    where table_name || ' ' || record_key in (
        select later.table_name || ' ' || later.record_key from facts as later where later.is_known = 0
    )
),
fact_states as (
    select table_name,
        max(case when newest_rank = 1 then is_known end) as is_known,
        max(case when newest_rank = 1 then was_known end) as was_known,
        max(case when newest_rank = 1 then said end) as said,
        max(case when newest_rank = 1 then happened_date end) as happened_date,
        max(case when newest_rank = 1 then cents end) as cents,
        max(case when is_known = 1 and known_rank = 1 then said end) as known_said,
        max(case when is_known = 1 and known_rank = 1 then happened_date end) as known_date,
        max(case when is_known = 1 and known_rank = 1 then cents end) as known_cents
    from fact_versions
    group by table_name, record_key
),
changed_facts as (
    select fact_states.table_name,
        case when known_said is not null then 'corrected' when was_known = 1 then 'rewritten' else 'late' end as change,
        case when happened_date <= clock.as_of_date then cents else 0 end
            - case when known_date <= clock.as_of_date then known_cents else 0 end as cents
    from fact_states
    cross join clock
    where is_known = 0
        and (known_said is null or known_said <> said)
        and (happened_date <= clock.as_of_date or known_date <= clock.as_of_date)
)"""
_LIST = """
    select '{table}' as table_name, {key} as record_key, {numbers} as numbers, {names} as names,
        coalesce(moved.valid_from_date, records.valid_from_date) as starts_on_date, records.delivery_order,
        records.record_number, {is_known} as is_known
    from (
        select records.*, records._row as record_number, files.delivered_at, files.delivery_date, files.valid_from_date,
            files.delivery_order
        from (select {columns}, _file, _row from {raw}.{table}) as records
        join files on files.table_name = '{table}' and files.file_name = records._file
        union all
        select {columns}, _file, _row, _row, _delivered_at, _delivery_date, _valid_from_date, _delivery_order
        from {ops}.replaced_{table}
    ) as records
    cross join clock
    left join {marts}.valid_from_dates as moved on moved.table_name = '{table}'
        and moved.record_id = records.{moved_by} and moved.delivery_date = records.delivery_date
        and records.valid_from_date = records.delivery_date"""
_CHANGED_LISTS = """
lists as ({lists}
),
list_versions as (
    select lists.*,
        row_number() over (partition by table_name, record_key {newest_first}) as newest_rank,
        row_number() over (partition by table_name, record_key, is_known {newest_first}) as known_rank
    from lists
),
changed_lists as (
    select list_versions.table_name, list_versions.record_key,
        max(case when list_versions.numbers <> coalesce(known.numbers, '-')
            and (known.record_key is null or starts_on_date <= clock.as_of_date) then 1 else 0 end) as is_late,
        max(case when newest_rank = 1 and list_versions.names <> known.names then 1 else 0 end) as is_renamed
    from list_versions cross join clock
    left join (
        select table_name, record_key, numbers, names from list_versions where is_known = 1 and known_rank = 1
    ) as known on known.table_name = list_versions.table_name and known.record_key = list_versions.record_key
    where list_versions.is_known = 0
    group by 1, 2
)"""
_COUNTED = """
select 'files' as table_name, 'gone' as change, cast(count(*) as bigint) as changed_count, cast(0 as bigint) as cents
from (
    select distinct seen.table_name, seen.file_name
    from seen
    left join {ops}.load_ledger as ledger on ledger.table_name = seen.table_name and ledger.file_name = seen.file_name
    where seen.is_known = 1 and ledger.file_name is null
) as gone
union all
select table_name, change, cast(count(*) as bigint),
    cast(sum(case when change <> 'rewritten' then cents else 0 end) as bigint)
from changed_facts group by table_name, change
union all
select table_name, 'late', cast(sum(is_late) as bigint), 0
from changed_lists where table_name <> 'raw_customers' group by table_name
union all
select table_name, 'renamed', cast(sum(is_renamed) as bigint), 0 from changed_lists group by table_name"""


def write_query(as_of: date, prefix: str = "") -> str:
    """SQL for both warehouses: table, kind of change, how many records, and cents."""
    schemas = {name: f'"{prefix}{schema}"' for name, schema in (("raw", "raw"), ("ops", "ops"), ("marts", "data_mart"))}
    common = schemas | {"newest_first": _NEWEST_FIRST, "as_of": as_of.isoformat()}
    facts = "\n    union all".join(_write_fact(fact, common) for fact in FACTS)
    lists = "\n    union all".join(_write_list(each, common) for each in LISTS)
    clock = _CLOCK.format(
        **common,
        was_known=_IS_KNOWN.format(at="deliveries.delivered_at", since="deliveries.valid_from_date"),
        is_known=_IS_KNOWN.format(at="ledger.delivered_at", since="ledger.valid_from_date"),
    )
    steps = [clock, _CHANGED_FACTS.format(**common, facts=facts), _CHANGED_LISTS.format(**common, lists=lists)]
    return f"with {','.join(steps)}{_COUNTED.format(**common)}"


def _write_fact(fact: Fact, common: dict[str, str]) -> str:
    join = "\n    join order_days on order_days.id = records.order_id" if "order_days" in fact.day else ""
    key = f"records.{fact.key}" if fact.key == "id" else fact.key
    said = _as_text(fact.columns)
    return _FACT.format(**common, table=fact.table, key=key, day=fact.day, cents=fact.cents, said=said, join=join)


def _write_list(each: List, common: dict[str, str]) -> str:
    columns = sorted({*each.numbers.split(), *each.names.split(), *each.key.replace(" || '|' || ", " ").split()})
    is_known = _IS_KNOWN.format(at="records.delivered_at", since="records.valid_from_date")
    return _LIST.format(
        **common,
        table=each.table,
        key=each.key,
        numbers=_as_text(each.numbers),
        names=_as_text(each.names),
        moved_by=each.moved_by,
        columns=", ".join(columns),
        is_known=is_known,
    )


def _as_text(columns: str) -> str:
    """What these columns say, as one text that differs where one of them does; Redshift makes no text of a BOOLEAN."""
    values = (f"cast({name} as integer)" if name in _BOOLEANS else name for name in columns.split())
    return " || '|' || ".join(f"coalesce(cast({value} as varchar(256)), '')" for value in values) or "''"
