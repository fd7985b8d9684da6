"""A warehouse and a past day in; what was delivered since and changed the days up to it out, counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from flows.marts.past_query import write_query
from reports.past import CHANGES, Change


def read_changes(connection: Connection, as_of: date, prefix: str = "") -> tuple[Change, ...]:
    """What changed the days up to `as_of` since it was the newest day, in the order of `CHANGES`; nothing is left out.

    An order that several deliveries hold counts once; amounts are net sales and refunds, now less then.
    """
    rows: Iterable[Any] = connection.exec_driver_sql(write_query(as_of, prefix)).fetchall()
    found = {
        (table.removeprefix("raw_"), change): (int(count), Decimal(int(cents)) / 100)
        for table, change, count, cents in rows
        if count
    }
    return tuple(Change(*kind, *found[kind]) for kind in CHANGES if kind in found)
