"""Work for another machine: objects in S3 in, conversions and packed parts in S3 out.

A job is all that a worker is told: names, places, hashes, and how to read. It holds no setting and no key of AWS; the
worker finds keys in its own environment, by the chain of the AWS SDK. What it writes is named by its content, so that
a job that is done twice, by a worker that dies and one that takes over, leaves what one leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pyarrow as pa

from flows.errors import ConfigError, DataError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import Conversion, convert_csv
from flows.lake.forms import SHIPPED_FORM, Form
from flows.lake.hashing import hash_file
from flows.lake.packs import Pack, StoredPart
from flows.lake.s3 import fetch_version, make_client
from flows.lake.sources import ObjectVersion
from flows.lake.terms import Terms
from flows.warehouse.redshift.repacking import FOLDER
from flows.warehouse.redshift.stage import Stage, StageSettings
from flows.warehouse.redshift.staging import store_pack

FLOWS = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class HashJob:
    """Objects whose bytes are to be hashed; `code` is of whoever gives the job (`identify_code`)."""

    objects: tuple[ObjectVersion, ...]
    region: str | None
    code: str


@dataclass(frozen=True)
class RemoteFile:
    """A file of the source as a worker needs it: its name, where its bytes are, and their hash."""

    name: str
    origin: ObjectVersion
    sha256: str


@dataclass(frozen=True)
class ConvertJob:
    """Files of one table, and where what becomes of them is put; `form` is None where they are in the shipped one."""

    table: str
    files: tuple[RemoteFile, ...]
    terms: Terms
    form: Form | None
    region: str | None
    stage: StageSettings
    code: str


@dataclass(frozen=True)
class RemoteConversion:
    """What a worker made of a file. Its quarantine waits in S3 for whoever gave the job; its parts are in a pack."""

    conversion: Conversion
    quarantine: StoredPart | None = None


Converted = RemoteConversion | DataError


def hash_objects(job: HashJob) -> list[str]:
    """The SHA-256 of each object.

    Raises:
        ConfigError: an object cannot be read, or this worker has other code than whoever gave the job.
        LoadError: an object changed since it was listed, or the disk is full.
    """
    check_code(job.code)
    client, hashes = _open_source(job.region), []
    for version in job.objects:
        with TemporaryDirectory(prefix="retail-") as folder:
            hashes.append(hash_file(fetch_version(client, version, Path(folder))))
    return hashes


def convert_objects(job: ConvertJob) -> list[Converted]:
    """What became of each file, in their order; an error is returned, not raised, where the file is refused.

    Raises:
        ConfigError: an object or the bucket of the parts cannot be reached, or this worker has other code.
        LoadError: an object changed since it was listed; the disk or S3 failed.
    """
    check_code(job.code)
    stage, client = _open_stage(job.stage), _open_source(job.region)
    with TemporaryDirectory(prefix="retail-") as folder:
        results = [_convert(job, file, client, Path(folder)) for file in job.files]
        conversions = [each for each in results if isinstance(each, Conversion)]
        parts = [part for conversion in conversions for part in conversion.parts]
        pack = store_pack(stage, CONTRACTS[job.table], parts, Path(folder) / FOLDER)
        return [each if isinstance(each, DataError) else _hand_over(each, pack, stage) for each in results]


def check_code(code: str) -> None:
    """Refuse to convert for somebody whose code would convert otherwise.

    Raises:
        ConfigError: this worker's code is another one.
    """
    if code != identify_code():
        raise ConfigError(
            "a worker has another version of this project, or of polars or pyarrow, than the run: it might read files "
            "otherwise. Give the workers the image of the run, then run again."
        )


@cache
def identify_code() -> str:
    """A hash of all that decides what becomes of a file: this project's code, and the libraries that write."""
    files = [*sorted((FLOWS / "lake").glob("*.py")), *sorted((FLOWS / "warehouse").rglob("*.py"))]
    told = [f"{path.relative_to(FLOWS).as_posix()} {hash_file(path)}" for path in files]
    return hashlib.sha256("\n".join([pl.__version__, pa.__version__, *told]).encode()).hexdigest()


@cache
def _open_source(region: str | None) -> Any:
    """A client for all jobs of this process: making one costs more than a small file does."""
    return make_client(None, region)


@cache
def _open_stage(settings: StageSettings) -> Stage:
    return Stage(settings)


def _convert(job: ConvertJob, file: RemoteFile, client: Any, folder: Path) -> Conversion | DataError:
    incoming = folder / "incoming"
    path = fetch_version(client, file.origin, incoming)
    try:
        return convert_csv(
            path,
            CONTRACTS[job.table],
            folder,
            sha256=file.sha256,
            terms=job.terms,
            form=job.form or SHIPPED_FORM,
            name=file.name,
        )
    except DataError as error:
        return error
    finally:
        path.unlink(missing_ok=True)


def _hand_over(conversion: Conversion, pack: Pack | None, stage: Stage) -> RemoteConversion:
    """The conversion without what lies on this disk: of its parts only the pack stays, and its bad records in S3.

    Files that share a job share its pack, also one without good records: so they stay together.
    """
    bad: Sequence[StoredPart] = stage.store([conversion.quarantine], "quarantine") if conversion.quarantine else ()
    return RemoteConversion(replace(conversion, parts=(), quarantine=None, pack=pack), *bad)
