"""The time zones of stores in a drafted profile: a column that names them is read, one that names others is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.lake.draft import draft_profile
from flows.lake.look import look_at_file
from flows.lake.profiles import read_profile

STORES = "Store ID,Store Name,Opened,Tax Rate,{}\nS1,Center,2025-01-31,0.1,{}\nS2,South,2025-01-31,0.2,{}\n"


def draft(folder: Path, text: str) -> tuple[str, list[str]]:
    (folder / "stores.csv").write_text(text, encoding="utf-8")
    drafted, doubts = draft_profile([look for look in [look_at_file(folder / "stores.csv")] if look])
    return drafted, [doubt for doubt in doubts if "raw_stores" in doubt and "no file fits" not in doubt]


@pytest.mark.parametrize(
    "name",
    [
        *("time_zone", "Timezone", "Time Zone", "TIME ZONE", "Store Timezone", "tz"),
        *("Zeitzone", "fuseau horaire", "Fuseau", "zona horaria", "Zona horaria de la tienda", "Huso horario"),
    ],
)
def test_time_zone_of_stores_is_found_by_its_name(tmp_path: Path, name: str) -> None:
    text, doubts = draft(tmp_path, STORES.format(name, "America/New_York", ""))
    assert f'time_zone = "{name}"\n' in text
    assert doubts == []
    (tmp_path / "shop.toml").write_text(text, encoding="utf-8")
    assert read_profile(tmp_path / "shop.toml").forms["raw_stores"].columns["time_zone"] == name


@pytest.mark.parametrize("zone", ["Eastern Time (US & Canada)", "UTC-5 (EST)", "CET+1"])
def test_time_zone_that_no_store_can_have_is_left_out_with_the_cure(tmp_path: Path, zone: str) -> None:
    text, doubts = draft(tmp_path, STORES.format("Time Zone", "Europe/Berlin", zone))
    assert 'leave_out = ["Time Zone"]' in text
    assert doubts[1:] == [
        f"tables.raw_stores.columns time_zone: Time Zone is spelled in no known way, e.g. {zone}; "
        "export it as the name of an IANA time zone, e.g. America/New_York"
    ]
    (tmp_path / "shop.toml").write_text(text, encoding="utf-8")
    assert "time_zone" not in read_profile(tmp_path / "shop.toml").forms["raw_stores"].columns


@pytest.mark.parametrize("name", ["Sales zone", "Opening time", "Town"])
def test_column_of_another_name_is_no_time_zone(tmp_path: Path, name: str) -> None:
    text, doubts = draft(tmp_path, STORES.format(name, "North", "South"))
    assert "time_zone" not in text + "".join(doubts)
