"""What is wrong with a source profile whose keys are well formed: each fault where it stands, with its cure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from difflib import get_close_matches
from itertools import pairwise

import polars as pl

from flows.lake.contracts import CONTRACTS, Contract
from flows.lake.dialect import find_encoding
from flows.lake.forms import Form, adapt
from flows.lake.profile_keys import FileKeys, ProfileKeys, TableKeys
from flows.lake.reasons import describe_reason
from flows.lake.terms import DEFAULT_TERMS
from flows.lake.timestamps import DIRECTIVE, DIRECTIVES, EPOCHS
from flows.lake.values import VALUE_CODES, explain

UNKNOWN = "?"  # what the draft of a profile writes where a person must decide
_NO_DELIMITERS = "+-.:_/ \r\n\x00\x1f"
_CURRENCY_MARK = re.compile(r"""[ \u00a0\u202f]?[^\d\s.,'"()+-][^\d\s,'"()+-]{0,5}[ \u00a0\u202f]?""")
_SAMPLE = datetime(2001, 2, 3, 4, 5, 6)  # noqa: DTZ001  a wall clock's


def find_faults(keys: ProfileKeys) -> Iterator[str]:
    """The faults of keys and of what they say together; those of constants are for `find_constant_faults`."""
    yield from _class_faults(keys)
    yield from _file_faults("defaults", keys.defaults)
    for table, chosen in keys.tables.items():
        where = f"tables.{table}"
        if table not in CONTRACTS:
            yield f"{where}: there is no such table{_suggest(table, CONTRACTS)}. Expected one of {', '.join(CONTRACTS)}"
            continue
        yield from _file_faults(where, chosen)
        yield from _column_faults(where, chosen, CONTRACTS[table])
        if _pick(chosen.delimiter, keys.defaults.delimiter, ",") == _pick(chosen.quote, keys.defaults.quote, '"'):
            yield f"{where}: delimiter and quote are the same character. Name another for one of them"
        marks = (_pick(chosen.decimal_mark, keys.defaults.decimal_mark, "."),)
        if _pick(chosen.thousands_mark, keys.defaults.thousands_mark, "") in marks:
            yield f"{where}: decimal_mark and thousands_mark are the same character. Name another for one of them"
    yield from _pattern_faults(keys)


def find_constant_faults(table: str, form: Form) -> Iterator[str]:
    """The constants of a table that its contract refuses."""
    if not form.constants:
        return
    contract = adapt(CONTRACTS[table], form)
    known = {name: text for name, text in form.constants.items() if name in contract.columns}
    text = pl.DataFrame({name: [known.get(name) or None] for name in contract.columns}, _schema(contract))
    reasons = explain(text, contract, DEFAULT_TERMS)[1].item() or ""
    for column, _, code in (reason.partition(":") for reason in reasons.split(";")):
        if column in known and code in VALUE_CODES:
            yield (
                f"tables.{table}.constants.{column}: {known[column]!r} is no value of this column: "
                f"{describe_reason(contract, f'{column}:{code}')}. Write it as a file of this table would"
            )


def _class_faults(keys: ProfileKeys) -> Iterator[str]:
    classes = keys.shop.classes
    if classes is None:
        return
    where = "shop.classes"
    if len(classes) < 2:  # noqa: PLR2004
        found = "one class tells no customers apart" if classes else "names no class"
        yield f"{where}: {found}. Name two at least, or leave classes out, for those of the project"
    if classes and min(classes.values()) > 0:
        yield f"{where}: one class must begin at 0, or small customers have none. Add e.g. Bronze = 0"
    for (first, amount), (second, other) in pairwise(sorted(classes.items(), key=lambda each: each[1])):
        if amount == other:
            yield f"{where}: {first} and {second} begin at the same amount, {amount}. Give each its own"
    for name in classes:
        yield from _class_name_faults(where, name)


def _class_name_faults(where: str, name: str) -> Iterator[str]:
    if name.casefold() == "inactive":
        yield f"{where}.{name}: the name is that of customers without a sale. Choose another"
    if name != name.strip():
        yield f"{where}: {name!r} begins or ends with a blank. Take it away"
    if len(name.encode()) > 64 or not name.isprintable() or "\\" in name:  # noqa: PLR2004  the seed's varchar(64)
        yield f"{where}: a class has a name of more than 64 bytes, a backslash or no print. Choose another"


def _file_faults(where: str, keys: FileKeys) -> Iterator[str]:
    if keys.delimiter is not None and not _is_delimiter(keys.delimiter):
        yield f'{where}.delimiter: {keys.delimiter!r} cannot be one. Expected e.g. ",", ";", "\\t" or "|"'
    if keys.quote and (not _is_delimiter(keys.quote, quotes="\"'") or keys.quote == ","):
        yield f'{where}.quote: {keys.quote!r} cannot be one. Expected \'"\', "\'", or "" for none'
    if keys.currency_mark and not _CURRENCY_MARK.fullmatch(keys.currency_mark):
        yield (
            f"{where}.currency_mark: {keys.currency_mark!r} cannot be one. Expected a sign or a short word, with the "
            'blank between it and the amount, e.g. "$", " €" or "kr "'
        )
    if keys.encoding is not None and find_encoding(keys.encoding) is None:
        yield (
            f"{where}.encoding: Python knows no encoding {keys.encoding!r} of text. "
            'Expected e.g. "utf-8", "cp1252", "latin-1", "utf-16"'
        )
    if (keys.yes is None) != (keys.no is None):
        yield f"{where}: yes and no go together. Name the spellings of the other one too"
    for text in set(keys.yes or ()) & set(keys.no or ()):
        yield f"{where}: {text!r} cannot mean both yes and no. Take it out of one of them"
    yield from _timestamp_faults(f"{where}.timestamps", keys.timestamps)


def _timestamp_faults(where: str, spellings: list[str] | None) -> Iterator[str]:
    if spellings is None:
        return
    if not spellings:
        yield f'{where}: names no spelling. Expected e.g. ["%d/%m/%Y %H:%M"]'
    good = []
    for spelling in spellings:
        fault = _find_spelling_fault(spelling)
        if fault:
            yield f"{where}: {spelling!r} {fault}"
        else:
            good.append(spelling)
    for first, second in ((a, b) for i, a in enumerate(good) for b in good[i + 1 :]):
        if _reads_otherwise(first, second):
            yield f"{where}: {first!r} and {second!r} read the same text as two different times. Keep the right one"


def _find_spelling_fault(spelling: str) -> str | None:
    found = DIRECTIVE.findall(spelling)
    unknown = [each for each in found if each not in DIRECTIVES]
    if unknown or "%" in DIRECTIVE.sub("", spelling):
        return f"has {unknown[0] if unknown else '%'!r}. Known are {' '.join(DIRECTIVES)}"
    epochs = EPOCHS.keys() & {*found}
    if epochs:
        return None if spelling in epochs else f"has {min(epochs)}, which stands alone. Take the rest away"
    lacking = _lacking({*found})
    if lacking or len(found) != len({*found}):
        return f"lacks {lacking or 'nothing, but has a directive twice'}. Complete it"
    return None


def _lacking(found: set[str]) -> str:
    bare = {each.replace("-", "") for each in found}
    wanted = [
        ("the year, %Y or %y", {"%Y", "%y"} & bare),
        ("the month, %m", {"%m"} & bare),
        ("the day, %d", {"%d"} & bare),
        ("%p, which %I needs", "%I" not in bare or "%p" in bare),
        ("the hour, %H", "%M" not in bare or {"%H", "%I"} & bare),
        ("the minute, %M", not {"%H", "%I", "%S"} & bare or "%M" in bare),
    ]
    return "; ".join(what for what, has in wanted if not has)


def _reads_otherwise(first: str, second: str) -> bool:
    if EPOCHS.keys() & {first, second}:
        return first != second and all(each in EPOCHS or not DIRECTIVE.sub("", each) for each in (first, second))
    text = _SAMPLE.strftime(first.replace("%.3f", ".000").replace("%.6f", ".000000"))
    read = pl.Series([text]).str.to_datetime(second, time_unit="us", strict=False).item()
    expected = pl.Series([text]).str.to_datetime(first, time_unit="us", strict=False).item()
    return read is not None and expected is not None and read != expected


def _column_faults(where: str, keys: TableKeys, contract: Contract) -> Iterator[str]:
    yield from _name_faults(where, keys, contract)
    for ours, theirs in keys.columns.items():
        if theirs == UNKNOWN:
            yield (
                f"{where}.columns.{ours}: is still to be filled in. Write the file's column instead of {UNKNOWN!r}, "
                f"or give {ours} a value under constants"
            )
    for name in keys.columns.keys() & keys.constants.keys():
        yield f"{where}: {name} is both in columns and in constants. Keep one of them"
    for name in sorted(set(keys.leave_out) & set(keys.columns.values())):
        yield f"{where}.leave_out: {name!r} is one of the columns too. Keep one of them"
    if set(contract.key) <= keys.constants.keys():
        yield f"{where}.constants: every record would have the same key ({', '.join(contract.key)}). Name a column"


def _name_faults(where: str, keys: TableKeys, contract: Contract) -> Iterator[str]:
    known = [*contract.columns, *contract.check_only]
    for part, names in (("columns", keys.columns), ("constants", keys.constants)):
        for name in names:
            if name not in known:
                yield (
                    f"{where}.{part}.{name}: {contract.table} has no such column{_suggest(name, known)}. "
                    f"Expected one of {', '.join(known)}"
                )


def _schema(contract: Contract) -> dict[str, pl.DataType]:
    return dict.fromkeys(contract.columns, pl.String())


def _pattern_faults(keys: ProfileKeys) -> Iterator[str]:
    owners: dict[str, str] = {}
    for table, chosen in keys.tables.items():
        for pattern in chosen.files:
            other = owners.setdefault(pattern.lower(), table)
            if other != table:
                yield f"tables.{table}.files: {pattern!r} is a pattern of {other} too. Keep it in one table"
            if "/" in pattern or "\\" in pattern:
                yield f"tables.{table}.files: {pattern!r} has a slash. Patterns are of names, not of paths"


def _is_delimiter(text: str, quotes: str = "") -> bool:
    fits = len(text) == 1 and text.isascii() and not text.isalnum() and text not in _NO_DELIMITERS
    return fits and (text in quotes or text not in "\"'")


def _pick(*values: str | None) -> str:
    return next(value for value in values if value is not None)


def _suggest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), 1)
    return f"; is {close[0]} meant?" if close else ""
