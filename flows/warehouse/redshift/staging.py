"""From what was converted to what lies in S3 for one COPY: pack, check, upload, unless other machines have done so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows.lake.contracts import Contract
from flows.lake.convert import Conversion
from flows.lake.packs import Pack
from flows.lake.parts import Part
from flows.warehouse.redshift.dialect import staged_columns
from flows.warehouse.redshift.preflight import check_part
from flows.warehouse.redshift.repacking import FOLDER, Repacked, repack
from flows.warehouse.redshift.stage import Stage, Staged
from flows.warehouse.redshift.values import Values


def stage_conversions(
    stage: Stage, contract: Contract, conversions: Sequence[Conversion], work_dir: Path
) -> tuple[Staged | None, Values]:
    """Upload the good records of these files in the form that COPY takes, as far as they do not lie in S3 so already.

    The work folder keeps nothing of it. Returns what was staged, or None if there are no such records, and what the
    table must hold of them once they are loaded.

    Raises:
        ConfigError: the bucket does not exist or may not be written to.
        LoadError: the disk or S3 failed, COPY would stumble over what was written, or a pack is not what was written.
    """
    parts = [part for conversion in conversions for part in conversion.parts]
    packs = list(dict.fromkeys(conversion.pack for conversion in conversions if conversion.pack))
    stored = [part for pack in packs for part in pack.parts]
    stage.verify(stored)
    with pack_parts(contract, parts, work_dir / FOLDER / contract.table) as repacked:
        stored += stage.store(repacked.parts)
        for pack in packs:
            repacked.values.add_figures(pack.figures)
        return stage.write_manifest(stored) if stored else None, repacked.values


def store_pack(stage: Stage, contract: Contract, parts: Sequence[Part], folder: Path) -> Pack | None:
    """Upload the rows of these parts for a COPY that somebody else runs; None if there are no parts."""
    if not parts:
        return None
    with pack_parts(contract, parts, folder) as repacked:
        return Pack(stage.store(repacked.parts), repacked.values.figures)


@contextmanager
def pack_parts(contract: Contract, parts: Sequence[Part], folder: Path) -> Iterator[Repacked]:
    """The rows of these parts in files that COPY takes, checked; they are in the folder as long as this lasts."""
    with repack(contract, parts, folder) as repacked:
        for part in repacked.parts:
            check_part(part.path, staged_columns(contract))
        yield repacked
