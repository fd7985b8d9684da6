"""What the files of one shop have in common: one program wrote them, so what one of them shows holds of the others."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from flows.lake.look import LATIN_9, Look

CURRENCIES = {"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "EUR": "EUR", "GBP": "GBP", "CHF": "CHF", "USD": "USD"}
LEAST_DIGITS = 4  # of a name, that they are a date or a number that changes from file to file


def agree(looks: Sequence[Look]) -> list[Look]:
    """The looks with the encoding and the quote of the shop where their own file leaves them open."""
    encodings = Counter(look.encoding for look in looks if not look.is_ascii)
    sure = {look.encoding for look in looks if not look.is_ascii and "encoding" not in look.unsure}
    told = next(iter(sure or {LATIN_9} & encodings.keys()), None)
    common = [name for name, _ in encodings.most_common(1) if not name.startswith(("utf-16", "utf-32"))]
    quotes = Counter(look.quote for look in looks if look.has_quotes)
    found = []
    for look in looks:
        encoding = next((each for each in common if look.is_ascii), look.encoding)
        encoding = told if told and "encoding" in look.unsure else encoding
        unsure = {key: why for key, why in look.unsure.items() if key != "encoding" or encoding not in sure}
        quote = next((each for each, _ in quotes.most_common(1) if not look.has_quotes), look.quote)
        found.append(replace(look, encoding=encoding, unsure=unsure, quote=quote))
    return found


def find_currency(looks: Sequence[Look]) -> str | None:
    """The currency whose sign or code stands in the headers, or alone in a column, if it is one."""
    names = " ".join(name for look in looks for name in look.values)
    found = {code for sign, code in CURRENCIES.items() if re.search(rf"(?<![A-Za-z]){sign}(?![A-Za-z])", names)}
    for values in (values for look in looks for values in look.values.values()):
        codes = set(filter(None, values))
        found |= codes if codes <= set(CURRENCIES.values()) else set()
    return found.pop() if len(found) == 1 else None


def find_patterns(looks: Sequence[Look], others: Sequence[Look]) -> list[str]:
    """Patterns of the names of a table's files, open where a date or number stands, if no other file fits them."""
    names = [look.path.name for look in looks]
    foreign = {look.path.name for look in others} - set(names)
    patterns = {}
    for name in names:
        wide = re.sub(r"\d+(?:[-_.]\d+)*", "*", glob.escape(name)) if _has_date(name) else glob.escape(name)
        fits_others = any(fnmatchcase(each.lower(), wide.lower()) for each in foreign)
        patterns[glob.escape(name) if fits_others else wide] = True
    return list(patterns)


def join_values(looks: Sequence[Look]) -> Look:
    """The first look, with the values of all of them that have its columns."""
    first = looks[0]
    alike = [look.values for look in looks if look.values.keys() == first.values.keys()]
    return replace(first, values={name: [each for values in alike for each in values[name]] for name in first.values})


def _has_date(name: str) -> bool:
    return sum(map(str.isdigit, name)) >= LEAST_DIGITS
