"""Which version of a contract something was made under: a contract in, a hash of what it says out.

The ledger notes it for each file, so that a person can tell the files that came before a column was there. Parts that
were written before it was have no such column; what they hold is then null.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import dataframely as dy
import pyarrow.parquet as pq

from flows.errors import LoadError
from flows.lake.contracts import Contract
from flows.lake.parts import Part

_NOT_JUDGED = ("description", "_schema", "_name")


@cache
def contract_sha256(contract: Contract) -> str:
    """SHA-256 over everything by which records are judged and kept; what is only told to people does not count.

    Of conditions that are code the name counts: a changed one needs a name, or description, of its own.
    """
    said = {
        "table": contract.table,
        "columns": [[name, _describe(column)] for name, column in contract.schema.columns().items()],
        "rules": [[rule.column, rule.code, rule.description] for rule in contract.rules],
        "history": contract.history,
        "identity": contract.identity,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def find_lacking(parts: Iterable[Part], contract: Contract) -> set[str]:
    """The columns that at least one of the parts lacks: files may lack them, and the contract once did.

    Raises:
        LoadError: a part lacks a column that every file must have.
    """
    lacking: set[str] = set()
    for part in parts:
        missing = contract.columns.keys() - set(pq.read_schema(part.path).names)
        if missing & set(contract.required):
            raise LoadError(
                f"{part.path}: lacks {', '.join(sorted(missing))}, for it was written under another contract of "
                f"{contract.table}. Run again with the source, so that its file is converted anew."
            )
        lacking |= missing
    return lacking


def _describe(column: dy.Column) -> dict[str, Any]:
    said = {name: value for name, value in vars(column).items() if value is not None and name not in _NOT_JUDGED}
    checks = said.get("check")
    if checks is not None:
        said["check"] = sorted(checks) if isinstance(checks, dict) else "unnamed"
    return {"dtype": str(column.dtype), **said}
