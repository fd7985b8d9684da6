"""Contracts and keys of a profile in → the tables of docs/your-own-data.md out; so a meaning stands once."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import dataframely as dy
import polars as pl

from flows.lake.contracts import CONTRACTS, Contract
from flows.lake.profile_keys import FileKeys, Keys, ShopKeys, TableKeys

PROJECT = Path(__file__).resolve().parent.parent
PAGE = PROJECT / "docs" / "your-own-data.md"
DATASETS = PROJECT / "data" / "datasets"
WRITTEN = "<!-- From here to the next mark: written by `make sources`. -->\n"
END = "<!-- Until here. -->\n"
SPELLINGS: dict[str, str] = {
    "String": "text of {least} to {most} bytes of UTF-8",
    "Int64": "a whole number from 0, as `{example}`; no sign, no leading zero, no mark",
    "Decimal": "a decimal number with a point, at most {scale} decimals",
    "Boolean": "`True`, `true`, `False`, `false`",
    "Datetime": "`2026-03-01T14:05:00`, with a space for `T`, without seconds, or with six decimals of them; "
    "with an offset such as `+02:00`, `+0200` or `+02`, after a blank or none; or with `Z`, `UTC` or `GMT` where the "
    "store's time zone is known",
}


def write_page(text: str) -> str:
    """The page with its tables as the contracts and the keys have them; all else stays."""
    before, between, after = (piece.split(END)[-1] for piece in text.split(WRITTEN))
    keys, tables = "\n".join(list_keys()), "\n\n".join("\n".join(describe(each)) for each in CONTRACTS.values())
    return "".join((before, WRITTEN, "\n", keys, "\n\n", END, between, WRITTEN, "\n", tables, "\n\n", END, after))


def list_keys() -> Iterator[str]:
    """Every key of a profile, with where it may stand."""
    yield from ("| key | where | meaning |", "|---|---|---|")
    only_tables = {name for name in TableKeys.model_fields if name not in FileKeys.model_fields}
    everywhere = "`[defaults]`, `[tables.raw_…]`"
    groups: list[tuple[type[Keys], set[str], str]] = [
        (ShopKeys, set(ShopKeys.model_fields), "`[shop]`"),
        (FileKeys, set(FileKeys.model_fields), everywhere),
        (TableKeys, only_tables, "`[tables.raw_…]`"),
    ]
    for model, names, where in groups:
        for name, field in model.model_fields.items():
            if name in names:
                yield f"| `{name}` | {where} | {_cell(field.description or '')} |"


def describe(contract: Contract) -> Iterator[str]:
    """What a file of a table holds, column by column."""
    sample = DATASETS / f"{contract.table}.csv"
    first = _read_first(sample)
    optional = ". No file of it need ever come" if contract.is_optional else ""
    yield f"### {contract.table}"
    yield ""
    yield f"{contract.description} Key: `{', '.join(contract.key)}`{optional}."
    if first:
        yield f"Sample: [`{sample.name}`](../data/datasets/{sample.name})."
    yield ""
    yield from ("| column | meaning | unit | accepted | example |", "|---|---|---|---|---|")
    for name, column in contract.schema.columns().items():
        unit = (column.metadata or {}).get("unit", "")
        accepted = _describe_accepted(contract, name, column)
        example = f"`{first[name]}`" if first.get(name) else ""
        yield f"| `{name}` | {_cell(column.description or '')} | {unit} | {_cell(accepted)} | {_cell(example)} |"
    for rule in contract.rules:
        yield ""
        yield f"In each record {rule.description}."


def _describe_accepted(contract: Contract, name: str, column: dy.Column) -> str:
    if name in contract.check_only:
        return "the run's currency, or empty; a file may lack the column"
    values = {"least": 1, "most": getattr(column, "max_length", None), "example": "1234", "scale": ""}
    if isinstance(column.dtype, pl.Decimal):
        values["scale"] = column.dtype.scale
    text = SPELLINGS[type(column.dtype).__name__]
    lacking = "; a file may lack the column" if name not in contract.required else ""
    return text.format(**values) + ("; or empty" if column.nullable else "") + lacking


def _read_first(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.DictReader(file), {})


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> int:
    PAGE.write_text(write_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{PAGE.relative_to(PROJECT)}: {len(CONTRACTS)} tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
