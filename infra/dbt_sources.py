"""The contracts in → raw tables and archives of dbt's sources out, as YAML; so a column is declared in one place."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.lake.contracts import CONTRACTS, Contract
from flows.warehouse.ddl import archive_columns, raw_columns

PROJECT = Path(__file__).resolve().parent.parent
SOURCES = PROJECT / "dbt" / "models" / "staging" / "_staging__sources.yml"
WRITTEN = "      # From here to the next mark: flows/lake/contracts.py in YAML, written by `make sources`.\n"
END = "      # Until here.\n"
LINEAGE = {
    "_file": "Name of the source file the record came from.",
    "_file_sha256": "SHA-256 of that file's bytes, in hexadecimal.",
    "_row": "Number of the record in its file, counted from 1 without the header.",
    "_run_id": "Id of the run that loaded the record.",
    "_loaded_at": "When the record was loaded, UTC.",
    "_delivered_at": "The ledger's delivered_at of the file the record came from, UTC.",
    "_delivery_date": "The ledger's delivery_date of that file.",
    "_valid_from_date": "The ledger's valid_from_date of that file.",
    "_delivery_order": "The ledger's delivery_order of that file, to be sorted together with that of the ledger.",
    "_replaced_at": "When the delivery that replaced the record was loaded, UTC; its loaded_at.",
}
AMOUNTS = ("subtotal", "amount")  # what a record is about, in cents and before tax; a table has one of them or none
REPLACED = {
    "all": "that a later delivery of its file replaced.",
    "vanished": "that a later delivery of its file replaced, if no file has its key now.",
    "reused": "that a later delivery of its file replaced by something else with the same key.",
}


def write_tables(text: str, contracts: Iterable[Contract]) -> str:
    """The YAML of the sources with its raw tables and archives as the contracts have them; all else stays."""
    chosen, described = list(contracts), set[str]()
    raw = ["\n".join(_raw_table(contract, described)) for contract in chosen]
    archives = ["\n".join(_archive(contract, described)) for contract in chosen if contract.history != "none"]
    before, between, after = (piece.split(END)[-1] for piece in text.split(WRITTEN))
    return "".join(
        (before, WRITTEN, "\n\n".join(raw), "\n", END, between, WRITTEN, "\n\n".join(archives), "\n", END, after)
    )


def _raw_table(contract: Contract, described: set[str]) -> Iterator[str]:
    yield f"      - name: {contract.table}"
    yield f"        description: {_text(contract.description)}"
    if contract.is_optional:
        yield "        config:"
        yield "          freshness: null  # no file of this table need ever come"
    if contract.history in {"none", "reused"}:  # of the others a later delivery is the normal case
        yield "        data_tests:"
        yield from _test("superseded_versions", f"superseded_{_things(contract)}", contract)
    if contract.history == "reused":
        yield from _test("reused_keys", f"{_things(contract)}_of_reused_ids", contract)
        yield f"                table: {contract.table}"
        yield from (f"                amount_column: {name}" for name in AMOUNTS if name in contract.columns)
    yield from _columns(contract, raw_columns(contract), described)


def _test(test: str, name: str, contract: Contract) -> Iterator[str]:
    yield f"          - {test}:"
    yield f"              name: warn_{name}"
    yield "              arguments:"
    yield f"                key_columns: [{', '.join(contract.key)}]"
    if contract.identity:
        yield f"                identity_columns: [{', '.join(contract.identity)}]"


def _things(contract: Contract) -> str:
    return contract.table.removeprefix("raw_")


def _archive(contract: Contract, described: set[str]) -> Iterator[str]:
    yield f"      - name: replaced_{contract.table}"
    yield f"        description: One row per record of {contract.table} {REPLACED[contract.history]}"
    yield "        config:"
    yield "          freshness: null  # nothing may ever be replaced"
    yield from _columns(contract, archive_columns(contract), described)


def _columns(contract: Contract, columns: dict[str, str], described: set[str]) -> Iterator[str]:
    """The columns of a table; those of the lineage in full where they are first met."""
    yield "        columns:"
    for name, kind in columns.items():
        if name in described:
            yield f"          - *{name}"
            continue
        if name in LINEAGE:
            described.add(name)
            yield f"          - &{name}"
            yield f"            name: {name}"
        else:
            yield f"          - name: {name}"
        yield f"            data_type: {kind}"
        yield f"            description: {_text(LINEAGE.get(name) or contract.columns[name].description or '')}"


def _text(text: str) -> str:
    """A text as YAML, in quotes where it could mean something else."""
    return json.dumps(text, ensure_ascii=False) if ": " in text or " #" in text else text


def main() -> int:
    SOURCES.write_text(write_tables(SOURCES.read_text(encoding="utf-8"), CONTRACTS.values()), encoding="utf-8")
    print(f"{SOURCES.relative_to(PROJECT)}: {len(CONTRACTS)} raw tables and their archives")
    return 0


if __name__ == "__main__":
    sys.exit(main())
