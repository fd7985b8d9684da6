"""From the lake's parts to what lies in S3 for one COPY: pack, check, upload."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flows.lake.contracts import Contract
from flows.lake.parts import Part
from flows.warehouse.redshift.dialect import staged_columns
from flows.warehouse.redshift.preflight import check_part
from flows.warehouse.redshift.repacking import FOLDER, repack
from flows.warehouse.redshift.stage import Stage, Staged
from flows.warehouse.redshift.values import Values


def stage_parts(
    stage: Stage, contract: Contract, parts: Sequence[Part], work_dir: Path
) -> tuple[Staged | None, Values]:
    """Upload the rows of these parts in the form that COPY takes; the work folder keeps nothing of it.

    Returns what was staged, or None if there are no parts, and what the table must hold of them once they are loaded.

    Raises:
        ConfigError: the bucket does not exist or may not be written to.
        LoadError: the disk or S3 failed, or COPY would stumble over what was written.
    """
    with repack(contract, parts, work_dir / FOLDER / contract.table) as repacked:
        for part in repacked.parts:
            check_part(part.path, staged_columns(contract))
        return stage.upload(repacked.parts) if parts else None, repacked.values
