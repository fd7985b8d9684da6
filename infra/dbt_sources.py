"""The contracts in → the raw tables of dbt's sources out, as YAML; so a column is declared in one place."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.lake.contracts import CONTRACTS, Contract
from flows.warehouse.base import LINEAGE_COLUMNS, raw_columns

PROJECT = Path(__file__).resolve().parent.parent
SOURCES = PROJECT / "dbt" / "models" / "staging" / "_staging__sources.yml"
BEGIN = "    # From here to the next source: flows/lake/contracts.py in YAML, written by `make sources`.\n    tables:\n"
END = "\n  - name: ops\n"
LINEAGE = {
    "_file": "Name of the source file the record came from.",
    "_file_sha256": "SHA-256 of that file's bytes, in hexadecimal.",
    "_row": "Number of the record in its file, counted from 1 without the header.",
    "_run_id": "Id of the run that loaded the record.",
    "_loaded_at": "When the record was loaded, UTC.",
}


def replace_tables(text: str, contracts: Iterable[Contract]) -> str:
    """The YAML of the sources with its raw tables as the contracts have them; all else stays."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    tables = ("\n".join(_table(contract, is_first=not i)) for i, contract in enumerate(contracts))
    return before + BEGIN + "\n\n".join(tables) + "\n" + END + after


def _table(contract: Contract, *, is_first: bool) -> Iterator[str]:
    yield f"      - name: {contract.table}"
    yield f"        description: {_text(contract.description)}"
    if contract.is_optional:
        yield "        config:"
        yield "          freshness: null  # no file of this table need ever come"
    yield "        data_tests:"
    yield "          - superseded_versions:"
    yield f"              name: warn_superseded_{contract.table.removeprefix('raw_')}"
    yield "              arguments:"
    yield f"                key_columns: [{', '.join(contract.key)}]"
    yield "        columns:"
    for name, kind in raw_columns(contract).items():
        if name not in LINEAGE_COLUMNS:
            yield from _column(name, kind, contract.columns[name].description or "", "-")
        elif is_first:
            yield from _column(name, kind, LINEAGE[name], f"- &{name[1:]}")
        else:
            yield f"          - *{name[1:]}"


def _column(name: str, kind: str, description: str, mark: str) -> Iterator[str]:
    if mark == "-":
        yield f"          - name: {name}"
    else:
        yield f"          {mark}"
        yield f"            name: {name}"
    yield f"            data_type: {kind}"
    yield f"            description: {_text(description)}"


def _text(text: str) -> str:
    """A text as YAML, in quotes where it could mean something else."""
    return json.dumps(text, ensure_ascii=False) if ": " in text or " #" in text else text


def main() -> int:
    SOURCES.write_text(replace_tables(SOURCES.read_text(encoding="utf-8"), CONTRACTS.values()), encoding="utf-8")
    print(f"{SOURCES.relative_to(PROJECT)}: {len(CONTRACTS)} raw tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
