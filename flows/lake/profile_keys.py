"""The keys of a source profile, as pydantic checks them; what they mean together is for `profile_faults`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

_Text = Annotated[str, Field(min_length=1, max_length=1024)]
_Mark = Annotated[str, Field(pattern=r"^[^0-9A-Za-z+\-\r\n\"]$")]


def _exactly(value: object) -> Decimal:
    """A number of TOML as the decimal that it was written as, if a column of DECIMAL(18,2) can hold it."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise ValueError("is no number. Write one, e.g. 2500")
    amount = Decimal(value)
    if amount < 0:
        raise ValueError("begins below 0. Write 0 or more")
    if amount >= _LEAST_TOO_LARGE or amount != amount.quantize(Decimal("0.01")):
        raise ValueError("is no amount. Write at most 16 digits and two decimals")
    return amount


_LEAST_TOO_LARGE = 10**16
_Amount = Annotated[Decimal, BeforeValidator(_exactly), PlainSerializer(str)]


class Keys(BaseModel):
    """A table of the file: no other keys, no other types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ShopKeys(Keys):
    """[shop]: what holds for all numbers."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(
        default=None, description='Currency of all amounts, three capital letters, e.g. "EUR".'
    )
    classes: dict[_Text, _Amount] | None = Field(
        default=None, description="Customer class = least net sales of the last year that earn it, in the currency."
    )


class FileKeys(Keys):
    """[defaults], and in each table: how files are written."""

    delimiter: _Text | None = Field(default=None, description='One character between fields: ",", ";", "\\t", "|".')
    quote: str | None = Field(default=None, description='One character around fields that hold others; "" for none.')
    encoding: _Text | None = Field(default=None, description='"utf-8", "cp1252", "latin-1", "utf-16" or any of Python.')
    decimal_mark: Literal[".", ","] | None = Field(default=None, description='"." or ",".')
    thousands_mark: _Mark | Literal[""] | None = Field(
        default=None, description='Between groups of three digits, e.g. "." or " "; "" for none.'
    )
    currency_mark: str | None = Field(
        default=None, description='Before amounts or after them, with its blank, e.g. "$" or " €"; "" for none.'
    )
    money: Literal["units", "cents"] | None = Field(
        default=None, description='"units": 12.34 with at most two decimals; "cents": 1234.'
    )
    timestamps: list[_Text] | None = Field(
        default=None,
        description="Accepted spellings, from %Y %y %m %d %H %I %M %S %p %.3f %.6f; %-d %-m %-H %-I: a leading zero "
        "or none; or %s, %Q: seconds, milliseconds since 1970.",
    )
    yes: list[_Text] | None = Field(default=None, description='Spellings of true, e.g. ["oui"].')
    no: list[_Text] | None = Field(default=None, description='Spellings of false, e.g. ["non"].')


class TableKeys(FileKeys):
    """[tables.raw_…]: one table, all of the above and where its columns are."""

    files: list[_Text] = Field(
        default_factory=list, description='Patterns of file names, e.g. ["Commandes_*.csv"], in whatever case.'
    )
    columns: dict[_Text, _Text] = Field(default_factory=dict, description="Our column = the file's column.")
    constants: dict[_Text, str] = Field(
        default_factory=dict, description="Our column = the value of every record, written as a file would."
    )
    leave_out: list[_Text] = Field(default_factory=list, description="Columns of the file that are not to be read.")


class ProfileKeys(Keys):
    """The whole file."""

    shop: ShopKeys = ShopKeys()
    defaults: FileKeys = FileKeys()
    tables: dict[str, TableKeys] = Field(default_factory=dict)
