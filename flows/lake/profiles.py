"""A source profile in (one TOML file), how to find and read a shop's files out; or every fault in it at once.

[shop] has what holds for all numbers, [defaults] what holds for every table's files, [tables.raw_…] what for one
table's. docs/your-own-data.md has every key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows.errors import ConfigError
from flows.lake.amounts import Marks
from flows.lake.contracts import CONTRACTS
from flows.lake.dialect import Dialect, find_encoding
from flows.lake.forms import Form
from flows.lake.profile_faults import find_constant_faults, find_faults
from flows.lake.profile_keys import FileKeys, Keys, ProfileKeys, ShopKeys, TableKeys
from flows.lake.sources import is_hidden

_MODELS: dict[str, type[Keys]] = {"shop": ShopKeys, "defaults": FileKeys, "tables": TableKeys}
MONEY_DECIMALS = {"units": 2, "cents": 0}


@dataclass(frozen=True)
class Profile:
    """`forms` are by table, of every table; `patterns` only of those whose files have names of their own.

    `classes` are customer class → least net sales of the last year that earn it, or None for those of the project.
    """

    path: Path
    forms: Mapping[str, Form]
    patterns: Mapping[str, tuple[str, ...]]
    currency: str | None = None
    classes: Mapping[str, Decimal] | None = None

    def find_tables(self, name: str) -> list[str]:
        """The tables one of whose patterns a file's name matches, in upper or lower case; none for hidden files."""
        return [
            table
            for table, patterns in self.patterns.items()
            if not is_hidden(name) and any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)
        ]


def read_profile(path: Path) -> Profile:
    """Read and check a profile.

    Raises:
        ConfigError: the file cannot be read, or is wrong; names every fault, where it stands, and the cure.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigError(
            f"{path}: the profile cannot be read ({error.strerror}). Name it with --profile or RETAIL_PROFILE."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the profile is not TOML in UTF-8: {error}. Correct it there.") from error
    try:
        keys = ProfileKeys.model_validate(content)
    except ValidationError as error:
        raise _refuse(path, _describe(error)) from None
    faults = list(find_faults(keys))
    if faults:
        raise _refuse(path, faults)
    forms = {table: _make_form(keys.defaults, keys.tables.get(table, TableKeys())) for table in CONTRACTS}
    faults = [fault for table, form in forms.items() for fault in find_constant_faults(table, form)]
    if faults:
        raise _refuse(path, faults)
    patterns = {table: tuple(chosen.files) for table, chosen in keys.tables.items() if chosen.files}
    return Profile(path, forms, patterns, keys.shop.currency, keys.shop.classes)


def _make_form(defaults: FileKeys, table: TableKeys) -> Form:
    def pick(key: str, shipped: Any) -> Any:
        return next((v for v in (getattr(table, key), getattr(defaults, key)) if v is not None), shipped)

    encoding = find_encoding(pick("encoding", "utf-8")) or "utf-8"
    return Form(
        dialect=Dialect(pick("delimiter", ","), pick("quote", '"'), encoding),
        marks=Marks(
            pick("decimal_mark", "."),
            pick("thousands_mark", ""),
            MONEY_DECIMALS[pick("money", "cents")],
            pick("currency_mark", ""),
        ),
        timestamps=tuple(pick("timestamps", ())),
        yes=tuple(pick("yes", ())),
        no=tuple(pick("no", ())),
        columns=dict(table.columns),
        constants=dict(table.constants),
        leave_out=frozenset(table.leave_out),
    )


def _describe(error: ValidationError) -> Iterator[str]:
    """What pydantic found, in the words of the file."""
    for fault in error.errors():
        where = ".".join(str(step) for step in fault["loc"] if step not in {"constrained-str", "literal['']"})
        if fault["type"] == "value_error":  # our own words: what is wrong, and the cure
            what, _, cure = fault["msg"].removeprefix("Value error, ").partition(". ")
            yield f"{where}: {what}, found {str(fault['input'])[:40]!r}. {cure}"
            continue
        if fault["type"] != "extra_forbidden":
            yield f"{where}: {fault['msg'][:1].lower()}{fault['msg'][1:]}, found {str(fault['input'])[:40]!r}"
            continue
        known = list(_MODELS.get(str(fault["loc"][0]), ProfileKeys).model_fields)
        if len(fault["loc"]) == 1:
            known = list(ProfileKeys.model_fields)
        close = get_close_matches(str(fault["loc"][-1]), known, 1)
        meant = f"; is {close[0]} meant?" if close else ""
        yield f"{where}: there is no such key{meant}. Expected one of {', '.join(known)}"


def _refuse(path: Path, faults: Iterable[str]) -> ConfigError:
    lines = [f"  - {fault}." for fault in faults]
    return ConfigError("\n".join([f"{path}: the profile is wrong:", *lines, "See docs/your-own-data.md."]))
