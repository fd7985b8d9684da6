"""Which versions of files are new, and what the ledger says of those that are about to be loaded.

What was seen and what is loaded in, rows to be written out; nothing is read or written here. Both warehouses use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from flows.lake.convert import Conversion
from flows.lake.deliveries import delivery_date, delivery_order, valid_from_date
from flows.warehouse.ledger import DeliveryRow, LedgerRow, Version

TICK = timedelta(microseconds=1)


def find_deliveries(
    versions: Sequence[Version], known: Iterable[DeliveryRow], ledger: Iterable[LedgerRow], run_id: str
) -> tuple[list[DeliveryRow], list[DeliveryRow]]:
    """The delivery of each version, in this order; and those of them that are new and must be written.

    A version was delivered when it was first seen. If another version of its file was delivered and loaded since, then
    it comes back, which is a new delivery. As long as nothing of a table is loaded, all is its first delivery.
    """
    loaded = {(row.table_name, row.file_name): row for row in ledger}
    begun = {row.table_name for row in loaded.values()}
    newest: dict[Version, DeliveryRow] = {}
    last = None
    for row in sorted(known, key=lambda row: row.delivered_at):
        newest[row.version], last = row, row.delivered_at
    moment, new = next_moment(last), []
    for version in versions:
        seen, current = newest.get(version), loaded.get(version[:2])
        if seen is None or (
            current and current.file_sha256 != version.file_sha256 and current.delivered_at > seen.delivered_at
        ):
            is_first = version.table_name not in begun
            since = valid_from_date(version.file_name, moment, is_first=is_first)
            newest[version] = DeliveryRow(*version, delivered_at=moment, run_id=run_id, valid_from_date=since)
            new.append(newest[version])
    return [newest[version] for version in versions], new


def next_moment(last: datetime | None) -> datetime:
    """Now, as naive UTC; a microsecond after `last` if the clock is not past it."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return now if last is None else max(now, last + TICK)


def new_entries(
    conversions: Sequence[Conversion], deliveries: Sequence[DeliveryRow], run_id: str, ledger: Iterable[LedgerRow]
) -> list[LedgerRow]:
    """The ledger rows of files of one table that are about to be loaded in one transaction, later than all before.

    `deliveries` are those of the conversions, in their order; `ledger` are the rows of the table as they stand.
    """
    loaded_at = next_moment(max((row.loaded_at for row in ledger), default=None))
    return [
        LedgerRow(
            table_name=conversion.table,
            file_name=conversion.file_name,
            file_sha256=conversion.file_sha256,
            rows_in=conversion.rows_in,
            rows_loaded=conversion.rows_loaded,
            rows_quarantined=conversion.rows_quarantined,
            run_id=run_id,
            loaded_at=loaded_at,
            delivered_at=delivery.delivered_at,
            delivery_date=delivery_date(conversion.file_name, delivery.delivered_at),
            valid_from_date=delivery.valid_from_date,
            delivery_order=delivery_order(conversion.file_name, delivery.delivered_at, delivery.valid_from_date),
            profile_sha256=conversion.profile_sha256,
            contract_sha256=conversion.contract_sha256,
            object_sha256=conversion.object_sha256,
        )
        for conversion, delivery in zip(conversions, deliveries, strict=True)
    ]


def find_replaced(entries: Sequence[LedgerRow], ledger: Iterable[LedgerRow]) -> list[str]:
    """The files of these entries of which another version is loaded; the same bytes again replace nothing."""
    loaded = {(row.table_name, row.file_name): row.file_sha256 for row in ledger}
    return [
        entry.file_name
        for entry in entries
        if loaded.get((entry.table_name, entry.file_name), entry.file_sha256) != entry.file_sha256
    ]
