"""Tests of the texts, numbers and amounts of both languages."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reports import formats
from reports.languages import reader, speaking, tr, tr_many


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
        ("USD", "−$1,234.50", "−1\u202f234,50\u00a0$US"),
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
