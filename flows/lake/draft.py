"""Looks at a shop's files in, the text of a source profile out, with a comment at each line that may be wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import polars as pl

from flows.lake.contracts import CONTRACTS
from flows.lake.draft_columns import Keys, find_differing, find_doubt, find_keys, match_columns
from flows.lake.draft_doubts import describe_lack, describe_unread, find_clock_apart, find_quantity
from flows.lake.draft_shop import agree, find_currency, find_patterns, has_dollars, join_distinct, join_values
from flows.lake.draft_spellings import draft_spellings
from flows.lake.draft_tables import sort_tables
from flows.lake.draft_toml import comment, toml_list, toml_text, unsure
from flows.lake.draft_values import are_utc
from flows.lake.look import Look
from flows.lake.profile_faults import UNKNOWN

FALLBACKS = {"order_total": "subtotal", "subtotal": "order_total"}
_UTC = "times in UTC need time_zone of raw_stores, as a column or under its constants"
LOST = {
    "raw_stores": "stores have no names, openings and tax rates",
    "raw_supplies": "nothing has a cost, so margins are all of the sales",
}
CONSTANTS = {"tax_paid": "0", "tax_rate": "0", "tax_amount": "0"}


def draft_profile(looks: Sequence[Look], left: Sequence[str] = ()) -> tuple[str, list[str]]:
    """The TOML, and what is unsure in it, table by table. `left`: what is to be said of files without a look."""
    looks = agree(looks)
    tables, told = sort_tables(looks)
    keys = {table: list(find_keys(found)) for table, found in tables.items()}
    lines = ["# Drafted from the files' beginnings. Look through what is unsure; docs/your-own-data.md has every key."]
    lines += [f"# unsure: {comment(each)}" for each in (*left, *told, *_describe_missing(tables))]
    lines += ["", "[shop]", *_draft_currency(looks)]
    for table in (table for table in CONTRACTS if table in tables):
        patterns = find_patterns(tables[table], looks)
        lines += ["", f"[tables.{table}]", f"files = {toml_list(patterns)}", *_draft_table(table, tables[table], keys)]
    text = "\n".join(lines) + "\n"
    return text, _list_doubts(text)


def _describe_missing(tables: Collection[str]) -> Iterator[str]:
    """What a report will lack for want of a file; refunds and counts of stock are not missed."""
    missing = [table for table, contract in CONTRACTS.items() if table not in tables and not contract.is_optional]
    lost = [f"without {table} {LOST[table]}" for table in missing if table in LOST]
    if missing:
        yield "; ".join([f"no file fits {', '.join(missing)}", *lost])


def _draft_currency(looks: Sequence[Look]) -> Iterator[str]:
    found = find_currency(looks)
    if found:
        yield f"currency = {toml_text(found)}"
    else:
        sign = "$ is the sign of several currencies" if has_dollars(looks) else "no sign of a currency"
        yield f'# currency = "EUR"{unsure(f"{sign}; without this line the amounts are US dollars")}'


def _draft_table(table: str, looks: Sequence[Look], keys: Keys) -> Iterator[str]:
    look, others = join_values(looks)
    columns = match_columns(table, join_distinct(looks, look.values), keys)
    copied = _find_copied(table, columns, look.values)
    columns |= copied
    constants = {
        name: value
        for name, value in _find_constants(table, columns, keys).items()
        if describe_unread(table, name, look.values, columns) is None
    }
    for key, value in (("delimiter", look.delimiter), ("quote", look.quote), ("encoding", look.encoding)):
        yield f"{key} = {toml_text(value)}{unsure(look.unsure.get(key))}"
    yield from draft_spellings(table, columns, look.values)
    left = [name for name in look.values if name not in columns.values() and name not in CONTRACTS[table].check_only]
    apart = {name: look.values[name] for name in left}
    left += [name for name in others if name not in CONTRACTS[table].check_only]
    quantity = find_quantity(table, apart)
    if left:
        yield f"leave_out = {toml_list(left)}{unsure(quantity or 'is none of these one of our columns?')}"
    yield f"[tables.{table}.columns]"
    for name in (name for name in CONTRACTS[table].columns if name not in constants):
        if name in columns:
            why = "the only amount, so it is taken for both" if name in copied else None
            why = why or _find_utc(table, name, look.values[columns[name]])
            why = why or _find_midnight(table, name, look.values[columns[name]], apart)
            why = why or find_doubt(table, name, columns[name], values=look.values, left=apart, keys=keys)
            yield f"{name} = {toml_text(columns[name])}{unsure(why)}"
        elif name in CONTRACTS[table].required:
            lack = describe_lack(table, name, look.values, columns, find_differing(looks))
            yield f"{name} = {toml_text(UNKNOWN)}{unsure(lack)}"
        elif unread := describe_unread(table, name, look.values, columns):
            yield f"# {name} = {toml_text(UNKNOWN)}{unsure(unread)}"
    if constants:
        yield f"[tables.{table}.constants]"
        yield from (f"{name} = {toml_text(value)}{unsure('no column was found')}" for name, value in constants.items())


def _find_copied(table: str, columns: Mapping[str, str], values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Our amount → the file's only one; none where another is there, but spelled in no known way."""
    return {
        ours: columns[other]
        for ours, other in FALLBACKS.items()
        if ours in CONTRACTS[table].columns and ours not in columns and other in columns
        if describe_unread(table, ours, values, columns) is None
    }


def _find_constants(table: str, columns: Mapping[str, str], keys: Keys) -> dict[str, str]:
    """What the shop lacks and a value can stand for: no tax, one store, nothing where nothing is required."""
    contract = CONTRACTS[table]
    stores = keys.get("raw_stores", ())
    only = sorted(stores[0]) if stores and len(stores[0]) == 1 else []
    values = {name: "" for name in contract.required if contract.columns[name].nullable} | CONSTANTS
    values |= {"store_id": only[0]} if only else {}
    return {name: values[name] for name in contract.required if name in values and name not in columns}


def _find_utc(table: str, name: str, values: Sequence[str]) -> str | None:
    is_utc = isinstance(CONTRACTS[table].dtypes[name], pl.Datetime) and are_utc(values)
    return _UTC if is_utc else None


def _find_midnight(table: str, name: str, values: Sequence[str], left: Mapping[str, Sequence[str]]) -> str | None:
    is_time = isinstance(CONTRACTS[table].dtypes[name], pl.Datetime)
    return find_clock_apart(values, left) if is_time else None


def _list_doubts(text: str) -> list[str]:
    """The lines with a doubt, each with the table that it stands in."""
    doubts, where = [], ""
    for line in text.splitlines():
        where = line.strip("[]") if line.startswith("[") else where
        setting, mark, doubt = line.partition("# unsure: ")
        if mark:
            name = setting.partition(" = ")[0].removeprefix("# ")
            doubts.append(f"{where} {name}: {doubt}".strip() if setting else doubt)
    return doubts
