"""docs/your-own-data.md says what the contracts and the profile's keys say."""

from __future__ import annotations

import re

from flows.lake.contracts import CONTRACTS
from flows.lake.profile_keys import ShopKeys, TableKeys
from flows.lake.profiles import read_profile
from infra.own_data_docs import PAGE, write_page
from tests.conftest import PROJECT

TEXT = PAGE.read_text(encoding="utf-8")


def test_page_is_as_the_contracts_and_keys_have_it_now() -> None:
    assert write_page(TEXT) == TEXT, "out of date: make sources"


def test_page_has_every_column_and_every_key() -> None:
    for table, contract in CONTRACTS.items():
        section = TEXT.split(f"\n### {table}\n")[1].split("\n### ")[0]
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(contract.schema.columns())
    keys = re.findall(r"^\| `(\w+)` \| `\[", TEXT, re.MULTILINE)
    assert sorted(keys) == sorted([*ShopKeys.model_fields, *TableKeys.model_fields])


def test_page_profile_and_links_are_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
    assert read_profile(PROJECT / "docs/samples/boutique.toml").currency == "EUR"
