"""Files are looked at and converted by workers on other machines, and what becomes of them is gathered here.

Planned files in, conversions out, as from the threads of this machine. Who the workers are is not known here: `submit`
hands a job to whichever is free. They read the source in S3 and write parts beside the manifests that COPY reads, so
that of the rows nothing passes through this machine; bad records come here, for people to read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from flows.errors import LoadError, RetailError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion
from flows.lake.forms import SHIPPED_FORM
from flows.lake.packs import StoredPart
from flows.lake.parts import Part, part_name, unfinished_name
from flows.lake.s3_copies import TELL_SECONDS
from flows.lake.several import split_batches
from flows.lake.sources import ObjectVersion, SourceFile, find_fault_of_name
from flows.lake.terms import Terms
from flows.warehouse.conversion import Converted, Order, Step, Tell, list_batches, name_batch
from flows.warehouse.plan import PlannedFile, Seen
from flows.warehouse.redshift import worker
from flows.warehouse.redshift.stage import Stage


class Future(Protocol):
    """A job that somebody works at."""

    def result(self) -> Any:
        """Wait for what the job returns, or raise what it raised."""

    def cancel(self) -> object:
        """Let nobody begin it."""


Submit = Callable[[Callable[[Any], Any], Any], Future]


@dataclass(frozen=True)
class Workers:
    """Converts on other machines; `region` is that of the source's bucket, if it is known."""

    submit: Submit
    stage: Stage
    region: str | None = None

    def look(self, files: Sequence[SourceFile], tell: Tell) -> list[Seen]:
        faults = {file: find_fault_of_name(file.name) for file in files}
        good = [file for file in files if faults[file] is None]
        batches = list(split_batches(good, lambda file: file.table, lambda file: _origin(file).size))
        jobs = [worker.HashJob(tuple(map(_origin, batch)), self.region, worker.identify_code()) for batch in batches]
        hashes: dict[SourceFile, str] = {}
        told = time.monotonic()
        for batch, found in zip(batches, self._run_all(worker.hash_objects, jobs), strict=True):
            hashes |= dict(zip(batch, found(), strict=True))
            if time.monotonic() - told >= TELL_SECONDS or len(hashes) == len(good):
                told = time.monotonic()
                tell(f"{len(hashes):,} of {len(good):,} files hashed by workers")
        return [Seen(hashes.get(file, ""), faults[file]) for file in files]

    def convert(self, files: Sequence[PlannedFile], order: Order, step: Step) -> Generator[Converted, None, None]:
        batches = list_batches(files, lambda file: _origin(file.source).size)
        terms = _fix(order.terms, files)
        jobs = [self._describe(batch, order, terms) for batch in batches]
        gathered = self._run_all(worker.convert_objects, jobs)
        for batch, job, find in zip(batches, jobs, gathered, strict=True):
            for result in step(name_batch(batch), find):
                yield result if not isinstance(result, worker.RemoteConversion) else self._take(result, job, order)

    def _describe(self, batch: Sequence[PlannedFile], order: Order, terms: Terms) -> worker.ConvertJob:
        table = batch[0].source.table
        form = order.form(table)
        return worker.ConvertJob(
            table,
            tuple(worker.RemoteFile(file.source.name, _origin(file.source), file.sha256) for file in batch),
            terms,
            None if form is SHIPPED_FORM else form,
            self.region,
            replace(self.stage.settings, session=None),
            worker.identify_code(),
        )

    def _run_all(
        self, function: Callable[[Any], list[Any]], jobs: Sequence[Any]
    ) -> Generator[Callable[[], list[Any]], None, None]:
        """Submit all jobs at once; for each, in their order, what waits for it. None is begun once nobody asks."""
        futures = [self.submit(function, job) for job in jobs]
        try:
            for future in futures:
                yield partial(_wait, future)
        finally:
            for future in futures:
                future.cancel()

    def _take(self, result: worker.RemoteConversion, job: worker.ConvertJob, order: Order) -> Conversion:
        """Bring the bad records of a file here, under the name that they would have had."""
        if result.quarantine is None:
            return result.conversion
        conversion = result.conversion
        folder = order.work_dir / "quarantine" / job.table
        bad = self._fetch(result.quarantine, folder / unfinished_name(conversion.file_name))
        named = bad.publish(folder / part_name(conversion.file_name, conversion.read_sha256))
        self.stage.remove([self.stage.key_of(result.quarantine)])
        return replace(conversion, quarantine=named)

    def _fetch(self, stored: StoredPart, path: Path) -> Part:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
        except OSError as error:
            raise LoadError(
                f"{path}: cannot be written ({error.strerror or error}). Free space or rights, then run again."
            ) from error
        self.stage.fetch(stored, path)
        return Part(path, stored.rows, stored.size, stored.sha256)


def _wait(future: Future) -> list[Any]:
    """What the job returned.

    Raises:
        RetailError: what it raised.
        LoadError: the workers failed otherwise.
    """
    try:
        found: list[Any] = future.result()
    except RetailError:
        raise
    except Exception as error:
        raise LoadError(
            f"the workers failed: {type(error).__name__}: {error}. Nothing was loaded. Look into their logs; they need "
            "the image of this run, memory for what they do at once, and the network. Then run again."
        ) from error
    return found


def _fix(terms: Terms, files: Sequence[PlannedFile]) -> Terms:
    """Terms that can travel: with the time zones that are known now, where any of these files may need them."""
    tables = {file.source.table for file in files}
    needs_zones = any(isinstance(dtype, pl.Datetime) for table in tables for dtype in CONTRACTS[table].dtypes.values())
    return replace(terms, time_zones=partial(dict, dict(terms.time_zones()) if needs_zones else {}))


def _origin(file: SourceFile) -> ObjectVersion:
    """Where its bytes are, for whoever is on another machine.

    Raises:
        LoadError: nowhere but here.
    """
    if file.origin is None:
        raise LoadError(f"{file.name}: lies on this machine, where no worker can read it. Put the source into S3.")
    return file.origin
