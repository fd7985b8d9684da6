"""Where the rows of a table lie, and in which order (AWS: "Distribution styles", "Sort keys")."""

from __future__ import annotations

from flows.lake.contracts import Contract
from flows.warehouse.ddl import quote

# Spread by the key, on which staging tells the versions of a record apart; the others fit on every node.
LARGE_TABLES = ("raw_customers", "raw_orders", "raw_items")


def distribution(contract: Contract | None) -> str:
    """How the rows of a raw table, and of what is staged for it, are spread over the nodes."""
    if contract is None or contract.table not in LARGE_TABLES:
        return " diststyle all"
    return f" diststyle key distkey ({quote(contract.key[0])})"


def placement(contract: Contract | None) -> str:
    """Distribution and order. A raw table is sorted by the time of loading.

    Loads append in that order, and whatever a load, its check, a DELETE or an incremental model reads of a raw table is
    bounded by it, so that blocks of other loads are not read at all.
    """
    return distribution(contract) + (" sortkey (_loaded_at)" if contract is not None else "")
