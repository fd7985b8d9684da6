"""A source profile is read whole or refused with every fault, where it stands and the cure."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from flows.errors import ConfigError
from flows.lake.amounts import Marks
from flows.lake.profile_files import find_profiled_sources, sort_profiled_names
from flows.lake.profiles import Profile, read_profile
from flows.run.settings import load_settings

FOREIGN = """
[shop]
currency = "EUR"
classes = { Or = 2500.50, Argent = 100, Bronze = 0 }

[defaults]
delimiter = ";"
encoding = "windows-1252"
decimal_mark = ","
thousands_mark = "."
money = "units"
timestamps = ["%d/%m/%Y %H:%M"]

[tables.raw_orders]
files = ["Commandes_*.CSV"]
columns = { id = "N°", customer = "Client", subtotal = "Montant", order_total = "Montant" }
constants = { store_id = "s1", tax_paid = "0" }
leave_out = ["Note"]

[tables.raw_supplies]
delimiter = ","
yes = ["oui"]
no = ["non"]
"""


def profile(folder: Path, text: str) -> Profile:
    path = folder / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return read_profile(path)


def test_profile_says_how_each_table_is_written(tmp_path: Path) -> None:
    read = profile(tmp_path, FOREIGN)
    assert read.currency == "EUR"
    assert read.classes == {"Or": Decimal("2500.50"), "Argent": Decimal(100), "Bronze": Decimal(0)}
    orders, supplies = read.forms["raw_orders"], read.forms["raw_supplies"]
    assert (orders.dialect.delimiter, orders.dialect.encoding) == (";", "cp1252")
    assert orders.marks == Marks(",", ".", 2)
    assert orders.leave_out == {"Note"}
    assert (supplies.dialect.delimiter, supplies.yes, supplies.marks) == (",", ("oui",), Marks(",", ".", 2))
    assert read.forms["raw_items"].dialect.delimiter == ";"


@pytest.mark.parametrize("mark", ["$", "€", " €", "\u00a0€", "kr ", "Fr. ", "zł", "US$", "₹", ""])
def test_profile_says_which_currency_stands_beside_amounts(tmp_path: Path, mark: str) -> None:
    text = f'[defaults]\ncurrency_mark = "$"\nmoney = "units"\n[tables.raw_orders]\ncurrency_mark = "{mark}"\n'
    forms = profile(tmp_path, f'{text}constants = {{ tax_paid = "0.50{mark}" }}\n').forms
    assert (forms["raw_orders"].marks.currency, forms["raw_products"].marks.currency) == (mark, "$")


def test_profile_that_says_nothing_is_the_shipped_form(tmp_path: Path) -> None:
    shipped = profile(tmp_path, '[defaults]\ndelimiter = ","\nencoding = "UTF8"\nmoney = "cents"\n')
    assert {form.sha256 for form in shipped.forms.values()} == {None}


def test_profile_hash_is_that_of_its_meaning_for_the_table(tmp_path: Path) -> None:
    first = profile(tmp_path, FOREIGN)
    same = profile(tmp_path, FOREIGN.replace("windows-1252", "CP1252").replace("[shop]", "# a comment\n[shop]"))
    other = profile(tmp_path, FOREIGN.replace('"Client"', '"Acheteur"'))
    assert {table: form.sha256 for table, form in first.forms.items()} == {
        table: form.sha256 for table, form in same.forms.items()
    }
    assert {table for table, form in other.forms.items() if form.sha256 != first.forms[table].sha256} == {"raw_orders"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[shop]\ncurency = "EUR"', r"shop.curency: there is no such key; is currency meant\?"),
        ('[shop]\ncurrency = "euro"', "shop.currency"),
        ("[shop]\nclasses = { Gold = 100 }", "shop.classes: one class must begin at 0"),
        ("[shop]\nclasses = { Inactive = 0, Gold = 9 }", "shop.classes.Inactive: the name is that of"),
        ("[shop]\nclasses = { INACTIVE = 0, Gold = 9 }", "shop.classes.INACTIVE: the name is that of"),
        ("[shop]\nclasses = { Gold = 9, Silver = 9, Bronze = 0 }", "Gold and Silver begin at the same amount, 9. Give"),
        ("[shop]\nclasses = { Bronze = 0 }", "shop.classes: one class tells no customers apart. Name two at least, or"),
        ("[shop]\nclasses = {}", "shop.classes: names no class. Name two at least, or"),
        (
            "[shop]\nclasses = { Gold = -5, Bronze = 0 }",
            r"shop.classes.Gold: begins below 0, found '-5'\. Write 0 or more",
        ),
        (
            "[shop]\nclasses = { Gold = 9.999, Bronze = 0 }",
            "shop.classes.Gold: is no amount, found '9.999'.*two decimals",
        ),
        ("[shop]\nclasses = { Gold = inf, Bronze = 0 }", "shop.classes.Gold: is no number, found 'Infinity'"),
        ("[shop]\nclasses = { Gold = 10000000000000000, Bronze = 0 }", "shop.classes.Gold: is no amount"),
        ('[shop]\nclasses = { " Gold" = 9, Bronze = 0 }', "shop.classes: ' Gold' begins or ends with a blank"),
        ('[shop]\nclasses = { Gold = "much", Bronze = 0 }', "shop.classes.Gold: is no number, found 'much'. Write one"),
        ("[tabels.raw_orders]", r"tabels: there is no such key; is tables meant\?"),
        ("[tables.raw_order]", r"tables.raw_order: there is no such table; is raw_orders meant\?"),
        ('[defaults]\ndelimeter = ";"', r"defaults.delimeter: there is no such key; is delimiter meant\?"),
        ('[defaults]\ndelimiter = ";;"', "defaults.delimiter: ';;' cannot be one"),
        ('[defaults]\ndelimiter = "."', "defaults.delimiter: '.' cannot be one"),
        ("[defaults]\ndelimiter = 7", "defaults.delimiter: input should be a valid string"),
        ('[defaults]\nquote = "x"', "defaults.quote: 'x' cannot be one"),
        ('[defaults]\nencoding = "klingon"', "defaults.encoding: Python knows no encoding 'klingon'"),
        ('[defaults]\nencoding = "base64"', "defaults.encoding: Python knows no encoding 'base64'"),
        ('[defaults]\nmoney = "dollars"', "defaults.money: input should be 'units' or 'cents', found 'dollars'"),
        ('[defaults]\ndecimal_mark = ";"', "defaults.decimal_mark: input should be"),
        ("[defaults]\ntimestamps = []", "defaults.timestamps: names no spelling"),
        ('[defaults]\ntimestamps = ["%d/%m %H:%M"]', "lacks the year"),
        ('[defaults]\ntimestamps = ["%d/%b/%Y"]', "has '%b'. Known are"),
        ('[defaults]\ntimestamps = ["%d/%m/%Y %I:%M"]', "lacks %p, which %I needs"),
        ('[defaults]\ntimestamps = ["%s.%3f"]', "has '%3'|'%s.%3f' has '%'"),
        ('[defaults]\ntimestamps = ["%s %d"]', "'%s %d' has %s, which stands alone"),
        ('[defaults]\ntimestamps = ["%s", "%Q"]', "'%s' and '%Q' read the same text as two different times"),
        ('[defaults]\ntimestamps = ["%Y%m%d", "%s"]', "'%Y%m%d' and '%s' read the same text as two different times"),
        ('[defaults]\ntimestamps = ["%d/%m/%Y", "%m/%d/%Y"]', "read the same text as two different times"),
        ('[defaults]\nyes = ["oui"]', "yes and no go together"),
        ('[defaults]\nyes = ["1"]\nno = ["1"]', "'1' cannot mean both yes and no"),
        (
            '[tables.raw_orders.columns]\nsub_total = "HT"',
            r"columns.sub_total: raw_orders has no such column; is subtotal",
        ),
        ('[tables.raw_orders.columns]\nid = "?"', "tables.raw_orders.columns.id: is still to be filled in"),
        ('[tables.raw_orders]\ncolumns = { id = "a" }\nconstants = { id = "b" }', "id is both in columns and in"),
        ('[tables.raw_orders]\ncolumns = { id = "a" }\nleave_out = ["a"]', "'a' is one of the columns too"),
        ('[tables.raw_orders.constants]\nid = "1"', "every record would have the same key"),
        (
            '[tables.raw_orders.constants]\ntax_paid = "0.5"',
            "constants.tax_paid: '0.5' is no value of this column: not",
        ),
        (
            '[tables.raw_orders.constants]\ncustomer = ""',
            "constants.customer: '' is no value of this column: the field",
        ),
        ('[tables.raw_orders.constants]\nordered_at = "today"', "constants.ordered_at: 'today' is no value"),
        ('[tables.raw_orders]\nfiles = ["a*"]\n[tables.raw_items]\nfiles = ["A*"]', "is a pattern of raw_orders too"),
        ('[tables.raw_orders]\nfiles = ["in/a*"]', "has a slash"),
        ('[tables.raw_orders]\ndelimiter = "|"\nquote = "|"', "delimiter and quote are the same"),
        (
            '[tables.raw_orders]\nthousands_mark = ","\ndecimal_mark = ","',
            "decimal_mark and thousands_mark are the same",
        ),
        *(
            (
                f'[tables.raw_orders]\ncurrency_mark = "{mark}"',
                r"tables.raw_orders.currency_mark: .* cannot be one\. Exp",
            )
            for mark in (
                " ",
                "12",
                "-$",
                "$-",
                "+",
                ".",
                ",",
                "'",
                "(",
                "$)",
                "$ .",
                "  $",
                "$  ",
                "dollars",
                "$1",
                "$\\n",
            )
        ),
        ("[defaults]\ncurrency_mark = 5", "defaults.currency_mark: input should be a valid string, found '5'"),
        ("[shop", "not TOML in UTF-8"),
    ],
)
def test_profile_fault_is_named_where_it_stands(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        profile(tmp_path, text)
    assert str(tmp_path / "shop.toml") in str(error.value)


def test_profile_of_many_faults_names_them_all(tmp_path: Path) -> None:
    text = '[defaults]\ndelimiter = ";;"\nencoding = "klingon"\n[tables.raw_orders.columns]\nno_such = "x"\nid = "?"\n'
    with pytest.raises(ConfigError) as error:
        profile(tmp_path, text)
    assert str(error.value).count("\n  - ") == 4


def test_profile_that_is_not_there_is_wrong_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read.*--profile or RETAIL_PROFILE") as error:
        load_settings(profile=str(tmp_path / "none.toml"))
    assert error.value.exit_code == 2


def test_settings_take_the_currency_of_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = profile(tmp_path, FOREIGN).path
    assert load_settings(profile=str(path)).currency == "EUR"
    monkeypatch.setenv("RETAIL_PROFILE", str(path))
    assert load_settings().currency == "EUR"
    monkeypatch.setenv("RETAIL_CURRENCY", "CHF")
    with pytest.raises(ConfigError, match=r"RETAIL_CURRENCY is CHF, but the profile .* says EUR"):
        load_settings()


def test_sources_are_found_by_pattern_in_any_case_and_others_named(tmp_path: Path) -> None:
    read = profile(tmp_path, FOREIGN)
    for name in ("commandes_2026.csv", "Commandes_old.CSV.gz", "raw_items.csv", "RAW_STORES.CSV", "raw_orders.csv"):
        (tmp_path / name).touch()
    (tmp_path / "COMMANDES_1.csv").touch()
    delivery = find_profiled_sources(tmp_path, read)
    assert [(file.table, file.name) for file in delivery.files] == [
        ("raw_items", "raw_items.csv"),
        ("raw_orders", "COMMANDES_1.csv"),
        ("raw_orders", "commandes_2026.csv"),
        ("raw_stores", "RAW_STORES.CSV"),
    ]
    assert delivery.ignored == ("Commandes_old.CSV.gz", "raw_orders.csv")


def test_sources_of_a_path_the_patterns_are_for_the_last_part(tmp_path: Path) -> None:
    read = profile(tmp_path, '[tables.raw_orders]\nfiles=["commandes_*.csv"]')
    paths = ["2026/commandes_1.csv", "commandes_2/raw_items.csv", "commandes_3.csv/notes.xml"]
    found = sort_profiled_names(paths, Path, read, "s3://shop")
    assert [(file.table, file.name) for file in found.files] == [("raw_items", paths[1]), ("raw_orders", paths[0])]
    assert found.ignored == (paths[2],)


def test_sources_hidden_files_are_none_whatever_the_pattern(tmp_path: Path) -> None:
    read = profile(tmp_path, '[tables.raw_orders]\nfiles = ["*.csv"]\n')
    for name in ("sales.csv", "._sales.csv", ".sales.csv", "~$sales.csv"):
        (tmp_path / name).touch()
    delivery = find_profiled_sources(tmp_path, read)
    assert ([file.name for file in delivery.files], delivery.ignored) == (["sales.csv"], ())


def test_sources_file_of_two_tables_is_refused(tmp_path: Path) -> None:
    read = profile(tmp_path, '[tables.raw_orders]\nfiles=["c*.csv"]\n[tables.raw_items]\nfiles=["*s.csv"]')
    (tmp_path / "commandes.csv").touch()
    with pytest.raises(ConfigError, match=r"commandes\.csv fits the patterns of raw_orders and raw_items"):
        find_profiled_sources(tmp_path, read)


def test_sources_file_named_as_another_table_is_refused_though_a_pattern_takes_it(tmp_path: Path) -> None:
    """That other table has no patterns, so that its files are named as ours are."""
    read = profile(tmp_path, '[tables.raw_orders]\nfiles = ["*.csv"]')
    for name in ("raw_orders.csv", "Raw_Customers_2.csv", "sales.csv"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError) as error:
        find_profiled_sources(tmp_path, read)
    assert str(error.value).splitlines()[1:] == [
        "  - Raw_Customers_2.csv fits the patterns of raw_orders, and the name is one of raw_customers",
        "Make files in these tables narrower, or name those of raw_customers under files there.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        '[tables.raw_orders]\nfiles = ["sales*.csv", "raw_orders*"]',
        '[tables.raw_orders]\nfiles = ["raw_orders*", "sales*"]\n[tables.raw_customers]\nfiles = ["raw_c*"]',
    ],
)
def test_sources_narrower_files_are_the_cure(tmp_path: Path, text: str) -> None:
    read = profile(tmp_path, text)
    for name in ("raw_orders.csv", "raw_customers.csv", "sales.csv"):
        (tmp_path / name).touch()
    found = [(file.table, file.name) for file in find_profiled_sources(tmp_path, read).files]
    assert found == [
        ("raw_customers", "raw_customers.csv"),
        ("raw_orders", "raw_orders.csv"),
        ("raw_orders", "sales.csv"),
    ]


def test_sources_without_a_file_that_the_profile_takes_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Expected Commandes_\*\.CSV"):
        find_profiled_sources(tmp_path, profile(tmp_path, FOREIGN))
