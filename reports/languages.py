"""A text of the report in English in; the text in the reader's language out, from GNU gettext catalogues.

The English text is the message; `reports/locale/<language>/LC_MESSAGES/reports.po` holds its translations, which
`make words` keeps in step with the sources. Sentences are whole, with named places for values that are already
formatted; names that come from data are never translated.
"""

from __future__ import annotations

import gettext
import io
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import get_currency_name, get_currency_symbol

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LANGUAGE_NAMES: dict[Language, str] = {"en": "English", "fr": "Français"}  # each in itself
LOCALES = Path(__file__).parent / "locale"
KEYWORDS = {  # which arguments are texts, for babel
    "tr": None,
    "mark": None,
    "tr_many": (1, 2),
    "Column": (2,),
    "named_column": (2,),
}
NO_BREAK = "\N{NO-BREAK SPACE}"
DEFAULT_CURRENCY = "USD"


@dataclass(frozen=True)
class Reader:
    """Whom the texts are for: a language, and the currency of all amounts (ISO 4217)."""

    language: Language = "en"
    currency: str = DEFAULT_CURRENCY

    @property
    def locale(self) -> Locale:
        """What CLDR knows of the language."""
        return Locale.parse(self.language)


_READER: ContextVar[Reader] = ContextVar("reader", default=Reader())  # noqa: B039 - it is frozen


@contextmanager
def speaking(language: Language, currency: str | None = None) -> Iterator[None]:
    """Within it all texts, numbers and dates are in that language, and amounts in that currency (None: as before).

    Raises ValueError for a language without a catalogue.
    """
    if language not in LANGUAGES:
        raise ValueError(f"no catalogue for {language!r}; known: {', '.join(LANGUAGES)}")
    token = _READER.set(Reader(language, currency or reader().currency))
    try:
        yield
    finally:
        _READER.reset(token)


def reader() -> Reader:
    """Whom the texts are for now."""
    return _READER.get()


def tr(text: str, **values: Any) -> str:
    """The text in the current language, its `{names}` filled; `{currency}` and `{money}` need not be given.

    `{currency}` is the code, USD; `{money}` is its name in the plural, US dollars.
    """
    return _fill(_catalogue(reader().language).gettext(text), values)


def tr_many(one: str, many: str, count: int, **values: Any) -> str:
    """`one` or `many` in the plural form that the language has for `count`; `{count}` is filled with its digits."""
    text = _catalogue(reader().language).ngettext(one, many, count)
    return _fill(text, {"count": group_digits(f"{count:,}")} | values)


def mark(text: str) -> str:
    """The text itself, noted for the catalogues: a constant that `tr` translates where it is shown."""
    return text


def join_sentences(*sentences: str) -> str:
    """One after the other, without those that are empty."""
    return " ".join(filter(None, sentences))


def capitalize(text: str) -> str:
    """With a capital first letter, as a sentence begins; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def group_digits(number: str) -> str:
    """`number` as Python writes it with `,` for thousands, in the signs of the language, with a true minus."""
    return number.translate(_signs(reader().language))


def with_currency(number: str) -> str:
    """The number with the sign of the currency where the language has it: $5, 5 €; a letter never touches a digit.

    A page has one currency and names it in words, so its sign goes without the country: $, not $US or CA$.
    """
    now = reader()
    symbol = get_currency_symbol(now.currency, locale=now.locale)
    symbol = "".join(sign for sign in symbol if unicodedata.category(sign) == "Sc") or symbol
    if not now.locale.currency_formats["standard"].pattern.startswith("¤"):
        return f"{number}{NO_BREAK}{symbol}"
    minus = number[: len(number) - len(number.lstrip("\N{MINUS SIGN}"))]
    return f"{minus}{symbol}{NO_BREAK if symbol[-1].isalpha() else ''}{number[len(minus) :]}"


def _fill(text: str, values: dict[str, Any]) -> str:
    now = reader()
    known = {"currency": now.currency, "money": get_currency_name(now.currency, count=2, locale=now.locale)}
    return text.format(**known | values)


@cache
def _signs(language: Language) -> dict[int, str]:
    symbols = Locale.parse(language).number_symbols["latn"]
    return str.maketrans({",": symbols["group"], ".": symbols["decimal"], "-": "\N{MINUS SIGN}"})


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    path = LOCALES / language / "LC_MESSAGES" / "reports.po"
    if not path.is_file():
        return gettext.NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
