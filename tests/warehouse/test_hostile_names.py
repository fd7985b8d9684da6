"""Whatever lies in a source folder, and whatever its name: loaded, refused with a cure, or left alone. Never a hang."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.errors import ConfigError, DataError
from flows.lake.contracts import CONTRACTS
from flows.lake.sources import find_sources, printable
from flows.warehouse import conversion
from flows.warehouse.duckdb.warehouse import DuckDBWarehouse
from flows.warehouse.ingestion import Ingestion

CUSTOMERS = "id,name\na,Ada\n"
LONG = "raw_customers_" + "x" * (255 - len("raw_customers_.csv")) + ".csv"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def warehouse(work_dir: Path) -> Iterator[DuckDBWarehouse]:
    warehouse = DuckDBWarehouse(work_dir / "warehouse.duckdb")
    yield warehouse
    warehouse.close()


def ingest(source: Path, warehouse: DuckDBWarehouse) -> dict[str, str]:
    """Name → status of each file."""
    ingestion = Ingestion(warehouse, warehouse.path.parent, "run", 0.5)
    ingestion.load(ingestion.convert(find_sources(source, CONTRACTS).files))
    return {outcome.file: outcome.status for outcome in ingestion.outcomes}


def refusal(source: Path, warehouse: DuckDBWarehouse) -> str:
    with pytest.raises(DataError) as refused:
        ingest(source, warehouse)
    assert warehouse.read_ledger() == []
    assert all(warehouse.count_rows(contract) == {} for contract in CONTRACTS.values())
    return str(refused.value)


def write(path: Path | bytes, text: str = CUSTOMERS) -> None:
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123  a Path cannot hold bytes
        file.write(text)


def inventory(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    "name",
    [
        "raw_customers'; drop table raw.raw_customers; --.csv",
        'raw_customers "quoted" and $(id) `id`.csv',
        "raw_customers*[a-z]?{x}%20%s.csv",
        "raw_customers with  spaces .csv",
        "raw_customers..%2e%2e\\..\\x.csv",
        "raw_customers_größe_日本_🙂.csv",
        "raw_customers\nsecond line\r\t\x1b[31m.csv",
        "raw_customers\u202evsc.csv",
        "-raw_customers.csv".removeprefix("-"),
        LONG,
    ],
)
def test_ingest_strange_name_is_data(tmp_path: Path, source: Path, warehouse: DuckDBWarehouse, name: str) -> None:
    write(source / name)
    write(source / "raw_customers_plain.csv", "id,name\nb,Bo\n")
    assert ingest(source, warehouse) == {printable(name): "loaded", "raw_customers_plain.csv": "loaded"}
    assert warehouse.count_rows(CONTRACTS["raw_customers"]) == {printable(name): 1, "raw_customers_plain.csv": 1}
    assert set(ingest(source, warehouse).values()) == {"unchanged"}
    write(source / name, "id,name\na,Anna\nc,Cy\n")
    assert ingest(source, warehouse)[printable(name)] == "replaced"
    assert warehouse.count_rows(CONTRACTS["raw_customers"]) == {printable(name): 2, "raw_customers_plain.csv": 1}
    assert {path.name for path in tmp_path.iterdir()} == {"source", "work"}
    assert all(path.isascii() for path in inventory(warehouse.path.parent))


def test_ingest_name_that_is_not_utf8_is_loaded(source: Path, warehouse: DuckDBWarehouse) -> None:
    write(os.fsencode(source) + b"/raw_customers_\xe9.csv")
    assert ingest(source, warehouse) == {"raw_customers_\\xe9.csv": "loaded"}
    assert ingest(source, warehouse) == {"raw_customers_\\xe9.csv": "unchanged"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"raw_customers_\xff.csv", rb"raw_customers_\xff.csv"),
        (b"raw_customers_\n.csv", rb"raw_customers_\n.csv"),
    ],
    ids=["no UTF-8", "line end"],
)
def test_ingest_two_names_that_print_alike_are_both_refused(
    source: Path, warehouse: DuckDBWarehouse, one: bytes, other: bytes
) -> None:
    write(os.fsencode(source) + b"/" + one)
    write(os.fsencode(source) + b"/" + other)
    message = refusal(source, warehouse)
    assert "2 files were refused" in message
    assert "Rename all but one" in message


def test_ingest_plain_and_gzip_side_by_side_are_two_files(source: Path, warehouse: DuckDBWarehouse) -> None:
    write(source / "raw_customers.csv")
    (source / "raw_customers.csv.gz").write_bytes(gzip.compress(CUSTOMERS.encode()))
    assert ingest(source, warehouse) == {"raw_customers.csv": "loaded", "raw_customers.csv.gz": "loaded"}
    assert len(list((warehouse.path.parent / "lake/raw_customers").iterdir())) == 2


def make_folder(path: Path) -> None:
    path.mkdir()
    write(path / "part-0.csv")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (make_folder, "a folder"),
        (lambda path: path.symlink_to("/etc/passwd"), "a link"),
        (lambda path: path.symlink_to("raw_customers_good.csv"), "a link"),
        (lambda path: path.symlink_to(path), "a link"),
        (lambda path: path.symlink_to("nowhere"), "a link"),
        (os.mkfifo, "a pipe or a device"),
    ],
)
@pytest.mark.timeout(60)
def test_ingest_what_is_no_file_is_refused_unopened(
    source: Path, warehouse: DuckDBWarehouse, make: object, kind: str
) -> None:
    write(source / "raw_customers_good.csv")
    make(source / "raw_customers.csv")  # type: ignore[operator]
    message = refusal(source, warehouse)
    assert f"raw_customers.csv: is {kind}, not a file. Put the file itself there" in message
    assert "root:" not in message
    assert not list((warehouse.path.parent / "lake").rglob("*.parquet"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
@pytest.mark.timeout(60)
def test_ingest_device_is_refused_unopened(source: Path, warehouse: DuckDBWarehouse) -> None:
    try:
        os.mknod(source / "raw_customers.csv", 0o20600, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("devices cannot be made here")
    assert "is a pipe or a device, not a file" in refusal(source, warehouse)


def test_ingest_file_that_vanishes_after_listing_is_refused(source: Path, warehouse: DuckDBWarehouse) -> None:
    write(source / "raw_customers.csv")
    files = find_sources(source, CONTRACTS).files
    (source / "raw_customers.csv").unlink()
    with pytest.raises(DataError, match="vanished while the run was starting"):
        Ingestion(warehouse, warehouse.path.parent, "run").convert(files)


def test_ingest_file_that_vanishes_after_hashing_is_refused(
    source: Path, warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(source / "raw_customers.csv")
    hash_file = conversion.hash_file

    def hash_and_remove(path: Path) -> str:
        try:
            return hash_file(path)
        finally:
            path.unlink()

    monkeypatch.setattr(conversion, "hash_file", hash_and_remove)
    assert "raw_customers.csv: cannot be read (No such file or directory)" in refusal(source, warehouse)


@pytest.mark.parametrize("how", ["rewritten", "renamed over", "grown"])
def test_ingest_file_that_changes_between_hashing_and_reading_is_refused(
    source: Path, warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    write(source / "raw_customers.csv")
    hash_file = conversion.hash_file

    def hash_and_change(path: Path) -> str:
        found = hash_file(path)
        if how == "renamed over":
            write(path.with_name("new"), "id,name\nb,Bob\n")
            path.with_name("new").replace(path)
        else:
            write(path, "id,name\nb,Bob\n" if how == "rewritten" else f"{CUSTOMERS}b,Bob\n")
        return found

    monkeypatch.setattr(conversion, "hash_file", hash_and_change)
    assert "changed while it was read. Run again when it is complete" in refusal(source, warehouse)
    assert not list((warehouse.path.parent / "lake").rglob("*.*"))
    monkeypatch.undo()
    assert ingest(source, warehouse) == {"raw_customers.csv": "loaded"}


@pytest.mark.parametrize("place", [".", "incoming", "lake", "deep/inside"])
def test_ingest_source_within_the_work_folder_is_read_and_left_alone(
    work_dir: Path, warehouse: DuckDBWarehouse, place: str
) -> None:
    source = work_dir / place
    source.mkdir(parents=True)
    write(source / "raw_customers.csv")
    assert ingest(source, warehouse) == {"raw_customers.csv": "loaded"}
    assert ingest(source, warehouse) == {"raw_customers.csv": "unchanged"}
    assert (source / "raw_customers.csv").read_text() == CUSTOMERS


@pytest.mark.parametrize("name", ["lake", "lake/raw_orders", "quarantine", "quarantine/raw_customers"])
def test_ingest_folder_that_leads_out_of_the_work_folder_is_refused(
    tmp_path: Path, source: Path, work_dir: Path, warehouse: DuckDBWarehouse, name: str
) -> None:
    write(source / "raw_customers.csv", CUSTOMERS + "bad\n")
    (tmp_path / "elsewhere").mkdir()
    (work_dir / name).parent.mkdir(parents=True)
    (work_dir / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="leads out of the work folder"):
        ingest(source, warehouse)
    assert inventory(tmp_path / "elsewhere") == []


def test_ingest_file_in_the_place_of_a_folder_is_refused(source: Path, work_dir: Path) -> None:
    write(source / "raw_customers.csv")
    work_dir.mkdir()
    write(work_dir / "quarantine")
    with pytest.raises(ConfigError, match="a folder is needed here"):
        ingest(source, DuckDBWarehouse(work_dir / "warehouse.duckdb"))


def test_ingest_warehouse_that_is_a_link_is_refused(tmp_path: Path, source: Path, work_dir: Path) -> None:
    write(source / "raw_customers.csv")
    work_dir.mkdir()
    (work_dir / "warehouse.duckdb").symlink_to(tmp_path / "elsewhere.duckdb")
    with pytest.raises(ConfigError, match="is a link or no plain file"):
        ingest(source, DuckDBWarehouse(work_dir / "warehouse.duckdb"))
    assert not (tmp_path / "elsewhere.duckdb").exists()


def test_ingest_leaves_foreign_files_in_the_work_folder_alone(
    source: Path, work_dir: Path, warehouse: DuckDBWarehouse
) -> None:
    write(source / "raw_customers.csv")
    ingest(source, warehouse)
    foreign = ["lake/raw_customers/mine.parquet", "lake/raw_customers/.x.tmp", "lake/notes.txt", "quarantine/x.parquet"]
    for name in foreign:
        (work_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (work_dir / name).touch()
    write(source / "raw_customers.csv", "id,name\nb,Bo\n")
    assert ingest(source, warehouse) == {"raw_customers.csv": "replaced"}
    assert set(foreign) <= set(inventory(work_dir))
    assert len(list((work_dir / "lake/raw_customers").glob("*.*.*.parquet"))) == 1
