"""What the files of one shop have in common: one program wrote them, so what one of them shows holds of the others."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from flows.lake.draft_doubts import are_signed
from flows.lake.draft_letters import CENTRAL, LATIN_9, WESTERN
from flows.lake.look import Look, look_at_file

CURRENCIES = {"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "EUR": "EUR", "GBP": "GBP", "CHF": "CHF", "USD": "USD"}
CODE_PAGES = (WESTERN, CENTRAL, LATIN_9)
LEAST_DIGITS = 4  # of a name, that they are a date or a number that changes from file to file


def agree(looks: Sequence[Look]) -> list[Look]:
    """The looks with the encoding and the quote of the shop where their own file leaves them open."""
    looks = _agree_on_letters(looks)
    encodings = Counter(look.encoding for look in looks if not look.is_ascii)
    common = [name for name, _ in encodings.most_common(1) if not name.startswith(("utf-16", "utf-32"))]
    quotes = Counter(look.quote for look in looks if look.has_quotes)
    found = []
    for look in looks:
        encoding = next((each for each in common if look.is_ascii), look.encoding)
        quote = next((each for each, _ in quotes.most_common(1) if not look.has_quotes), look.quote)
        found.append(replace(look, encoding=encoding, quote=quote))
    return found


def _agree_on_letters(looks: Sequence[Look]) -> list[Look]:
    """The looks with one code page, if they have any: that which is sure, unless words of one are of another."""
    paged = [look for look in looks if look.encoding in CODE_PAGES]
    strange = sorted((look for look in paged if look.has_strange_letters), key=lambda look: look.encoding != CENTRAL)
    sure = [look for look in paged if "encoding" not in look.unsure]
    likely = [*strange, *sure, *(look for look in paged if look.encoding == LATIN_9), *paged]
    return [_read_as(look, likely[0]) if look.encoding in CODE_PAGES else look for look in looks]


def _read_as(look: Look, likely: Look) -> Look:
    """A look as by the encoding of another, which is as sure as that one or, if none is, as it was."""
    read = look if look.encoding == likely.encoding else look_at_file(look.path, likely.encoding) or look
    is_told = likely.has_strange_letters or "encoding" not in likely.unsure
    doubt = (likely if is_told else look).unsure.get("encoding")
    apart = {key: why for key, why in look.unsure.items() if key != "encoding"}
    return replace(read, unsure=apart | ({"encoding": doubt} if doubt else {}))


def find_currency(looks: Sequence[Look]) -> str | None:
    """The currency whose sign or code stands in the headers, alone in a column, or at amounts, if it is one."""
    names = " ".join(name for look in looks for name in look.values)
    found = {code for sign, code in CURRENCIES.items() if re.search(rf"(?<![A-Za-z]){sign}(?![A-Za-z])", names)}
    for values in (values for look in looks for values in look.values.values()):
        codes = set(filter(None, values))
        found |= codes if codes <= set(CURRENCIES.values()) else set()
        found |= {
            code for sign, code in CURRENCIES.items() if are_signed(values) and any(sign in each for each in values)
        }
    return found.pop() if len(found) == 1 else None


def has_dollars(looks: Sequence[Look]) -> bool:
    """Whether amounts have the sign of dollars, of whichever country."""
    return any(
        "$" in each for look in looks for values in look.values.values() if are_signed(values) for each in values
    )


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


def join_values(looks: Sequence[Look]) -> tuple[Look, list[str]]:
    """The first look, with the values that all have of the columns that all have; and the names of the others."""
    first, names = looks[0], dict.fromkeys(name for look in looks for name in look.values)
    common = [name for name in names if all(name in look.values for look in looks)]
    values = {name: [each for look in looks for each in look.values[name]] for name in common}
    return replace(first, values=values), [name for name in names if name not in values]


def join_distinct(looks: Sequence[Look], names: Iterable[str]) -> dict[str, list[str]]:
    """The values of these columns, of each file those that no file before had: what comes again is no repeat."""
    found: dict[str, list[str]] = {}
    for name in names:
        seen = set[str]()
        found[name] = []
        for look in looks:
            found[name] += [value for value in look.values[name] if value not in seen]
            seen.update(look.values[name])
    return found


def _has_date(name: str) -> bool:
    return sum(map(str.isdigit, name)) >= LEAST_DIGITS
