"""Looks at a shop's files in, the text of a source profile out, with a comment at each line that may be wrong."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from flows.lake.contracts import CONTRACTS
from flows.lake.draft_values import are_amounts, find_marks, find_spellings, find_yes_and_no
from flows.lake.draft_words import COLUMN_WORDS, TABLE_WORDS
from flows.lake.look import Look
from flows.lake.profile_faults import UNKNOWN
from flows.lake.timestamps import formats

EXACT, WORD, PART = 4, 2, 1
LEAST_PART = 4  # of a word, so that `net` is not found in `internet`
FALLBACKS = {"order_total": "subtotal", "subtotal": "order_total"}
_NONE_FOUND = "no column was found; name one, or give a value under constants"
CONSTANTS = {"tax_paid": "0", "tax_rate": "0", "tax_amount": "0"}
REFERENCES = {
    "customer": "raw_customers",
    "order_id": "raw_orders",
    "store_id": "raw_stores",
    "item_id": "raw_items",
    "supply_id": "raw_supplies",
}
Keys = Mapping[str, Sequence[frozenset[str]]]  # table → the values of each of its columns in which none is twice


def draft_profile(looks: Sequence[Look]) -> tuple[str, list[str]]:
    """The TOML, and what is unsure in it, table by table."""
    tables: defaultdict[str, list[Look]] = defaultdict(list)
    strange = []
    for look in looks:
        table = guess_table(look)
        tables[table].append(look) if table else strange.append(look)
    lines = ["# Drafted from the files' beginnings. Look through what is unsure; docs/your-own-data.md has every key."]
    keys = {table: list(_find_keys(found)) for table, found in tables.items()}
    lines += [f"# unsure: {_comment(look.path.name)} fits no table and is left out" for look in strange]
    for table in (table for table in CONTRACTS if table in tables):
        lines += ["", *_draft_table(table, tables[table], keys)]
    text = "\n".join(lines) + "\n"
    return text, _list_doubts(text)


def guess_table(look: Look) -> str | None:
    """By the words in the name, then by how many columns can be told; None if too few can."""
    name = fold(look.path.name)
    scores = {
        table: len(match_columns(table, look.values)) + 3 * any(word in name for word in words)
        for table, words in TABLE_WORDS.items()
    }
    best = max(scores, key=lambda table: scores[table])
    return best if scores[best] > 1 else None


def match_columns(table: str, values: Mapping[str, Sequence[str]], keys: Keys | None = None) -> dict[str, str]:
    """Our column → the one of the file whose name and values fit best; each of them once.

    A column whose values are all in a key of the table that ours refers to is very likely ours.
    """
    keys = keys or {}
    ranked = sorted(
        (
            (-score, place, ours, theirs)
            for place, (ours, words) in enumerate(COLUMN_WORDS[table].items())
            for theirs, sample in values.items()
            if (score := _score(fold(theirs), ours, words) + _refers(table, ours, sample, keys))
            and _can_be(table, ours, sample)
        ),
    )
    found: dict[str, str] = {}
    for _, _, ours, theirs in ranked:
        if ours not in found and theirs not in found.values():
            found[ours] = theirs
    return found


def fold(name: str) -> str:
    """A name in small letters without accents."""
    text = "".join(each for each in unicodedata.normalize("NFD", name.lower()) if not unicodedata.combining(each))
    return re.sub(r"[^a-z0-9°]+", "_", text).strip("_")


def _find_keys(looks: Sequence[Look]) -> Iterator[frozenset[str]]:
    for values in looks[0].values.values():
        if len(set(values)) == len(values):
            yield frozenset(values).union(*(look.values.get(name, ()) for look in looks[1:] for name in look.values))


def _refers(table: str, ours: str, sample: Sequence[str], keys: Keys) -> int:
    """How much it says that all values are in a key of the table that this column of ours refers to."""
    other = "raw_products" if ours == "sku" and table != "raw_products" else REFERENCES.get(ours)
    if not other or other == table or not sample:
        return 0
    return EXACT if any(set(sample) <= key for key in keys.get(other, ())) else 0


def _score(name: str, ours: str, words: Sequence[str]) -> int:
    if name == ours:
        return 2 * EXACT
    parts = name.split("_")
    return max(
        (
            EXACT
            if name == word
            else WORD
            if word in parts
            else PART
            if len(word) >= LEAST_PART and word in name
            else 0
            for word in words
        ),
        default=0,
    )


def _can_be(table: str, ours: str, sample: Sequence[str]) -> bool:
    contract, dtype = CONTRACTS[table], CONTRACTS[table].dtypes[ours]
    if contract.key == [ours] and len(set(sample)) < len(sample):
        return False
    if isinstance(dtype, pl.Datetime):
        return not sample or bool(find_spellings(sample)) or "T" in sample[0]
    return are_amounts(sample) if dtype.is_numeric() else True


def _draft_table(table: str, looks: Sequence[Look], keys: Keys) -> Iterator[str]:
    look = looks[0]
    columns = match_columns(table, look.values, keys)
    copied = {ours: columns[other] for ours, other in FALLBACKS.items() if ours not in columns and other in columns}
    columns |= {ours: theirs for ours, theirs in copied.items() if ours in CONTRACTS[table].columns}
    constants = _find_constants(table, columns, keys)
    yield f"[tables.{table}]"
    yield f"files = {_list(each.path.name for each in looks)}"
    for key, value in (("delimiter", look.delimiter), ("quote", look.quote), ("encoding", look.encoding)):
        yield f"{key} = {_text(value)}{_unsure(look.unsure.get(key))}"
    yield from _draft_spellings(table, columns, look.values)
    left = [name for name in look.values if name not in columns.values() and name not in CONTRACTS[table].check_only]
    if left:
        yield f"leave_out = {_list(left)}{_unsure('is none of these one of our columns?')}"
    yield f"[tables.{table}.columns]"
    for name in (name for name in CONTRACTS[table].columns if name not in constants):
        if name in columns:
            why = "the only amount, so it is taken for both" if name in copied else None
            yield f"{name} = {_text(columns[name])}{_unsure(why or _doubt(table, name, columns[name], left))}"
        elif name in CONTRACTS[table].required:
            yield f"{name} = {_text(UNKNOWN)}{_unsure(_NONE_FOUND)}"
    if constants:
        yield f"[tables.{table}.constants]"
        yield from (f"{name} = {_text(value)}{_unsure('no column was found')}" for name, value in constants.items())


def _find_constants(table: str, columns: Mapping[str, str], keys: Keys) -> dict[str, str]:
    """What the shop lacks and a value can stand for: no tax, one store, nothing where nothing is required."""
    contract = CONTRACTS[table]
    stores = keys.get("raw_stores", ())
    only = sorted(stores[0]) if stores and len(stores[0]) == 1 else []
    values = {name: "" for name in contract.required if contract.columns[name].nullable} | CONSTANTS
    values |= {"store_id": only[0]} if only else {}
    return {name: values[name] for name in contract.required if name in values and name not in columns}


def _draft_spellings(table: str, columns: Mapping[str, str], values: Mapping[str, Sequence[str]]) -> Iterator[str]:
    declared = CONTRACTS[table].columns
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for ours, theirs in columns.items():
        column = declared[ours]
        kind = "money" if (column.metadata or {}).get("unit") == "cents" else type(column.dtype).__name__
        by_kind[kind] += values[theirs]
    money = by_kind["money"]
    decimal, thousands, has_decimals = find_marks([*money, *by_kind["Decimal"]])
    if decimal == "," or thousands:
        yield f"decimal_mark = {_text(decimal)}"
    if thousands:
        yield f"thousands_mark = {_text(thousands)}"
    if money:
        units = has_decimals and any(re.search(r"[.,]\d{1,2}$", value) for value in money)
        doubt = None if units else "no amount has decimals; it may be whole units"
        yield f"money = {_text('units' if units else 'cents')}{_unsure(doubt)}"
    yield from _draft_times(table, columns, by_kind["Datetime"])
    spelled = find_yes_and_no(by_kind["Boolean"])
    if spelled:
        yield f"yes = {_list(spelled[0])}"
        yield f"no = {_list(spelled[1])}"


def _draft_times(table: str, columns: Mapping[str, str], times: Sequence[str]) -> Iterator[str]:
    name = next((name for name in columns if isinstance(CONTRACTS[table].dtypes[name], pl.Datetime)), None)
    found = find_spellings(times) if times else []
    if name is None or not found or found[0] in formats(CONTRACTS[table].columns[name]):
        return
    others = [each for each in found[1:] if each[:2] != found[0][:2]]
    doubt = f"no day is above 12, so it may be {others[0]} too" if others else None
    yield f"timestamps = {_list(found[:1])}{_unsure(doubt)}"


def _doubt(table: str, ours: str, theirs: str, left: Sequence[str]) -> str | None:
    """What else a column may be: one that is left out and whose name fits as well."""
    words = COLUMN_WORDS[table][ours]
    score = _score(fold(theirs), ours, words)
    rivals = [name for name in left if _score(fold(name), ours, words) >= score]
    if rivals:
        return f"it may be {_text(rivals[0])} too"
    return "its name is only a part of a known word" if score == PART else None


def _list_doubts(text: str) -> list[str]:
    """The lines with a doubt, each with the table that it stands in."""
    doubts, where = [], ""
    for line in text.splitlines():
        where = line.strip("[]") if line.startswith("[tables.") else where
        setting, mark, doubt = line.partition("# unsure: ")
        if mark:
            doubts.append(f"{where} {setting.partition(' = ')[0]}: {doubt}".strip() if setting else doubt)
    return doubts


def _unsure(doubt: str | None) -> str:
    return f"  # unsure: {_comment(doubt)}" if doubt else ""


def _comment(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)


def _text(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for the character 0x7F."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(texts: Sequence[str] | Iterator[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"
