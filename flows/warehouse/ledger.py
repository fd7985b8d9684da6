"""What the ledger of loads and the list of deliveries say: their columns and rows, and the count check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from flows.errors import LoadError
from flows.lake.convert import Conversion
from flows.lake.parts import version_sha256

LEDGER_COLUMNS = {
    "table_name": "varchar(64)",
    "file_name": "varchar(1024)",
    "file_sha256": "varchar(64)",
    "rows_in": "bigint",
    "rows_loaded": "bigint",
    "rows_quarantined": "bigint",
    "run_id": "varchar(64)",
    "loaded_at": "timestamp",
    "delivered_at": "timestamp",
    "delivery_date": "date",
    "valid_from_date": "date",
    "delivery_order": "varchar(4096)",
    "profile_sha256": "varchar(64)",
    "contract_sha256": "varchar(64)",
    "object_sha256": "varchar(64)",
}
DELIVERY_COLUMNS = {
    "table_name": "varchar(64)",
    "file_name": "varchar(1024)",
    "file_sha256": "varchar(64)",
    "delivered_at": "timestamp",
    "run_id": "varchar(64)",
    "valid_from_date": "date",
}


class Version(NamedTuple):
    """Certain bytes under a certain name: what is delivered, once or again."""

    table_name: str
    file_name: str
    file_sha256: str

    @classmethod
    def of(cls, conversion: Conversion) -> Version:
        """The version that was converted."""
        return cls(conversion.table, conversion.file_name, conversion.file_sha256)


@dataclass(frozen=True)
class DeliveryRow:
    """One version of a file that an ingest has seen, loaded or not; `delivered_at` is naive UTC."""

    table_name: str
    file_name: str
    file_sha256: str
    delivered_at: datetime
    run_id: str
    valid_from_date: date

    @property
    def version(self) -> Version:
        """What was delivered."""
        return Version(self.table_name, self.file_name, self.file_sha256)


@dataclass(frozen=True)
class LedgerRow:
    """One source file that is loaded now; times are naive UTC. Four are those of `flows.lake.deliveries`.

    `profile_sha256` tells how the file was read where a source profile said it, else None. `contract_sha256` tells
    under which version of its contract it was converted; None for one that was loaded before the ledger noted it.
    `object_sha256` tells which version of an object in S3 it came from, if it came from there.
    """

    table_name: str
    file_name: str
    file_sha256: str
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    run_id: str
    loaded_at: datetime
    delivered_at: datetime
    delivery_date: date
    valid_from_date: date
    delivery_order: str
    profile_sha256: str | None = None
    contract_sha256: str | None = None
    object_sha256: str | None = None

    @property
    def read_sha256(self) -> str:
        """What names this reading of these bytes."""
        return version_sha256(self.file_sha256, self.profile_sha256)


def check_counts(entries: Sequence[LedgerRow], found: Mapping[str, int]) -> None:
    """Compare what each file was to bring with the rows the raw table now holds of it (file → rows).

    Raises:
        LoadError: names every file whose count differs.
    """
    counts = [(entry.file_name, entry.rows_loaded, found.get(entry.file_name, 0)) for entry in entries]
    wrong = [
        f"  - {name}: {rows:,} rows were to be loaded, {came:,} arrived" for name, rows, came in counts if came != rows
    ]
    if wrong:
        raise LoadError("\n".join([f"raw.{entries[0].table_name}: nothing was loaded; run again.", *wrong[:5]]))
