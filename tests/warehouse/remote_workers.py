"""Workers of another machine, as far as a thread stands in for one: what goes there and comes back is pickled."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from flows.lake.contracts import CONTRACTS
from flows.lake.s3 import S3Source
from flows.lake.sources import Delivery, sort_names
from flows.warehouse.conversion import Converter
from flows.warehouse.ddl import quote
from flows.warehouse.ingestion import Ingestion
from flows.warehouse.redshift.remote import Workers
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from tests.warehouse.redshift import Redshift
from tests.warehouse.redshift_standin import RedshiftStandin

LEDGER = (
    "select table_name, file_name, file_sha256, rows_in, rows_loaded, rows_quarantined, object_sha256, "
    "contract_sha256, profile_sha256 "
    'from "{p}ops".load_ledger order by 1, 2'
)


@dataclass
class Travels:
    """Hands jobs to threads; `sent` is all that went to them, `before` is called with each job."""

    sent: list[bytes] = field(default_factory=list)
    before: Callable[[Any], object] = lambda _job: None
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))

    def submit(self, function: Callable[[Any], Any], job: Any) -> Future[Any]:
        self.sent.append(pickle.dumps((function, job)))
        return self.pool.submit(self._run, self.sent[-1])

    def _run(self, sent: bytes) -> Any:
        function, job = pickle.loads(sent)
        self.before(job)
        try:
            return [pickle.loads(pickle.dumps(each)) for each in function(job)]  # Dask packs each element by itself
        except Exception as error:
            raise pickle.loads(pickle.dumps(error)) from None


def deliver(standin: RedshiftStandin, files: dict[str, str]) -> None:
    for name, text in files.items():
        standin.s3.put_object(Bucket=standin.bucket, Key=f"drops/{name}", Body=text.encode())


def find(standin: RedshiftStandin, folder: Path) -> Delivery:
    source = f"s3://{standin.bucket}/drops"
    return S3Source(source, folder).find(partial(sort_names, tables=CONTRACTS, place=source))


def employ(warehouse: RedshiftWarehouse, submit: Any) -> Workers:
    return Workers(submit, warehouse._stage)


def load(
    warehouse: RedshiftWarehouse, work_dir: Path, delivery: Delivery, converter: Converter, **options: Any
) -> Ingestion:
    """One run that takes many bad records."""
    ingestion = Ingestion(warehouse, work_dir, "run-1", 0.6, converter=converter, **options)
    ingestion.load(ingestion.convert(delivery.files))
    return ingestion


def copies(standin: RedshiftStandin) -> list[str]:
    """The COPYs that ran: their manifests are named by the parts in them."""
    return sorted(ran.sql for ran in standin.timeline if ran.sql.lower().startswith("copy"))


def staged(standin: RedshiftStandin) -> list[str]:
    """The keys of what lies in the bucket beside the deliveries."""
    listed = standin.s3.list_objects_v2(Bucket=standin.bucket).get("Contents", [])
    return [each["Key"] for each in listed if not each["Key"].startswith("drops/")]


def read_loaded(redshift: Redshift, tables: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
    """The ledger and the rows of these tables, without what is of one run alone."""
    found = {"ledger": redshift.run(LEDGER)}
    for table in tables:
        columns = ", ".join(map(quote, [*CONTRACTS[table].columns, "_file", "_file_sha256", "_row"]))
        found[table] = redshift.run(f'select {columns} from "{{p}}raw".{table} order by _file, _row')
    return found


def read_quarantine(work_dir: Path) -> dict[str, bytes]:
    folder = work_dir / "quarantine"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
