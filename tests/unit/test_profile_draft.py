"""The draft of a profile says what files look like, loads where it is sure, and names its doubts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.errors import ConfigError
from flows.lake.draft import draft_profile
from flows.lake.look import look_at_file
from flows.lake.profiles import Profile, read_profile
from flows.profile.__main__ import main
from tests.conftest import PROJECT

BOUTIQUE = PROJECT / "docs/samples/boutique"


def draft(folder: Path, *places: Path) -> tuple[Profile, str]:
    output = folder / "draft.toml"
    assert main([*map(str, places), "--output", str(output)]) == 0
    return read_profile(output), output.read_text(encoding="utf-8")


def test_draft_of_the_foreign_shop_is_its_profile(tmp_path: Path) -> None:
    drafted, _ = draft(tmp_path, BOUTIQUE)
    written = read_profile(PROJECT / "docs/samples/boutique.toml")
    for table in written.patterns:
        found, wanted = drafted.forms[table], written.forms[table]
        assert found.dialect == wanted.dialect, table
        assert (found.columns, found.constants) == (wanted.columns, wanted.constants), table
        assert (found.leave_out, found.yes, found.no) == (wanted.leave_out, wanted.yes, wanted.no), table
    assert drafted.forms["raw_orders"].marks == written.forms["raw_orders"].marks
    assert drafted.forms["raw_orders"].timestamps == written.forms["raw_orders"].timestamps
    files = {name: name for name in ("Commandes_2024.CSV", "Commandes_2025.CSV")}
    assert {name for name in files if drafted.find_tables(name) == ["raw_orders"]} == set(files)


def test_draft_says_what_it_is_unsure_of_and_what_to_run_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, text = draft(tmp_path, BOUTIQUE)
    said = capsys.readouterr().err
    assert "tables.raw_stores timestamps: no day is above 12, so it may be %m/%d/%Y %H:%M too" in said
    assert said.count("\n  - ") == text.count("# unsure: ")
    assert f"python -m flows.ingest --source '{BOUTIQUE}' --profile '{tmp_path / 'draft.toml'}'" in said


SHOPS = {
    "english": (
        "orders.csv",
        "Order ID,Customer,Created at,Store,Net amount,Tax,Total\n1,c1,03/25/2025 02:05 PM,s1,10.00,0.50,10.50\n",
        "utf-8",
        {"id": "Order ID", "customer": "Customer", "ordered_at": "Created at", "store_id": "Store"}
        | {"subtotal": "Net amount", "tax_paid": "Tax", "order_total": "Total"},
        ("units", ["%m/%d/%Y %I:%M %p"]),
    ),
    "german": (
        "Bestellungen.txt",
        "Bestellnummer\tKunde\tDatum\tFiliale\tNetto\tMwSt\tBrutto\n"
        "7\tK1\t25.03.2025 14:05\tF1\t1.010,00\t0,50\t1.010,50\n",
        "utf-16",
        {"id": "Bestellnummer", "customer": "Kunde", "ordered_at": "Datum", "store_id": "Filiale"}
        | {"subtotal": "Netto", "tax_paid": "MwSt", "order_total": "Brutto"},
        ("units", ["%d.%m.%Y %H:%M"]),
    ),
    "spanish": (
        "pedidos.csv",
        "Pedido;Cliente;Fecha;Tienda;Base;IVA;Importe\n1;c;2025-03-25;t;1000;50;1050\n",
        "utf-8-sig",
        {"id": "Pedido", "customer": "Cliente", "ordered_at": "Fecha", "store_id": "Tienda"}
        | {"subtotal": "Base", "tax_paid": "IVA", "order_total": "Importe"},
        ("cents", ["%Y-%m-%d"]),
    ),
}


@pytest.mark.parametrize("name", SHOPS)
def test_draft_tells_columns_by_words_of_four_languages(tmp_path: Path, name: str) -> None:
    file, text, encoding, columns, (money, timestamps) = SHOPS[name]
    (tmp_path / file).write_bytes(text.encode(encoding))
    drafted, written = draft(tmp_path, tmp_path / file)
    form = drafted.forms["raw_orders"]
    assert form.columns == columns
    assert (f'money = "{money}"' in written, list(form.timestamps)) == (True, timestamps)
    assert form.dialect.encoding.replace("-sig", "") == encoding.replace("-sig", "")


def test_draft_without_a_required_column_writes_a_line_that_the_check_refuses(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("customer id,town\n1,Oslo\n2,Oslo\n")
    text, doubts = draft_profile([look for look in [look_at_file(tmp_path / "customers.csv")] if look])
    (tmp_path / "shop.toml").write_text(text)
    assert any("raw_customers.columns name: no column was found" in doubt for doubt in doubts)
    with pytest.raises(ConfigError, match=r"tables.raw_customers.columns.name: is still to be filled in"):
        read_profile(tmp_path / "shop.toml")


def test_draft_of_hostile_names_is_toml(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text('"order ""id""\\",customer,x\x7f\n1,a,b\n')
    text, _ = draft_profile([look for look in [look_at_file(tmp_path / "orders.csv")] if look])
    (tmp_path / "shop.toml").write_text(text)
    with pytest.raises(ConfigError, match="is still to be filled in") as error:
        read_profile(tmp_path / "shop.toml")
    assert "not TOML" not in str(error.value)


def test_draft_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.csv")]) == 2
    assert main([str(tmp_path)]) == 1
    taken = tmp_path / "taken.toml"
    taken.write_text("mine")
    assert main([str(BOUTIQUE), "--output", str(taken)]) == 2
    assert taken.read_text() == "mine"
    assert re.findall(r"no such file|no file with a header|is there already", capsys.readouterr().err) == [
        "no such file",
        "no file with a header",
        "is there already",
    ]
    with pytest.raises(SystemExit) as usage:
        main([])
    assert usage.value.code == 2
    with pytest.raises(SystemExit) as shown:
        main(["--help"])
    assert shown.value.code == 0
