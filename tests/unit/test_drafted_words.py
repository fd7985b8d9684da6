"""Headers as shops write them in four languages: signs for numbers, and common words beside the shortest ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.lake.draft import draft_profile
from flows.lake.draft_columns import fold
from flows.lake.look import look_at_file
from flows.lake.profiles import read_profile


def draft(folder: Path, **texts: str) -> tuple[str, list[str]]:
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return draft_profile([look for path in sorted(folder.glob("*.csv")) if (look := look_at_file(path)) is not None])


@pytest.mark.parametrize(
    "sign", ["Nº", "N°", "N.º", "N.°", "nº.", "№", "N˚", "N° ", "No.", "\uff2e\uff4f", "n°", "N o"]
)
def test_signs_of_a_number_are_one_word(sign: str) -> None:
    assert fold(f"{sign} pedido") == ("n_o_pedido" if sign == "N o" else "no_pedido")


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("\uff23\uff55\uff53\uff54\uff4f\uff4d\uff45\uff52 \uff29\uff24", "customer_id"),
        ("N°commande", "no_commande"),
        ("1ª línea", "1a_linea"),
        ("Preis (€)", "preis"),
        ("Rückgabe-Grund", "ruckgabe_grund"),
        ("Nombre", "nombre"),
        ("Temp. °C", "temp_c"),
        ("Region o zona", "region_o_zona"),
    ],
)
def test_name_is_folded_to_small_letters_and_digits(name: str, folded: str) -> None:
    assert fold(name) == folded


SHOPS = {
    "raw_products": (
        ("Productos", "Referencia;Nombre;Familia;Precio;Descripción", "0001;Café;Bebida;1,50;x"),
        ("Artículos", "Nº artículo;Denominación;Tipo;Precio;Descripción", "0001;Café;Bebida;1,50;x"),
        ("Articles", "Référence;Titre;Rubrique;Prix;Descriptif", "0001;Café;Boissons;1,50;x"),
        ("Artikel", "Referenz;Titel;Typ;Preis;Beschreibung", "0001;Kaffee;Getränk;1,50;x"),
    ),
    "raw_items": (
        ("Lineas", "Nº línea;Nº pedido;Referencia", "L1;P1;0001"),
        ("Lineas", "Renglón;Pedido;Artículo", "L1;P1;0001"),
        ("Zeilen", "Zeile;Bestellung;Artikel", "L1;P1;0001"),
    ),
    "raw_supplies": (("Suministros", "Código suministro;Nombre;Coste;Perecedero;Referencia", "S;Sal;0,10;no;0001"),),
    "raw_stock_counts": (
        ("Inventario", "Código tienda;Código suministro;Fecha recuento;Unidades", "T;S;2025-01-31 08:00;5"),
        ("Inventur", "Filiale;Zutat;Datum;Anzahl", "T;S;2025-01-31 08:00;5"),
        ("Bestand", "Filiale;Zutat;Datum;Stück", "T;S;2025-01-31 08:00;5"),
        ("Inventaire", "Magasin;Ingrédient;Date;Unités", "T;S;2025-01-31 08:00;5"),
    ),
    "raw_refunds": (
        ("Devoluciones", "Nº devolución;Nº pedido;Nº línea;Fecha;Importe;IVA;Motivo", "R;P;L;2025-01-31;1,00;0,10;x"),
        ("Rückgaben", "Rückgabe;Bestellung;Position;Datum;Betrag;MwSt;Grund", "R;P;L;2025-01-31;1,00;0,10;x"),
        ("Gutschriften", "Gutschrift;Bestellung;Position;Datum;Betrag;MwSt;Grund", "R;P;L;2025-01-31;1,00;0,10;x"),
    ),
    "raw_orders": (
        ("Pedidos", "Nº pedido;Cliente;Fecha;Tienda;Neto;IVA;Bruto", "P;C;2025-01-31;T;1,00;0,10;1,10"),
        (
            *("Commandes", "N° commande;Client;Date;Magasin;Sous-total;TVA;Total"),
            "P;C;2025-01-31;T;1,00;0,10;1,10",
        ),
        (
            *("Bestellungen", "Bestellung;Kunde;Datum;Filiale;Zwischensumme;MwSt;Summe"),
            "P;C;2025-01-31;T;1,00;0,10;1,10",
        ),
    ),
}


@pytest.mark.parametrize(
    ("table", "file", "header", "record"), [(table, *shop) for table, shops in SHOPS.items() for shop in shops]
)
def test_columns_are_found_by_common_words(tmp_path: Path, table: str, file: str, header: str, record: str) -> None:
    text, _ = draft(tmp_path, **{file: f"{header}\n{record}\n"})
    assert '"?"' not in text
    (tmp_path / "shop.toml").write_text(text, encoding="utf-8")
    expected = dict(zip(ORDER[table], header.split(";"), strict=True))
    assert read_profile(tmp_path / "shop.toml").forms[table].columns == expected


ORDER = {
    "raw_products": ("sku", "name", "type", "price", "description"),
    "raw_items": ("id", "order_id", "sku"),
    "raw_supplies": ("id", "name", "cost", "perishable", "sku"),
    "raw_stock_counts": ("store_id", "supply_id", "counted_at", "unit_count"),
    "raw_refunds": ("id", "order_id", "item_id", "refunded_at", "amount", "tax_amount", "reason"),
    "raw_orders": ("id", "customer", "ordered_at", "store_id", "subtotal", "tax_paid", "order_total"),
}


PRODUCTS = "Kürzel,Name,Category,Price\nA,Tea,drink,1.50\nB,Cake,food,{}\n"


def describe_key(folder: Path, text: str) -> str:
    _, doubts = draft(folder, products=text)
    return next(doubt.partition(": ")[2] for doubt in doubts if "raw_products.columns sku" in doubt)


def test_key_that_no_name_tells_is_said_with_a_column_that_differs_in_each_record(tmp_path: Path) -> None:
    said = describe_key(tmp_path, PRODUCTS.format("2.00"))
    assert said == 'no column was found by its name, but "Kürzel" differs in each record; name it, or the right one'


@pytest.mark.parametrize(
    "text",
    [
        PRODUCTS.format("2.00").replace("\nB", "\nA"),
        PRODUCTS.format("2.00").replace("\nB", "\n"),
        PRODUCTS.format("2.00").replace("\nA", "\n2025-01-01").replace("\nB", "\n2025-01-02"),
        PRODUCTS.format("2.00").replace("\nA", "\n0.50").replace("\nB", "\n0.75"),
    ],
    ids=["repeats", "lacks", "times", "amounts"],
)
def test_key_is_missed_where_no_column_can_be_one(tmp_path: Path, text: str) -> None:
    assert describe_key(tmp_path, text).startswith("no column was found that differs in each record; add one")


def test_key_of_files_that_repeat_records_is_none_missed(tmp_path: Path) -> None:
    texts = {f"products_{number}": PRODUCTS.format("2.00") for number in (1, 2)}
    _, doubts = draft(tmp_path, **texts)
    assert any('"Kürzel" differs in each record' in doubt for doubt in doubts)
