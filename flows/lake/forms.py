"""How the files of one table are written by a shop whose export has not our names and spellings.

A form says it; a contract adapted to it reads the shop's spellings; columns get our names, those that the shop lacks
a constant. What a value must be stays the contract's matter.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import dataframely as dy
import numpy as np
import polars as pl

from flows.errors import DataError
from flows.lake.amounts import Marks
from flows.lake.contracts import Contract
from flows.lake.dialect import SHIPPED_DIALECT, Dialect
from flows.lake.reading import Block

_APART = " of the file"
MAX_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Form:
    """`columns` and `constants` are by our names: their name of the column, its value as a file would write it.

    `timestamps` are strptime spellings, none for ours; `yes` and `no` are spellings of true and false, none for ours.
    A form is equal to itself only; `sha256` tells what two of them mean.
    """

    dialect: Dialect = SHIPPED_DIALECT
    marks: Marks = field(default_factory=Marks)
    timestamps: tuple[str, ...] = ()
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    leave_out: frozenset[str] = frozenset()

    @cached_property
    def sha256(self) -> str | None:
        """A hash of what the form means for the values; None where it is the shipped one."""
        meaning = {
            "delimiter": self.dialect.delimiter,
            "quote": self.dialect.quote,
            "encoding": "utf-8" if self.dialect.encoding == "utf-8-sig" else self.dialect.encoding,
            "marks": [self.marks.decimal, self.marks.thousands, self.marks.money_decimals, *self._currency],
            "timestamps": self.timestamps,
            "booleans": [sorted(self.yes), sorted(self.no)],
            "columns": {ours: theirs for ours, theirs in self.columns.items() if ours != theirs},
            "constants": dict(self.constants),
        }
        text = json.dumps(meaning, sort_keys=True)
        return None if text == _SHIPPED_MEANING else hashlib.sha256(text.encode()).hexdigest()

    @property
    def _currency(self) -> list[str]:
        return [self.marks.currency] if self.marks.currency else []  # so that what was read before is unchanged

    def name_columns(self, header: Sequence[str]) -> list[str]:
        """The header with our names; a name of ours that means something else here is set apart."""
        firsts: dict[str, str] = {}
        for ours, theirs in self.columns.items():
            firsts.setdefault(theirs, ours)
        taken = {*self.columns, *self.constants}
        return [firsts.get(name, f"{name}{_APART}" if name in taken else name) for name in header]

    def write_columns(self, names: Sequence[str]) -> list[str]:
        """What `name_columns` gave, as its header has it."""
        known = {**{f"{name}{_APART}": name for name in (*self.columns, *self.constants)}, **self.columns}
        return [known.get(name, name) for name in names]

    def list_columns(self, header: Sequence[str]) -> list[str]:
        """The columns that a file of this header brings, by our names, without those that are left out."""
        named = zip(header, self.name_columns(header), strict=True)
        brought = [ours for theirs, ours in named if theirs not in self.leave_out or theirs in self.columns.values()]
        return [*brought, *(ours for ours, _ in self._copies()), *self.constants]

    def check_header(self, name: str, header: Sequence[str], contract: Contract) -> None:
        """Raise DataError if the header lacks a column that the form names, unless its table can do without."""
        optional = set(contract.columns) - set(contract.required) | set(contract.check_only)
        wanted = {theirs: ours for ours, theirs in self.columns.items() if ours not in optional}
        lacking = [f"'{theirs}' (our {ours})" for theirs, ours in wanted.items() if theirs not in header]
        if lacking:
            more = f" and {len(lacking) - MAX_SHOWN} more" if len(lacking) > MAX_SHOWN else ""
            found = ", ".join(f"'{column[:40]}'" for column in header[:20])
            raise DataError(
                f"{name}: the profile names columns that the header lacks: {', '.join(lacking[:MAX_SHOWN])}{more}. "
                f"Found: {found}. Correct columns, delimiter or encoding of {contract.table} in the profile, or "
                "deliver the file with these columns."
            )

    def complete(self, text: pl.DataFrame) -> pl.DataFrame:
        """The fields of records with every column that the form gives, as texts that the adapted contract reads."""
        if self is SHIPPED_FORM:
            return text
        columns = {column.name: column for column in text.get_columns()}
        columns.update({ours: columns[first] for ours, first in self._copies() if first in columns})
        for name, value in self.constants.items():
            columns[name] = pl.Series([value], dtype=pl.String).new_from_index(0, text.height)
        return pl.DataFrame(columns)

    def _copies(self) -> list[tuple[str, str]]:
        """Our columns that are another one of ours too: (this, that), as when nothing but a total is delivered."""
        firsts: dict[str, str] = {}
        return [
            (ours, firsts[theirs]) for ours, theirs in self.columns.items() if firsts.setdefault(theirs, ours) != ours
        ]

    def find_undecodable(self, block: Block) -> np.ndarray:
        """The indices (int64) of the records that hold a byte without a meaning."""
        if not self.dialect.may_be_undecodable(block.data):  # finding where records end costs time
            return np.empty(0, dtype=np.int64)
        return self.dialect.find_undecodable(block.data, block.record_ends)


SHIPPED_FORM = Form()
_SHIPPED_MEANING = json.dumps(
    {
        "delimiter": ",",
        "quote": '"',
        "encoding": "utf-8",
        "marks": [".", "", 0],
        "timestamps": [],
        "booleans": [[], []],
        "columns": {},
        "constants": {},
    },
    sort_keys=True,
)


@cache
def adapt(contract: Contract, form: Form) -> Contract:
    """The contract with the spellings of the form; equal conditions, other ways to read."""
    if not (form.timestamps or form.yes or form.no or form.marks != Marks()):
        return contract
    columns = {name: _adapt_column(column, form) for name, column in contract.schema.columns().items()}
    schema = type(contract.schema.__name__, (dy.Schema,), {"__doc__": contract.schema.__doc__, **columns})
    return replace(contract, schema=schema)


def _adapt_column(column: dy.Column, form: Form) -> dy.Column:
    adapted, metadata = copy.copy(column), dict(column.metadata or {})
    marks = form.marks
    if isinstance(column.dtype, pl.Datetime) and form.timestamps:
        metadata["formats"] = form.timestamps
    elif column.dtype == pl.Boolean and (form.yes or form.no):
        metadata["booleans"] = {text: text in form.yes for text in (*form.yes, *form.no)}
    elif isinstance(column.dtype, pl.Decimal) or column.dtype.is_integer():
        is_money = metadata.get("unit") == "cents"
        metadata["marks"] = marks if is_money else Marks(marks.decimal, marks.thousands)
    adapted.metadata = metadata
    return adapted
