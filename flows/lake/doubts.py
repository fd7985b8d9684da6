"""Records that a look at their block did not clear, of one block or of many, in; out which are good after all, and
every reason against the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from flows.lake.contracts import Contract
from flows.lake.forms import SHIPPED_FORM, Form
from flows.lake.reading import Block
from flows.lake.records import judge_records, strip_ends
from flows.lake.splitting import as_series, take_records
from flows.lake.terms import Terms
from flows.lake.values import explain

MAX_LOOKED_AT = 100  # bad records, for examples of what was found


@dataclass(frozen=True)
class Doubtful:
    """Records as they came. `ends` (int64): the offsets just after each; `rows` (int64): their numbers in the file."""

    data: bytes
    ends: np.ndarray
    rows: np.ndarray

    @classmethod
    def take(cls, block: Block, which: np.ndarray) -> Doubtful:
        """Some records of a block, by their indices."""
        return cls(*take_records(block.data, block.record_ends, which), which + block.first_row)

    @classmethod
    def join(cls, several: Sequence[Doubtful]) -> Doubtful:
        """Those of several blocks, in their order."""
        starts = np.cumsum([0, *(len(each.data) for each in several[:-1])])
        ends = [each.ends + start for each, start in zip(several, starts.tolist(), strict=True)]
        rows = [each.rows for each in several]
        return cls(b"".join(each.data for each in several), np.concatenate(ends), np.concatenate(rows))


class Foreign(NamedTuple):
    """A record whose amounts are in another currency: its number in the file and what it says."""

    row: int
    column: str
    found: str


class Examined(NamedTuple):
    """`good` has the contract's columns and `_row`; `bad` has `_row`, `reason` and `raw`, None if there are none."""

    good: pl.DataFrame
    bad: pl.DataFrame | None
    foreign: Foreign | None
    found: dict[str, str]  # reason → a value that it was given for, as the file has it; of numbers and times alone


def examine(
    doubtful: Doubtful, header: list[str], contract: Contract, terms: Terms, form: Form = SHIPPED_FORM
) -> Examined:
    """Judge each of these records exactly, its structure and its values; `header` and `contract` as of their block."""
    block = Block(0, doubtful.data, len(doubtful.rows), 1, doubtful.ends, form.dialect)
    records = judge_records(block, header)
    codes = pl.Series("code", dtype=pl.String).extend_constant(None, block.rows)
    codes = codes.scatter(_find_headers(records.text, header, form), "repeated_header")
    codes = codes.scatter(form.find_undecodable(block), "encoding")
    codes = codes.zip_with(records.codes.is_null(), records.codes)  # what is not CSV is nothing else
    text = add_missing(form.complete(records.text), contract)
    typed, reasons = explain(text, contract, terms)
    reasons = reasons.zip_with(codes.is_null(), "record:" + codes)
    is_good, is_sound = reasons.is_null(), codes.is_null().to_numpy()
    good = typed.insert_column(typed.width, pl.Series("_row", doubtful.rows)).filter(is_good)
    foreign = find_foreign(text, is_sound, doubtful.rows, contract, terms.currency)
    if terms.forgotten:
        good = terms.forgotten.hide_records(good, contract)
    if is_good.all():
        return Examined(good, None, foreign, {})
    raw = form.dialect.restore(strip_ends(as_series(doubtful.data, doubtful.ends).filter(~is_good)))
    bad = pl.DataFrame({"_row": doubtful.rows, "reason": reasons}).filter(~is_good).with_columns(raw=raw)
    found = _find_values(text.filter(~is_good).head(MAX_LOOKED_AT), bad["reason"], contract)
    if terms.forgotten:
        bad = terms.forgotten.hide_raw(bad)
    return Examined(good, bad, foreign, found)


def add_missing(text: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The fields of records with the columns that the header lacks, which are null."""
    missing = [name for name in contract.columns if name not in text.columns]
    return text.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing) if missing else text


def find_foreign(
    text: pl.DataFrame, is_sound: np.ndarray, rows: np.ndarray, contract: Contract, currency: str
) -> Foreign | None:
    """The first of the records that are sound (bool) that names another currency; one that names none agrees."""
    for column in contract.check_only:
        if column in text.columns:
            odd = (text[column] != currency).arg_true().to_numpy()
            odd = odd[is_sound[odd]]
            if len(odd):
                return Foreign(int(rows[odd[0]]), column, text[column][int(odd[0])])
    return None


def find_like_header(text: pl.DataFrame, name: str, written: str) -> np.ndarray:
    """The indices of the records that begin as the header does, which says `written` there."""
    column = text[name]
    return (column == written if written else column.is_null()).arg_true().to_numpy()


def _find_headers(text: pl.DataFrame, header: list[str], form: Form) -> np.ndarray:
    """The indices of the records that say what the header says."""
    written = form.write_columns(header)
    alike = find_like_header(text, header[0], written[0])
    names = zip(header, written, strict=True)
    is_header = pl.all_horizontal(pl.col(name).fill_null("") == said for name, said in names)
    found: np.ndarray = alike[text[alike].select(is_header).to_series().to_numpy()]
    return found


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
