"""One block of bytes → the good records as typed values, the others with every reason against them.

First the cheap questions are put to all records; only those that they do not clear are examined exactly.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl

from flows.lake.contracts import Contract
from flows.lake.forms import SHIPPED_FORM, Form
from flows.lake.reading import Block
from flows.lake.records import Records, find_records, judge_block, take_raw
from flows.lake.terms import Terms
from flows.lake.values import explain, read_values

NUL = 0
MAX_LOOKED_AT = 100  # bad records of a block, for examples of what was found


class Foreign(NamedTuple):
    """The first record of a block whose amounts are in another currency: its number in the file and what it says."""

    row: int
    column: str
    found: str


class Converted(NamedTuple):
    """The good records of a block: the contract's columns and `_row`; the bad ones: `_row`, `reason` and `raw`.

    `_row` (Int64) is the number of the record in its file, from 1; None stands for no bad records.
    """

    good: pl.DataFrame
    bad: pl.DataFrame | None
    foreign: Foreign | None
    found: dict[str, str]  # reason → a value that it was given for, as the file has it; of numbers and times alone


def convert_block(
    block: Block, header: list[str], contract: Contract, terms: Terms, form: Form = SHIPPED_FORM
) -> Converted:
    """Convert the records of a block, which has the columns of `header`; those that nobody knows are left out.

    `header` has our names, and `contract` is adapted to the form of the file.
    """
    as_written = judge_block(block, header)
    headers = _find_headers(as_written, header, form.write_columns(header))
    records = _add_missing(form.complete(block, as_written, contract), contract)
    headers = np.setdiff1d(headers, records.unsound)
    typed, surely_good = read_values(records.text, contract)
    good = surely_good.to_numpy(writable=True)
    for doubtful in (records.unsound, records.apart, headers, find_records(block, NUL)):
        good[doubtful] = False
    bad, found = None, dict[str, str]()
    if not good.all():
        judged = replace(
            records,
            unsound=np.concatenate((records.unsound, headers)),
            codes=records.codes.append(pl.Series(["repeated_header"]).new_from_index(0, len(headers))),
        )
        typed, good, bad, found = _examine(block, judged, (typed, good), contract, terms)
        if bad is not None:
            bad = bad.with_columns(form.dialect.restore(bad["raw"]))
            found = {reason: form.dialect.exchange(value) for reason, value in found.items()}
    rows = pl.int_range(block.first_row, block.first_row + block.rows, dtype=pl.Int64, eager=True).alias("_row")
    typed = typed.insert_column(typed.width, rows)
    foreign = _find_foreign(block, records, headers, contract, terms.currency)
    kept = typed if bad is None else typed.filter(pl.Series(good))
    if terms.forgotten:
        kept = terms.forgotten.hide_records(kept, contract)
        bad = None if bad is None else terms.forgotten.hide_raw(bad)
    return Converted(kept, bad, foreign, found)


def _add_missing(records: Records, contract: Contract) -> Records:
    """The records with the columns that the header lacks, which are null."""
    missing = [name for name in contract.columns if name not in records.text.columns]
    if not missing:
        return records
    nulls = (pl.lit(None, dtype=pl.String).alias(name) for name in missing)
    return replace(records, text=records.text.with_columns(nulls))


def _find_headers(records: Records, header: list[str], written: list[str]) -> np.ndarray:
    """The indices (int64) of the sound records that say what the header says; `written` are its names as they came."""
    alike = np.flatnonzero((records.text[header[0]].fill_null("") == written[0]).to_numpy())
    if not len(alike) and not len(records.apart):
        return alike
    which = np.setdiff1d(np.union1d(alike, records.apart), records.unsound)
    is_header = pl.all_horizontal(
        pl.col(name).fill_null("") == text for name, text in zip(header, written, strict=True)
    )
    found: np.ndarray = which[records.take_text(which).select(is_header).to_series().to_numpy()]
    return found


def _find_foreign(
    block: Block, records: Records, headers: np.ndarray, contract: Contract, currency: str
) -> Foreign | None:
    """The first sound record that names another currency; one that names none agrees, and so does a header."""
    for column in contract.check_only:
        if column not in records.text.columns:
            continue
        odd = np.flatnonzero((records.text[column] != currency).fill_null(value=False).to_numpy())
        which = np.setdiff1d(np.union1d(odd, records.apart), np.union1d(records.unsound, headers))
        values = records.take_text(which)[column]
        for at, found in zip(which.tolist(), values, strict=True):
            if found is not None and found != currency:
                return Foreign(block.first_row + at, column, found)
    return None


def _examine(
    block: Block, records: Records, read: tuple[pl.DataFrame, np.ndarray], contract: Contract, terms: Terms
) -> tuple[pl.DataFrame, np.ndarray, pl.DataFrame | None, dict[str, str]]:
    """Judge exactly what is not surely good of what was read: the values and which are good; the bad records, and
    values that they were found bad for."""
    typed, good = read
    doubtful = np.flatnonzero(~good)
    text = records.take_text(doubtful)
    exact, reasons = explain(text, contract, terms)
    reasons = reasons.scatter(np.searchsorted(doubtful, records.unsound), "record:" + records.codes)
    is_fine = reasons.is_null()
    fine, wrong = doubtful[is_fine.to_numpy()], doubtful[~is_fine.to_numpy()]
    if len(fine):
        values = exact.filter(is_fine)
        typed = typed.with_columns(typed[name].scatter(fine, values[name]) for name in contract.columns)
        good[fine] = True
    if not len(wrong):
        return typed, good, None, {}
    rows = pl.Series(wrong + block.first_row, dtype=pl.Int64)
    bad = pl.DataFrame({"_row": rows, "reason": reasons.filter(~is_fine), "raw": take_raw(block, wrong)})
    return typed, good, bad, _find_values(text.filter(~is_fine).head(MAX_LOOKED_AT), bad["reason"], contract)


def _find_values(text: pl.DataFrame, reasons: pl.Series, contract: Contract) -> dict[str, str]:
    """The first value of each reason; none of texts, which may be what a person is called."""
    dtypes = contract.dtypes
    found: dict[str, str] = {}
    for row, joined in zip(text.iter_rows(named=True), reasons, strict=False):  # as many as are looked at
        for reason in joined.split(";"):
            name, _, _ = reason.partition(":")
            if dtypes.get(name, pl.String()) != pl.String and row[name] is not None:
                found.setdefault(reason, row[name])
    return found
