"""Files of raw_stores in → the time zone of each store out: what a time in UTC of another table needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.errors import DataError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import convert_csv
from flows.lake.forms import SHIPPED_FORM, Form
from flows.lake.sources import find_fault
from flows.lake.terms import Terms


def read_time_zones(
    paths: Iterable[Path], *, allow_extra_columns: bool = False, form: Form = SHIPPED_FORM
) -> dict[str, str]:
    """Store id → IANA name, from the good records of all these files; of a store with several zones none is known.

    A file that cannot be read says nothing here: the run that converts it refuses it.
    """
    zones: defaultdict[str, set[str]] = defaultdict(set)
    terms = Terms(allow_extra_columns=allow_extra_columns)
    with TemporaryDirectory() as folder:
        for path in (path for path in paths if find_fault(path) is None):
            try:
                conversion = convert_csv(path, CONTRACTS["raw_stores"], folder, terms=terms, form=form)
            except DataError:
                continue
            for part in conversion.parts:
                known = pl.read_parquet(part.path, columns=["id", "time_zone"], glob=False).drop_nulls()
                for store, zone in known.rows():
                    zones[store].add(zone)
    return {store: names.pop() for store, names in zones.items() if len(names) == 1}
