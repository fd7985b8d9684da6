"""Settings: given before environment before default; what is wrong is named."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from flows.errors import ConfigError
from flows.lake.timestamps import FIRST_INSTANT, LAST_INSTANT
from flows.run.settings import FIRST_DAY, LAST_DAY, load_settings
from tests.conftest import DATASETS, PROJECT


def test_settings_defaults_are_the_project_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert Path(settings.source) == DATASETS
    assert settings.work_dir == PROJECT / "data/work"
    assert (settings.target, settings.as_of, settings.max_quarantined_ratio) == ("local", None, 0.05)
    assert (settings.currency, settings.allow_extra_columns) == ("USD", False)


def test_settings_given_value_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RETAIL_WORK_DIR", str(tmp_path / "environment"))
    monkeypatch.setenv("RETAIL_AS_OF", "2026-03-01")
    assert load_settings().work_dir == tmp_path / "environment"
    settings = load_settings(work_dir=str(tmp_path / "given"), as_of=None)
    assert (settings.work_dir, settings.as_of) == (tmp_path / "given", date(2026, 3, 1))


def test_settings_wrong_values_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_TARGET", "oracle")
    monkeypatch.setenv("RETAIL_AS_OF", "yesterday")
    monkeypatch.setenv("RETAIL_MAX_QUARANTINED_RATIO", "5")
    with pytest.raises(ConfigError) as error:
        load_settings()
    assert all(name in str(error.value) for name in ("target", "as_of", "max_quarantined_ratio"))


@pytest.mark.parametrize("currency", ["usd", "EURO", "$", "EUR\n", " USD"])
def test_settings_currency_is_three_capital_letters(monkeypatch: pytest.MonkeyPatch, currency: str) -> None:
    monkeypatch.setenv("RETAIL_CURRENCY", currency)
    with pytest.raises(ConfigError, match="currency"):
        load_settings()


def test_settings_work_dir_may_have_any_name_that_duckdb_can_open() -> None:
    odd = '/tmp/Données d\'été #1 100% $x "y"'
    assert load_settings(work_dir=odd).work_dir == Path(odd)


def test_settings_work_dir_that_duckdb_cannot_open_is_refused() -> None:
    with pytest.raises(ConfigError, match="question mark"):
        load_settings(work_dir="/tmp/what?")


def test_settings_password_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_REDSHIFT_PASSWORD", "hunter2")
    settings = load_settings()
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json() + str(
        settings.dbt_environment()
    )


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("source", "s3://AKIA123:not-for-logs@bucket/incoming"),
        ("source", "s3://AKIA123:not-for/logs@bucket/incoming"),
        ("source", "https://user:not-for-logs@shop.example/files"),
        ("redshift_host", "redshift://user:not-for-logs@host:5439/dev"),
        ("redshift_host", "user:not-for-logs@host"),
    ],
)
def test_settings_address_that_holds_keys_is_refused_without_showing_them(setting: str, value: str) -> None:
    with pytest.raises(ConfigError, match="the address holds a user or keys") as refused:
        load_settings(**{setting: value})
    assert not re.search("not-for|logs@|AKIA", str(refused.value))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("source", "s3://bucket/a@b:c"),
        ("source", "s3://arn:aws:s3:eu-central-1:123456789012:accesspoint/shop/incoming"),
        ("source", "files@home/a:b"),
        ("redshift_host", "dev.123.eu-central-1.redshift-serverless.amazonaws.com"),
        ("redshift_host", "::1"),
    ],
)
def test_settings_other_addresses_are_taken_as_they_are(setting: str, value: str) -> None:
    assert getattr(load_settings(**{setting: value}), setting) == value


@pytest.mark.parametrize("day", [date(1899, 12, 31), date(2100, 1, 1), date.max])
def test_day_on_which_no_order_can_be_is_refused(day: date) -> None:
    with pytest.raises(ConfigError, match=r"(?s)as_of.*(1900-01-01|2099-12-31)"):
        load_settings(as_of=day)
    assert (FIRST_INSTANT.date(), LAST_INSTANT.date()) == (FIRST_DAY, LAST_DAY)
    assert [load_settings(as_of=each).as_of for each in (FIRST_DAY, LAST_DAY)] == [FIRST_DAY, LAST_DAY]
