"""The contracts in → the raw tables of dbt's sources and their archives out, as YAML; a column is declared once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.lake.contracts import CONTRACTS, Contract
from flows.warehouse.base import LINEAGE_COLUMNS, archive_columns, raw_columns

PROJECT = Path(__file__).resolve().parent.parent
SOURCES = PROJECT / "dbt" / "models" / "staging" / "_staging__sources.yml"
BEGIN = "    # From here to the next source: flows/lake/contracts.py in YAML, written by `make sources`.\n    tables:\n"
END = "\n  - name: ops\n"
ARCHIVES = "\n      # From here to the end: archives of the tables with a history, written by `make sources`.\n"
LINEAGE = {
    "_file": "Name of the source file the record came from.",
    "_file_sha256": "SHA-256 of that file's bytes, in hexadecimal.",
    "_row": "Number of the record in its file, counted from 1 without the header.",
    "_run_id": "Id of the run that loaded the record.",
    "_loaded_at": "When the record was loaded, UTC.",
}
DELIVERY_LINEAGE = {
    "_delivered_at": "When the file the record came from was delivered, UTC; as in the ledger.",
    "_delivery_date": "The ledger's delivery_date of that file.",
    "_valid_from_date": "The ledger's valid_from_date of that file.",
    "_delivery_order": "The ledger's delivery_order of that file; both sort together.",
    "_replaced_at": "When the delivery that replaced the record was loaded, UTC; its loaded_at.",
}


def replace_tables(text: str, contracts: Iterable[Contract]) -> str:
    """The YAML of the sources with its raw tables and archives as the contracts have them; all else stays."""
    before, rest = text.split(BEGIN)
    after, contracts = rest.split(END)[1].split(ARCHIVES)[0], list(contracts)
    tables = ("\n".join(_table(contract, is_first=not i)) for i, contract in enumerate(contracts))
    kept = [contract for contract in contracts if contract.history != "none"]
    archives = ("\n".join(_archive(contract, is_first=not i)) for i, contract in enumerate(kept))
    return "".join([before, BEGIN, "\n\n".join(tables), "\n", END, after, ARCHIVES, "\n\n".join(archives), "\n"])


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


def _archive(contract: Contract, *, is_first: bool) -> Iterator[str]:
    whose = "only of keys that no file delivers now" if contract.history == "vanished" else "one row per delivery"
    yield f"      - name: replaced_{contract.table}"
    yield f"        description: Rows of {contract.table} that a later delivery of the same file replaced, {whose}."
    yield "        config:"
    yield "          freshness: null  # nothing need ever be replaced"
    yield "        columns:"
    for name, kind in archive_columns(contract).items():
        if name in contract.columns:
            yield from _column(name, kind, contract.columns[name].description or "", "-")
        elif is_first and name in DELIVERY_LINEAGE:
            yield from _column(name, kind, DELIVERY_LINEAGE[name], f"- &{name}")
        else:
            yield f"          - *{name if name in DELIVERY_LINEAGE else name[1:]}"


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
