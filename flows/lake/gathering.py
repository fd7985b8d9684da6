"""Blocks of one file, each converted by whichever thread, in their order in; the file's parts and bad records out.

Doubtful records of several blocks are examined together: that costs hardly more than a look at a single one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.lake.blocks import Converted, convert_block, find_first
from flows.lake.contracts import Contract
from flows.lake.doubts import Doubtful, Foreign, examine
from flows.lake.forms import Form
from flows.lake.headers import shorten
from flows.lake.parts import Part, unfinished_name, write_part
from flows.lake.quarantine import Quarantine
from flows.lake.reading import Block
from flows.lake.terms import Terms

HELD_BYTES = 1 << 20  # of doubtful records that wait to be examined together


@dataclass(frozen=True)
class Written:
    """What became of one block: its good records, written, and what is to be said or asked of the others."""

    part: Part | None
    block: Converted


class Gathering:
    """What became of the blocks so far. `contract` is adapted to the form; headers are as the file has them."""

    def __init__(self, name: str, contract: Contract, out_dir: Path, terms: Terms, form: Form) -> None:
        self.name, self.contract, self.terms, self.form = name, contract, terms, form
        self.lake = out_dir / "lake" / contract.table
        self.quarantine = Quarantine(out_dir / "quarantine" / contract.table, name)
        self.parts: list[Part] = []
        self.foreign: Foreign | None = None
        self.found: dict[str, str] = {}
        self._held: list[Doubtful] = []
        self._taken = 0  # blocks

    def convert(self, block: Block, header: list[str], *, puts_off: bool) -> Written:
        """Convert a block, and write what is good in it; threads may do so side by side."""
        names = self.form.name_columns(header)
        done = convert_block(block, names, self.contract, self.terms, self.form, puts_off=puts_off)
        part = self._write(done.good, 2 * block.number)
        return Written(part, done._replace(good=done.good.clear()))

    def take(self, written: Written, header: list[str]) -> None:
        """Take what became of the next block of the file."""
        block = written.block
        self._taken += 1
        self.keep(written.part)
        self._held += [block.doubtful] if block.doubtful else []
        if block.bad is not None or sum(len(each.data) for each in self._held) > HELD_BYTES:
            self.examine_held(header)  # bad records are to stand in the quarantine in their order
        self._note(block.bad, block.foreign, block.found)

    def examine_held(self, header: list[str]) -> None:
        """Examine what was put off; what is good of it gets a part of its own."""
        if self._held:
            names, doubtful = self.form.name_columns(header), Doubtful.join(self._held)
            self._held = []
            examined = examine(doubtful, names, self.contract, self.terms, self.form)
            self.keep(self._write(examined.good, 2 * self._taken - 1))
            self._note(examined.bad, examined.foreign, examined.found)

    def keep(self, part: Part | None) -> None:
        """Count a part, if there is one, among those of the file."""
        self.parts += [part] if part is not None else []

    def _note(self, bad: pl.DataFrame | None, foreign: Foreign | None, found: dict[str, str]) -> None:
        if bad is not None:
            self.quarantine.add(bad)
        self.foreign = find_first(self.foreign, foreign)
        self.found = {reason: shorten(value) for reason, value in found.items()} | self.found

    def _write(self, good: pl.DataFrame, number: int) -> Part | None:
        """Write records, if there are any; `number` names their part while it is unfinished."""
        if not good.height:
            return None
        good.insert_column(good.width - 1, self._name_column(good.height))
        return write_part(good, self.lake / unfinished_name(self.name, number))

    def _name_column(self, rows: int) -> pl.Series:
        """`_file`, the same in every row; as a category it need not be compared row by row when it is written."""
        return pl.Series("_file", [self.name], dtype=pl.Categorical()).new_from_index(0, rows)
