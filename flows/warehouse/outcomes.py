"""What became of each file of an ingest, and the words in which its user reads of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flows.lake.convert import Conversion
from flows.lake.parts import part_name


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file: a row of the run summary. `error` says why it was refused."""

    table: str
    file: str
    sha256: str
    status: str
    rows_in: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    extra_columns: list[str] = field(default_factory=list)  # left out, as no contract knows them


def describe_bad_records(conversion: Conversion) -> str:
    """How many records of a file were set aside, why, and where they are."""
    listed = [f"  - {reason}: {count:,}" for reason, count in list(conversion.reasons.items())[:5]]
    return "\n".join(
        [
            f"{conversion.file_name}: {conversion.rows_quarantined:,} of {conversion.rows_in:,} records break "
            f"the contract of {conversion.table}",
            *listed,
            f"  e.g. {conversion.examples[0]}",
            f"  They are in quarantine/{conversion.table}/{part_name(conversion.file_name, conversion.read_sha256)}.",
        ]
    )


def describe_extra_columns(conversion: Conversion) -> str:
    """Which columns of a file were left out; all of them are in the run summary."""
    listed = ", ".join(f"'{name}'" for name in conversion.extra_columns[:5])
    more = f" and {len(conversion.extra_columns) - 5} more" if len(conversion.extra_columns) > 5 else ""  # noqa: PLR2004
    return f"{conversion.file_name}: left out, for no contract knows them: {listed}{more}"


def describe_refusal(outcomes: Sequence[FileOutcome]) -> str:
    """Every refused file with its cure, in one message."""
    refused = [outcome for outcome in outcomes if outcome.status == "refused"]
    return "\n".join(
        [
            f"{len(refused)} {'file was' if len(refused) == 1 else 'files were'} refused; "
            "nothing of this run was loaded, and the report of the last good run stands.",
            *(f"- {outcome.error}" for outcome in refused),
        ]
    )
