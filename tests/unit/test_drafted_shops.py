"""Shops of other habits, drafted from their files and read by the draft as it is: every number and letter is right."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.errors import ConfigError
from flows.lake.contracts import CONTRACTS
from flows.lake.convert import convert_csv
from flows.lake.draft import draft_profile
from flows.lake.draft_values import find_spellings, tell_days_apart
from flows.lake.look import look_at_file
from flows.lake.profiles import Profile, read_profile

NAMES = ["Inès Dœuff", "Rémi Caron", "O'Neil, Pat", 'José "Pepe" Ruiz', "Zoë|Smith", "Tab\tMan", "Semi;Colon", "Ann"]
CUSTOMERS = [(f"K{number}", name) for number, name in enumerate(NAMES)]
PRODUCTS = [("P0", "Café", "Boissons", 250, "noir"), ("P1", "Tarte", "Desserts", 123456, 'aux pommes, "maison"')]
NETS = [5, 250, 123456, 1234567, 99, 100000]
ORDERS = [
    (f"C{number}", f"K{number}", datetime(2024, 1, 3, 8) + timedelta(days=9 * number, minutes=61 * number), net)
    for number, net in enumerate(NETS)
]
SUPPLIES = [("F1", "Tasse", 12, False, "P0"), ("F2", "Lait", 105000, True, "P1")]
FRENCH = (
    ("Clients.csv", "N° client,Nom complet"),
    ("Produits.csv", "Référence,Désignation,Famille,Prix,Descriptif"),
    ("Commandes_2024-{}.CSV", "N° commande,N° client,Date,Code boutique,Montant HT,TVA,Montant TTC"),
    ("Fournitures.csv", "Code fourniture,Libellé,Coût,Périssable,Référence"),
)
ENGLISH = (
    ("CUSTOMERS.TXT", "CUSTOMER ID,FULL NAME"),
    ("PRODUCTS.TXT", "SKU,PRODUCT NAME,CATEGORY,UNIT PRICE,DESCRIPTION"),
    ("ORDERS {}.TXT", "ORDER ID,CUSTOMER ID,ORDER DATE,STORE ID,NET AMOUNT,TAX,TOTAL"),
    ("SUPPLIES.TXT", "SUPPLY ID,SUPPLY NAME,UNIT COST,PERISHABLE,SKU"),
)
GERMAN = (
    ("Kunden_20241231.csv.gz", "Kundennummer,Name"),
    ("Artikel_20241231.csv.gz", "Artikelnummer,Bezeichnung,Warengruppe,Preis,Beschreibung"),
    ("Bestellungen_2024{}.csv.gz", "Bestellnummer,Kundennummer,Datum,Filialnummer,Netto,MwSt,Brutto"),
    ("Zutaten_20241231.csv.gz", "Zutat-Nr,Bezeichnung,Kosten,verderblich,Artikelnummer"),
)


def write_american(moment: datetime) -> str:
    return f"{moment.month}/{moment.day}/{moment.year} {(moment.hour - 1) % 12 + 1}:{moment:%M %p}"


@dataclass(frozen=True)
class Habits:
    """How a shop writes; `names` are file and header of customers, products, orders and supplies."""

    names: tuple[tuple[str, str], ...]
    delimiter: str
    encoding: str
    marks: tuple[str, str]  # decimal mark and mark of thousands; none: cents
    time: str | Callable[[datetime], str]
    yes_and_no: tuple[str, str]
    quote: str = '"'
    currency: tuple[str, str] = ("", "")  # before and after an amount

    def write(self, folder: Path) -> None:
        amount = self._amount
        products = [[sku, name, kind, amount(price), text] for sku, name, kind, price, text in PRODUCTS]
        no, yes = reversed(self.yes_and_no)
        supplies = [[id_, name, amount(cost), yes if is_so else no, sku] for id_, name, cost, is_so, sku in SUPPLIES]
        sales = [
            [id_, who, self._time(at), "B1", amount(net), amount(net // 5), amount(net + net // 5)]
            for id_, who, at, net in ORDERS
        ]
        tables = [[list(each) for each in CUSTOMERS], products, sales[:3], supplies]
        for (name, header), rows in zip(self.names, tables, strict=True):
            self._write(folder / name.format("06-30"), header, rows)
        self._write(folder / self.names[2][0].format("12-31"), self.names[2][1], sales[3:])

    def _amount(self, cents: int) -> str:
        decimal, thousands = self.marks
        whole = f"{cents // 100:,}".replace(",", thousands)
        before, after = self.currency
        return f"{before}{whole}{decimal}{cents % 100:02}{after}" if decimal else str(cents)

    def _time(self, moment: datetime) -> str:
        return moment.strftime(self.time) if isinstance(self.time, str) else self.time(moment)

    def _write(self, path: Path, header: str, rows: list[list[str]]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.delimiter, quotechar=self.quote)
        writer.writerows([header.split(","), *rows])
        data = text.getvalue().encode(self.encoding)
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


SHOPS = {
    "utf-16 with tabs": Habits(FRENCH, "\t", "utf-16", (",", "."), "%d/%m/%Y %H:%M", ("oui", "non")),
    "utf-16 without a mark": Habits(FRENCH, ";", "utf-16-le", (",", " "), "%d/%m/%Y %H:%M", ("Oui", "Non")),
    "utf-16 big end first": Habits(FRENCH, ";", "utf-16-be", (",", ""), "%d/%m/%Y %H:%M", ("vrai", "faux")),
    "bars and apostrophes": Habits(FRENCH, "|", "utf-8", (",", "\u202f"), "%d/%m/%y %H:%M:%S", ("1", "0"), "'"),
    "cp1252 with hard blanks": Habits(FRENCH, ";", "cp1252", (",", "\u00a0"), "%d-%m-%Y %H:%M", ("oui", "non")),
    "american": Habits(ENGLISH, ",", "utf-8-sig", (".", ","), write_american, ("Y", "N")),
    "cents and offsets": Habits(ENGLISH, ",", "utf-8-sig", ("", ""), "%Y-%m-%dT%H:%M:%S+02:00", ("yes", "no")),
    "offsets after a space": Habits(ENGLISH, "|", "utf-8", (".", ""), "%Y-%m-%d %H:%M:%S+0200", ("TRUE", "FALSE")),
    "offsets after a second space": Habits(ENGLISH, ",", "utf-8", (".", ""), "%Y-%m-%d %H:%M:%S -0500", ("t", "f")),
    "offsets of hours": Habits(ENGLISH, ",", "utf-8", (".", ""), "%d/%m/%Y %H:%M+02", ("t", "f")),
    "milliseconds": Habits(ENGLISH, ",", "utf-8", (".", ""), "%Y-%m-%dT%H:%M:%S.000", ("t", "f")),
    "dollars": Habits(ENGLISH, ",", "utf-8", (".", ","), write_american, ("Y", "N"), currency=("$", "")),
    "euros after a hard blank": Habits(
        *(FRENCH, ";", "cp1252", (",", " "), "%d/%m/%Y %H:%M", ("oui", "non")), currency=("", "\u00a0€")
    ),
    "a word before a blank": Habits(
        *(GERMAN, ";", "utf-8", (".", "'"), "%d.%m.%Y %H:%M", ("Ja", "Nein")), currency=("CHF ", "")
    ),
    "a word with a point": Habits(
        *(GERMAN, ";", "utf-8", (",", "."), "%d.%m.%Y %H:%M", ("Ja", "Nein")), currency=("", " kr.")
    ),
    "german, packed": Habits(GERMAN, ";", "iso8859-15", (",", "."), "%d.%m.%Y %H:%M", ("Ja", "Nein")),
}


def draft(folder: Path) -> tuple[str, list[str]]:
    looks = [look for path in sorted(folder.iterdir()) if (look := look_at_file(path)) is not None]
    return draft_profile(looks)


def read(folder: Path, profile: Profile, table: str) -> list[tuple[object, ...]]:
    names = sorted(path.name for path in folder.iterdir() if profile.find_tables(path.name) == [table])
    parts = []
    for name in names:
        done = convert_csv(folder / name, CONTRACTS[table], folder / "out", form=profile.forms[table])
        assert done.rows_quarantined == 0, done.examples
        parts += done.parts
    return pl.concat(pl.read_parquet(part.path, glob=False).drop("_file", "_row") for part in parts).rows()


@pytest.mark.parametrize("name", SHOPS)
def test_draft_of_a_shop_reads_its_files_as_they_are(tmp_path: Path, name: str) -> None:
    shop, folder = SHOPS[name], tmp_path / "shop"
    folder.mkdir()
    shop.write(folder)
    text, _ = draft(folder)
    (tmp_path / "shop.toml").write_text(text, encoding="utf-8")
    profile = read_profile(tmp_path / "shop.toml")
    assert read(folder, profile, "raw_customers") == CUSTOMERS
    assert read(folder, profile, "raw_products") == PRODUCTS
    assert read(folder, profile, "raw_supplies") == SUPPLIES
    assert sorted(read(folder, profile, "raw_orders")) == [
        (id_, who, at, "B1", net, net // 5, net + net // 5) for id_, who, at, net in ORDERS
    ]
    assert profile.find_tables(shop.names[2][0].format("09-30").lower()) == ["raw_orders"]


@pytest.mark.parametrize(
    ("text", "spelling", "other"),
    [
        ("3/1/2024 9:05", "%-d/%-m/%Y %-H:%M", "%-m/%-d/%Y %-H:%M"),
        ("13/1/2024 9:05", "%-d/%-m/%Y %-H:%M", None),
        ("1/13/2024 2:05 PM", "%-m/%-d/%Y %-I:%M %p", None),
        ("03/01/2024", "%d/%m/%Y", "%m/%d/%Y"),
        ("2024-01-03T08:00:00.000Z", "%Y-%m-%dT%H:%M:%S%.3f", None),
        ("2024-01-03 08:00:00.123456", "%Y-%m-%d %H:%M:%S%.6f", None),
        ("03-01-2024", "%d-%m-%Y", "%m-%d-%Y"),
        ("20240103", "%Y%m%d", None),
        ("2025-01-11 10:00:11 +0200", "%Y-%m-%d %H:%M:%S", None),
        ("2025-01-11 10:00:11 +02:00", "%Y-%m-%d %H:%M:%S", None),
        ("2025-01-11 10:00:11.123456+02", "%Y-%m-%d %H:%M:%S%.6f", None),
        ("2025-01-11 10:00:11 UTC", "%Y-%m-%d %H:%M:%S", None),
        ("2025-01-11T10:00:11 Z", "%Y-%m-%dT%H:%M:%S", None),
        ("1/13/2025 2:05 PM GMT", "%-m/%-d/%Y %-I:%M %p", None),
        ("1/13/2025 2:05 PM -0500", "%-m/%-d/%Y %-I:%M %p", None),
    ],
)
def test_spelling_of_a_time_is_found_and_whether_days_may_be_months(
    text: str, spelling: str, other: str | None
) -> None:
    found = find_spellings([text])
    assert (found[0], tell_days_apart(found)) == (spelling, other)


def test_draft_of_times_that_nobody_can_read_names_the_column_and_the_cure(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("Order,Customer,Order date,Store,Total\n1,c,03-Jan-2024 08:00,s,1.00\n")
    text, doubts = draft(tmp_path)
    assert 'id = "Order"\n' in text
    assert [doubt for doubt in doubts if "ordered_at" in doubt] == [
        "tables.raw_orders.columns ordered_at: Order date is spelled in no known way, e.g. 03-Jan-2024 08:00; "
        "export it as 2024-12-31T14:05:00"
    ]


@pytest.mark.parametrize("moment", ["2024-01-03T08:00:00Z", "2024-01-03 08:00:00 UTC", "1/13/2024 8:00 AM GMT"])
def test_draft_of_times_in_utc_says_what_they_need(tmp_path: Path, moment: str) -> None:
    (tmp_path / "orders.csv").write_text(f"Order,Customer,Date,Store,Total\n1,c,{moment},s,1.00\n")
    assert any("ordered_at: times in UTC need time_zone of raw_stores" in doubt for doubt in draft(tmp_path)[1])


@pytest.mark.parametrize(("moment", "spelling"), [("1748772000", "%s"), ("1748772000123", "%Q")])
def test_draft_of_seconds_since_1970_says_what_they_need(tmp_path: Path, moment: str, spelling: str) -> None:
    (tmp_path / "orders.csv").write_text(f"Order,Customer,Date,Clock,Store,Total\n1,c,{moment},08:00,s,1.00\n")
    text, doubts = draft(tmp_path)
    assert f'timestamps = ["{spelling}"]' in text
    assert any("ordered_at: times in UTC need time_zone of raw_stores" in doubt for doubt in doubts)


def test_keys_of_as_many_digits_are_no_seconds(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text("EAN,Name,Category,Price\n1748772000,a,x,1.00\n1748772001,b,x,1.00\n")
    (tmp_path / "items.csv").write_text("Line,Order,Article\n1,1,1748772000\n2,1,1748772001\n")
    text, _ = draft(tmp_path)
    assert 'sku = "Article"' in text
    assert "timestamps" not in text


def test_draft_finds_the_currency_in_the_headers_or_asks(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    for header, found in (("Price (€)", "EUR"), ("Price in CHF", "CHF"), ("Price", None), ("Price EUR/USD", None)):
        path.write_text(f"Product,Name,Category,{header}\np,Tea,drink,2.50\n", encoding="utf-8")
        text, doubts = draft(tmp_path)
        assert (f'currency = "{found}"\n' in text) == (found is not None)
        assert any(doubt.startswith("shop currency: no sign") for doubt in doubts) == (found is None)


@pytest.mark.parametrize(
    ("rows", "found"), [(("EUR", "EUR", ""), "EUR"), (("EUR", "GBP", "EUR"), None), (("", "", ""), None)]
)
def test_draft_finds_the_currency_in_a_column_that_says_it_of_each_record(
    tmp_path: Path, rows: tuple[str, ...], found: str | None
) -> None:
    """As exports of shops on the web have it: `Currency`, and taxes in the plural."""
    path = tmp_path / "orders.csv"
    text = "".join(f"o{n},c1,2025-06-01 10:00:00,s1,10.00,1.00,11.00,{code}\n" for n, code in enumerate(rows))
    path.write_text(f"Id,Customer,Created at,Shop,Subtotal,Taxes,Total,Currency\n{text}", encoding="utf-8")
    drafted, doubts = draft(tmp_path)
    assert (f'currency = "{found}"\n' in drafted) == (found is not None)
    assert any(doubt.startswith("shop currency: no sign") for doubt in doubts) == (found is None)
    assert 'tax_paid = "Taxes"\n' in drafted


def test_draft_pattern_takes_its_own_files_alone_and_brackets_are_no_pattern(tmp_path: Path) -> None:
    orders, items = "Order,Customer,Date,Store,Total\n1,c,2024-01-03,s,1.00\n", "Item,Order,Product\n1,1,p\n"
    for name, text in {
        "2024-01 orders.csv": orders,
        "2024-02 orders.csv": orders,
        "2024-01 orders lines.csv": items,
        "lines [1].csv": items,
    }.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "shop.toml").write_text(draft(tmp_path)[0].replace('"?"', '"x"'))
    profile = read_profile(tmp_path / "shop.toml")
    tables = {name: profile.find_tables(name) for name in ("2025-07 orders.csv", "2024-01 orders lines.csv")}
    assert tables == {"2025-07 orders.csv": ["raw_orders"], "2024-01 orders lines.csv": ["raw_items"]}
    assert profile.find_tables("lines [1].csv") == ["raw_items"]
    assert profile.find_tables("lines 1.csv") == []


def test_draft_of_plain_files_takes_the_encoding_and_quotes_of_the_others(tmp_path: Path) -> None:
    (tmp_path / "Clients.csv").write_bytes("Client;Nom\n1;'Œuf; frais €'\n".encode("cp1252"))
    (tmp_path / "Boutiques.csv").write_bytes(
        "Boutique;Nom;Ouvert;TVA\nB1;'Café; Été';2024-01-03;0,2\n".encode("cp1252")
    )
    (tmp_path / "Lignes.csv").write_text("Ligne;Commande;Produit\n1;1;p\n")
    text, doubts = draft(tmp_path)
    assert (text.count('encoding = "cp1252"'), text.count('quote = "\'"')) == (3, 3)
    assert [doubt for doubt in doubts if "encoding" in doubt] == []


def test_draft_with_a_doubt_left_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("customer id,town\n1,Oslo\n2,Oslo\n")
    (tmp_path / "shop.toml").write_text(draft(tmp_path)[0])
    with pytest.raises(ConfigError, match="is still to be filled in"):
        read_profile(tmp_path / "shop.toml")
