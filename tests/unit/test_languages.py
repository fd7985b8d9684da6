"""Tests of the texts, numbers and amounts of both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest

from infra import words
from reports import formats, names
from reports.languages import LANGUAGES, Language, reader, speaking, tr, tr_many

MOMENT = datetime(2021, 8, 3, 6, 5)
PLACE = re.compile(r"\{(\w+)")


def texts_of(message: str | tuple[str, ...]) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else tuple(message)


def french_faults(text: str) -> list[str]:
    """What the typography of French forbids: a plain space, or none, at high signs; straight quotes; a decimal point.

    Source: Imprimerie nationale, Lexique des règles typographiques, "Ponctuation" and "Guillemets".
    """
    return re.findall(r" [:;?!%»]|[\w)][:;?!»](?=\s|$)|« |['\"]|(?<![\d-])\d+\.\d", text)


def test_english_is_the_text_itself_with_its_values_filled_in() -> None:
    assert tr("Net sales of {name}", name="{Ava}") == "Net sales of {Ava}"
    assert tr_many("{count} order", "{count} orders", 1) == "1 order"
    assert tr_many("{count} order", "{count} orders", 1200) == "1,200 orders"


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no catalogue for 'de'; known: en, fr"), speaking("de"):  # type: ignore[arg-type]
        pass


def test_language_and_currency_end_with_their_block() -> None:
    with speaking("fr", "EUR"):
        with speaking("en"):
            assert (reader().language, reader().currency) == ("en", "EUR")
        assert reader().language == "fr"
    assert (reader().language, reader().currency) == ("en", "USD")


@pytest.mark.parametrize(
    ("currency", "english", "french"),
    [
        ("USD", "−$1,234.50", "−1\u202f234,50\u00a0$"),
        ("CAD", "−$1,234.50", "−1\u202f234,50\u00a0$"),
        ("EUR", "−€1,234.50", "−1\u202f234,50\u00a0€"),
        ("CHF", "−CHF\u00a01,234.50", "−1\u202f234,50\u00a0CHF"),
        ("XTS", "−XTS\u00a01,234.50", "−1\u202f234,50\u00a0XTS"),
    ],
)
def test_amounts_have_the_sign_of_the_shops_currency_where_the_language_puts_it(
    currency: str, english: str, french: str
) -> None:
    with speaking("en", currency):
        assert formats.format_mean(Decimal("-1234.5")) == english
        assert formats.format_money(Decimal("-1234.5")) == english.replace("234.50", "235")
    with speaking("fr", currency):
        assert formats.format_mean(Decimal("-1234.5")) == french


@pytest.mark.parametrize("value", [Decimal("0.5"), Decimal(950), Decimal(2500), Decimal(12340000), Decimal("1e16")])
def test_no_amount_has_a_dollar_sign_in_a_shop_that_sells_in_euros(value: Decimal) -> None:
    with speaking("en", "EUR"):
        texts = [write(value) for write in (formats.format_money, formats.format_mean, formats.format_compact)]
    assert all("€" in text and "$" not in text for text in texts)


def test_numbers_dates_and_times_read_as_each_language_writes_them() -> None:
    written: list[tuple[Callable[[], str], str, str]] = [
        (lambda: formats.format_integer(-1234567), "−1,234,567", "−1\u202f234\u202f567"),
        (lambda: formats.format_usd(Decimal("1234.5")), "1,234.50", "1\u202f234,50"),
        (lambda: formats.format_compact(12_340_000), "$12.34M", "12,34\u00a0M\u00a0$"),
        (lambda: formats.format_compact(Decimal("2.5e9")), "$2.5B", "2,5\u00a0Md\u00a0$"),
        (lambda: formats.format_compact(-950), "−$950", "−950\u00a0$"),
        (lambda: formats.format_compact(1e16), "$1.00e+16", "1,00e+16\u00a0$"),
        (lambda: formats.format_share(0.0243), "2.4%", "2,4\u00a0%"),
        (lambda: formats.format_whole_share(0.0263), "3%", "3\u00a0%"),
        (lambda: formats.format_growth(-0.0004), "0.0%", "0,0\u00a0%"),
        (lambda: formats.format_growth(10.5), "+1,050.0%", "+1\u202f050,0\u00a0%"),
        (lambda: formats.format_points(-0.00033), "−0.033", "−0,033"),
        (lambda: formats.format_points(12.0), "+1,200.000", "+1\u202f200,000"),
        (lambda: formats.format_rate(0.0625), "6.250%", "6,250\u00a0%"),
        (lambda: formats.format_quantity(0.04), "0.04", "0,04"),
        (lambda: formats.format_tick(15000.0), "15,000", "15\u202f000"),
        (lambda: formats.format_plain_tick(2.5), "2.5", "2,5"),
        (lambda: formats.format_percent_tick(0.075), "7.5%", "7,5\u00a0%"),
        (lambda: formats.format_date(date(2021, 8, 1)), "1 August 2021", "1er août 2021"),
        (lambda: formats.format_date(date(2021, 12, 30)), "30 December 2021", "30 décembre 2021"),
        (lambda: formats.format_month(date(2021, 2, 1)), "February 2021", "février 2021"),
        (lambda: formats.format_short_month(date(2021, 8, 1), is_narrow=False), "Aug 2021", "août 2021"),
        (lambda: formats.format_short_month(date(2021, 8, 1), is_narrow=True), "Aug ’21", "août 21"),
        (lambda: formats.format_weekday(1), "Monday", "lundi"),
        (lambda: formats.format_weekday(8), "8", "8"),
        (lambda: formats.format_hour(7), "07:00", "7\u00a0h"),
        (
            lambda: formats.format_local_moment(datetime(2021, 8, 3, 6, 5)),
            "2021-08-03 06:05",
            "03/08/2021 06:05",
        ),
        (lambda: formats.format_value(True, formats.Format.FLAG), "yes", "oui"),
        (lambda: formats.format_value("All stores", formats.Format.NAME), "All stores", "Tous les magasins"),
        (lambda: formats.format_value("Nice", formats.Format.NAME), "Nice", "Nice"),
        (lambda: names.join_names(["A", "B", "C"]), "A, B and C", "A, B et C"),
        (lambda: names.sentence_text(""), "(no name)", "(sans nom)"),
    ]
    for write, english, french in written:
        with speaking("en"):
            assert write() == english
        with speaking("fr"):
            assert write() == french


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_message_of_the_sources_is_translated_and_none_is_left_over(language: Language) -> None:
    wanted = {message.id: message for message in words.read_sources() if message.id}
    kept = {message.id: message for message in words.read_catalogue(language) if message.id}
    assert kept.keys() == wanted.keys(), "make words"
    assert [key for key, message in kept.items() if message.fuzzy or not words.is_translated(message)] == []


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_translation_has_the_places_of_its_message(language: Language) -> None:
    for message in words.read_catalogue(language):
        for text in texts_of(message.string) if message.id else ():
            assert set(PLACE.findall(text)) == set(PLACE.findall(texts_of(message.id)[-1])), text


def test_french_is_set_as_french_is() -> None:
    for message in words.read_catalogue("fr"):
        for text in texts_of(message.string) if message.id else ():
            assert french_faults(text) == [], text


def test_french_faults_are_seen() -> None:
    assert french_faults("Qui ? L'un: 5 % « de » 3.5") == [" ?", "'", "n:", " %", "« ", " »", "3.5"]


def test_no_message_stands_inside_a_formatted_string_where_the_catalogues_would_miss_it() -> None:
    hidden = [
        f"{path.relative_to(words.PROJECT)}:{inner.lineno}"
        for folder in words.FOLDERS
        for path in sorted((words.PROJECT / folder).rglob("*.py"))
        for string in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(string, ast.JoinedStr)
        for inner in ast.walk(string)
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id in words.KEYWORDS
    ]
    assert hidden == []
