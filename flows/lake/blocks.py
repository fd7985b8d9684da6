"""One block of bytes → the good records as typed values, the others with every reason against them.

First the cheap questions are put to all records; only those that they do not clear are examined exactly, at once if
they are many, else later with those of other blocks: a look at a hundred costs hardly more than one at a single record.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from flows.lake.contracts import Contract
from flows.lake.doubts import Doubtful, Foreign, add_missing, examine, find_foreign, find_like_header
from flows.lake.forms import SHIPPED_FORM, Form
from flows.lake.reading import Block
from flows.lake.records import are_few, find_odd, find_records
from flows.lake.terms import Terms
from flows.lake.values import read_values

NUL = 0


class Converted(NamedTuple):
    """The good records of a block: the contract's columns and `_row`; the bad ones: `_row`, `reason` and `raw`.

    `_row` (Int64) is the number of the record in its file, from 1; None stands for no bad records. Records that still
    are to be examined are `doubtful`, and then there are no bad ones.
    """

    good: pl.DataFrame
    bad: pl.DataFrame | None
    foreign: Foreign | None  # the first in the block
    found: dict[str, str]  # reason → a value that it was given for, as the file has it; of numbers and times alone
    doubtful: Doubtful | None = None


def convert_block(  # noqa: PLR0913  four that say what is in the block and what it is to become
    block: Block,
    header: list[str],
    contract: Contract,
    terms: Terms,
    form: Form = SHIPPED_FORM,
    *,
    puts_off: bool = False,
) -> Converted:
    """Convert the records of a block, which has the columns of `header`; those that nobody knows are left out.

    `header` has our names, and `contract` is adapted to the form of the file. With `puts_off` a few doubtful records
    are left for `examine`.
    """
    good, doubtful, foreign = _take_good(block, header, contract, terms, form)
    if doubtful is None or (puts_off and are_few(len(doubtful.rows), block.rows)):
        return Converted(good, None, foreign, {}, doubtful)
    examined = examine(doubtful, header, contract, terms, form)
    if examined.good.height:
        good = pl.concat([good, examined.good]).sort("_row") if good.height else examined.good
    return Converted(good, examined.bad, find_first(foreign, examined.foreign), examined.found)


def find_first(*several: Foreign | None) -> Foreign | None:
    """The one that comes first in the file."""
    return min((each for each in several if each), default=None)


def _take_good(
    block: Block, header: list[str], contract: Contract, terms: Terms, form: Form
) -> tuple[pl.DataFrame, Doubtful | None, Foreign | None]:
    """The records that are good beyond doubt, typed and numbered, and the others."""
    text, odd = find_odd(block, header)
    headers = find_like_header(text, header[0], form.write_columns(header)[0])
    text = add_missing(form.complete(text), contract)
    typed, surely_good = read_values(text, contract)
    good = surely_good.to_numpy(writable=True)
    good[headers] = False
    which = np.delete(np.arange(block.rows), odd)
    is_good = np.zeros(block.rows, dtype=bool)
    is_good[which] = good
    for doubtful in (find_records(block, NUL), form.find_undecodable(block)):
        is_good[doubtful] = False
    good = is_good[which]
    typed = typed.insert_column(typed.width, pl.Series("_row", which + block.first_row, dtype=pl.Int64))
    foreign = find_foreign(text, good, which + block.first_row, contract, terms.currency)
    kept = typed if good.all() else typed.filter(pl.Series(good))
    if terms.forgotten:
        kept = terms.forgotten.hide_records(kept, contract)
    bad = np.flatnonzero(~is_good)
    return kept, Doubtful.take(block, bad) if len(bad) else None, foreign
