"""Who is forgotten, in `ops`, and their ids and names out of every table of the warehouse.

Both warehouses run the same statements, each through its own connection. Ids and names are bound, never written into
SQL: Redshift keeps the text of statements in its system tables (AWS: "SYS_QUERY_TEXT").
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flows.lake.contracts import CONTRACTS
from flows.lake.forgetting import HIDDEN, PSEUDONYM, Forgotten, Mention, label_of
from flows.warehouse.ddl import SCHEMAS, quote

Execute = Callable[[str, Sequence[Any]], list[Any]]  # a statement with %s and what is bound → its rows
FORGOTTEN_COLUMNS = {
    "digest": "varchar(64)",
    "word_count": "bigint",
    "pseudonym": "varchar(64)",
    "run_id": "varchar(64)",
    "noted_at": "timestamp",
}
KEY_COLUMNS = {"key_hex": "varchar(64)"}
KEY_BYTES = 32
BATCH_ROWS = 500
CUSTOMER_ID, CUSTOMER_NAME, WORDS = "customer_id", "customer_name", "refund_reason"  # as the dbt project names them
_THEIRS = quote("customers_to_forget")


@dataclass(frozen=True)
class Place:
    """A table that holds customers: its name, and which columns hold ids, names and free text."""

    schema: str
    table: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def quoted(self) -> str:
        """Its quoted name."""
        return f"{quote(self.schema)}.{quote(self.table)}"


def read_forgotten(execute: Execute, prefix: str = "") -> Forgotten:
    """Who is forgotten; with an empty key where nobody ever was."""
    keys = execute(f"select key_hex from {_ops('forgetting_key', prefix)}", ())  # noqa: S608
    rows = execute(f"select digest, word_count, pseudonym from {_ops('forgotten_customers', prefix)}", ())  # noqa: S608
    mentions = frozenset(Mention(digest, int(count), pseudonym) for digest, count, pseudonym in rows)
    return Forgotten(bytes.fromhex(keys[0][0]) if keys else b"", mentions)


def add_forgotten(known: Forgotten, names: Mapping[str, Iterable[str]]) -> Forgotten:
    """Those who are forgotten already and these, customer id → names; the first ones get the warehouse its key."""
    keyed = known if known.key else Forgotten(secrets.token_bytes(KEY_BYTES))
    new = frozenset[Mention]().union(*(keyed.describe(customer, theirs) for customer, theirs in names.items()))
    return Forgotten(keyed.key, keyed.mentions | new)


def note_forgotten(execute: Execute, forgotten: Forgotten, run_id: str, prefix: str = "") -> None:
    """Write down what is not yet noted of them, and the key if there is none."""
    known = read_forgotten(execute, prefix)
    if not known.key:
        execute(f"insert into {_ops('forgetting_key', prefix)} values (%s)", (forgotten.key.hex(),))  # noqa: S608
    now = datetime.now(UTC).replace(tzinfo=None)
    rows = [
        (mention.digest, mention.word_count, mention.pseudonym, run_id, now)
        for mention in sorted(forgotten.mentions - known.mentions, key=lambda mention: mention.digest)
    ]
    _insert(execute, _ops("forgotten_customers", prefix), tuple(FORGOTTEN_COLUMNS), rows)


def find_names(execute: Execute, ids: Sequence[str], prefix: str = "") -> dict[str, set[str]]:
    """Customer id → every name under which a table of the warehouse still knows them."""
    found: dict[str, set[str]] = {customer: set() for customer in ids}
    _name_theirs(execute, [(customer, "", "") for customer in ids])
    for place in find_places(execute, prefix):
        for key, name in ((key, name) for key in place.ids for name in place.names):
            rows = execute(
                f"select distinct held.{quote(key)}, held.{quote(name)} from {place.quoted} as held "  # noqa: S608
                f"join {_THEIRS} as theirs on theirs.customer_id = held.{quote(key)} where held.{quote(name)} <> ''",
                (),
            )
            for customer, theirs in rows:
                found[customer].add(theirs)
    execute(f"drop table {_THEIRS}", ())
    return found


def replace_customers(
    execute: Execute, ids: Sequence[str], forgotten: Forgotten, prefix: str = "", *, is_trial: bool = False
) -> dict[str, int]:
    """Exchange their ids, names and what free text says of them, in every table; return how many rows of which table.

    All is one transaction of the caller's. In a trial rows are only counted.
    """
    pseudonyms = {customer: forgotten.name_pseudonym(customer) for customer in ids}
    _name_theirs(execute, [(customer, name, label_of(name)) for customer, name in pseudonyms.items()])
    changed: dict[str, int] = {}
    for place in find_places(execute, prefix):
        rows = sum(_replace_ids(execute, place, column, is_trial=is_trial) for column in place.ids)
        rows += sum(_hide_words(execute, place, column, forgotten, is_trial=is_trial) for column in place.words)
        if rows:
            changed[f"{place.schema.removeprefix(prefix)}.{place.table}"] = rows
    execute(f"drop table {_THEIRS}", ())
    return changed


def find_places(execute: Execute, prefix: str = "") -> list[Place]:
    """Every table of the warehouse that holds customers; views follow from these."""
    marks = ", ".join(["%s"] * len(SCHEMAS))
    rows = execute(
        "select held.table_schema, held.table_name, held.column_name from information_schema.columns as held "  # noqa: S608
        "join information_schema.tables as tables on tables.table_schema = held.table_schema "
        "and tables.table_name = held.table_name where tables.table_type = 'BASE TABLE' "
        f"and held.table_schema in ({marks}) order by 1, 2, held.ordinal_position",
        [prefix + schema for schema in SCHEMAS],
    )
    tables: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in rows:
        tables.setdefault((schema, table), []).append(column)
    places = [_place(schema, table, columns) for (schema, table), columns in tables.items()]
    return [place for place in places if place.ids or place.words]


def _place(schema: str, table: str, columns: Sequence[str]) -> Place:
    contract = CONTRACTS.get(table.removeprefix("replaced_"))
    if contract is not None:
        kinds = [contract.columns_of("customer"), contract.columns_of("name"), contract.columns_of("words")]
    else:
        kinds = [[CUSTOMER_ID], [CUSTOMER_NAME], [WORDS]]
    ids, names, words = (tuple(name for name in kind if name in columns) for kind in kinds)
    return Place(schema, table, ids, names, words)


def _name_theirs(execute: Execute, rows: Sequence[tuple[str, str, str]]) -> None:
    """Put whom to forget into a table that this connection alone sees."""
    columns = ("customer_id", "pseudonym", "label")
    execute(f"create temporary table {_THEIRS} ({', '.join(f'{name} varchar(64)' for name in columns)})", ())
    _insert(execute, _THEIRS, columns, rows)


def _replace_ids(execute: Execute, place: Place, column: str, *, is_trial: bool) -> int:
    theirs = f"{quote(place.table)}.{quote(column)} = {_THEIRS}.customer_id"
    ((rows,),) = execute(
        f"select count(*) from {place.quoted} where {quote(column)} in (select customer_id from {_THEIRS})",  # noqa: S608
        (),
    )
    if rows and not is_trial:
        exchanged = [f"{quote(column)} = {_THEIRS}.pseudonym"]
        exchanged += [f"{quote(name)} = {_THEIRS}.label" for name in place.names]
        execute(f"update {place.quoted} set {', '.join(exchanged)} from {_THEIRS} where {theirs}", ())  # noqa: S608
    return int(rows)


def _hide_words(execute: Execute, place: Place, column: str, forgotten: Forgotten, *, is_trial: bool) -> int:
    said = execute(f"select {quote(column)}, count(*) from {place.quoted} group by {quote(column)}", ())  # noqa: S608
    naming = {text: int(rows) for text, rows in said if text is not None and forgotten.is_named_in(text)}
    if not is_trial:
        for text in naming:
            execute(f"update {place.quoted} set {quote(column)} = %s where {quote(column)} = %s", (HIDDEN, text))  # noqa: S608
    return sum(naming.values())


def _insert(execute: Execute, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    marks = f"({', '.join(['%s'] * len(columns))})"
    for start in range(0, len(rows), BATCH_ROWS):
        batch = rows[start : start + BATCH_ROWS]
        values = [value for row in batch for value in row]
        execute(f"insert into {table} ({', '.join(columns)}) values {', '.join([marks] * len(batch))}", values)  # noqa: S608


def _ops(table: str, prefix: str) -> str:
    return f"{quote(prefix + 'ops')}.{quote(table)}"


def is_pseudonym(customer_id: str) -> bool:
    """Whether an id is what stands for a customer who is forgotten."""
    return bool(PSEUDONYM.match(customer_id))
