"""The raw tables, declared once; Parquet schema, raw-table DDL, validation and the dbt sources follow from here.

A schema is a dataframely class: columns in the order of the CSV header, dtype, nullability, ranges, allowed
values, byte lengths, description. `primary_key` names the key that staging makes unique; raw keeps every
version that came, so uniqueness is not a rule of ingest. `metadata` holds what dataframely has no field for:

- `unit`: of money, rates and counts
- `formats`: the accepted spellings of a timestamp, all of which may end in an offset
- `zone_column`, `store_column`: the column that names the time zone of a timestamp, or the store whose zone it is
- `is_optional`: the header may lack the column; then it is null in every record
- `is_check_only`: the column is compared with the currency of the run and then left out
- `person`: `customer` is a customer's id, `name` the name of the customer in the same record, `words` free text in
  which either may stand; what a customer who is forgotten leaves in them is exchanged (`forgetting`)

A timestamp is the wall-clock time of the store, as delivered, and never converted.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import dataframely as dy
import polars as pl

from flows.lake.time_zones import time_zone_names

# The most frequent one first: only a file that has others pays for them.
TIMESTAMP_FORMATS = tuple(f"%Y-%m-%d{mark}%H:%M{rest}" for mark in "T " for rest in (":%S", ":%S%.6f", ""))
MAX_CENTS = 10**15  # ten trillion dollars: far above any amount, far below what a sum of BIGINT can hold
MAX_UNITS = 10**12


@dataclass(frozen=True)
class Rule:
    """A condition over several columns of one record; `column` is the one a person would look at first."""

    column: str
    code: str
    holds: pl.Expr
    description: str


@dataclass(frozen=True, eq=False)
class Contract:
    """What a record of `table` must look like: its columns (a dataframely schema) and its rules.

    Of an optional table no file need ever come. `history` says which rows the warehouse keeps when a file is delivered
    again and replaces them: none, all, those whose key is delivered no more (vanished), or those whose key was given to
    something else (reused). `identity` are columns that no correction changes: a record with the same key and others of
    these is another thing. A contract is equal to itself only, for expressions cannot be compared.
    """

    table: str
    schema: type[dy.Schema]
    rules: tuple[Rule, ...] = ()
    is_optional: bool = False
    history: Literal["none", "all", "vanished", "reused"] = "none"
    identity: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, dy.Column]:
        """Column name → declaration of what is stored, in the order of the CSV header."""
        return {name: column for name, column in self.schema.columns().items() if not _is(column, "is_check_only")}

    @property
    def check_only(self) -> list[str]:
        """The columns that a file may have, but that are only compared with the currency of the run."""
        return [name for name, column in self.schema.columns().items() if _is(column, "is_check_only")]

    @property
    def required(self) -> list[str]:
        """The columns that no header may lack, in the order of the CSV header."""
        return [name for name, column in self.columns.items() if not _is(column, "is_optional")]

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """Column name → polars dtype of what is stored, in the order of the CSV header."""
        return {name: column.dtype for name, column in self.columns.items()}

    @property
    def key(self) -> list[str]:
        """The columns that identify a record once staging has kept the newest version."""
        return self.schema.primary_key()

    def columns_of(self, person: Literal["customer", "name", "words"]) -> list[str]:
        """The columns with that `person` in their metadata."""
        return [name for name, column in self.columns.items() if (column.metadata or {}).get("person") == person]

    @property
    def has_people(self) -> bool:
        """Whether a record may name a customer."""
        return any((column.metadata or {}).get("person") for column in self.columns.values())

    @property
    def description(self) -> str:
        """What the table holds: the first line of the schema's docstring."""
        return (self.schema.__doc__ or self.table).strip().splitlines()[0]


def _is(column: dy.Column, flag: str) -> bool:
    return bool((column.metadata or {}).get(flag))


def _identifier(description: str, *, key: bool = False, nullable: bool = False, **person: str) -> dy.String:
    """An opaque id: text of 1 to 64 bytes."""
    return dy.String(
        nullable=nullable, primary_key=key, min_length=1, max_length=64, metadata=person, description=description
    )


def _name(description: str, max_bytes: int = 256, *, nullable: bool = False, **person: str) -> dy.String:
    return dy.String(nullable=nullable, min_length=1, max_length=max_bytes, metadata=person, description=description)


def _cents(description: str) -> dy.Int64:
    """An amount of money: a whole number of cents, never negative."""
    return dy.Int64(nullable=False, min=0, max=MAX_CENTS, metadata={"unit": "cents"}, description=description)


def _units(description: str) -> dy.Int64:
    """A whole number of units, never negative."""
    return dy.Int64(nullable=False, min=0, max=MAX_UNITS, metadata={"unit": "units"}, description=description)


def _timestamp(description: str, *, key: bool = False, **zone: str) -> dy.Datetime:
    """A naive timestamp of microseconds: what the clock in the store showed.

    Where the time zone is found if the time is delivered in UTC: `zone_column` or `store_column`, or nowhere.
    """
    metadata: dict[str, Any] = {"unit": "store's local time", "formats": TIMESTAMP_FORMATS, **zone}
    return dy.Datetime(nullable=False, primary_key=key, time_unit="us", metadata=metadata, description=description)


def _time_zone(description: str) -> dy.String:
    """The IANA name of a time zone; a file may lack the column."""
    return dy.String(
        nullable=True,
        max_length=64,
        check={"not_time_zone": lambda name: name.is_in(time_zone_names())},
        metadata={"is_optional": True},
        description=description,
    )


def _currency() -> dy.String:
    """The currency of a record's amounts; a file may lack the column, and it is not stored."""
    metadata = {"is_optional": True, "is_check_only": True}
    return dy.String(nullable=True, metadata=metadata, description="Currency of the amounts; RETAIL_CURRENCY or empty.")


class RawCustomers(dy.Schema):
    """One row per customer record as delivered."""

    id = _identifier("The customer.", key=True, person="customer")
    name = _name("Full name.", person="name")


class RawOrders(dy.Schema):
    """One row per order record as delivered."""

    id = _identifier("The order.", key=True)
    customer = _identifier("The customer who ordered: raw_customers.id.", person="customer")
    ordered_at = _timestamp("When the order was placed, local time of the store.", store_column="store_id")
    store_id = _identifier("The store that took the order: raw_stores.id.")
    subtotal = _cents("Sum of the prices of the items, before tax, in cents.")
    tax_paid = _cents("Tax on the subtotal, in cents.")
    order_total = _cents("Subtotal plus tax, in cents.")
    currency = _currency()


class RawItems(dy.Schema):
    """One row per item record as delivered: one unit of one product in one order."""

    id = _identifier("The item.", key=True)
    order_id = _identifier("The order it belongs to: raw_orders.id.")
    sku = _identifier("The product sold: raw_products.sku.")


class RawProducts(dy.Schema):
    """One row per product record as delivered."""

    sku = _identifier("The product.", key=True)
    name = _name("Name on the menu.")
    type = _name("Product category, in the shop's own words.", 64)
    price = _cents("Price of one unit, before tax, in cents.")
    description = _name("Description on the menu.", 1024, nullable=True)
    currency = _currency()


class RawStores(dy.Schema):
    """One row per store record as delivered."""

    id = _identifier("The store.", key=True)
    name = _name("Name of the store.")
    opened_at = _timestamp("When the store opened, its local time.", zone_column="time_zone")
    tax_rate = dy.Decimal(
        precision=9,
        scale=6,
        nullable=False,
        min=Decimal(0),
        max=Decimal(1),
        metadata={"unit": "ratio"},
        description="Sales tax as a ratio of the subtotal, 0 to 1.",
    )
    time_zone = _time_zone("Time zone of the store, an IANA name such as America/New_York; null if not delivered.")


class RawSupplies(dy.Schema):
    """One row per supply of a product, as delivered; the same supply serves several products."""

    id = _identifier("The supply; repeats across products.", key=True)
    name = _name("Name of the supply.")
    cost = _cents("Cost of the supply for one unit of the product, in cents.")
    perishable = dy.Bool(nullable=False, description="Whether the supply spoils.")
    sku = _identifier("The product it goes into: raw_products.sku.", key=True)
    currency = _currency()


class RawRefunds(dy.Schema):
    """One row per refund record as delivered: money given back for an item, or for an order as a whole."""

    id = _identifier("The refund.", key=True)
    order_id = _identifier("The order it belongs to: raw_orders.id.")
    item_id = _identifier("The item it is for: raw_items.id; null if it is for the order as a whole.", nullable=True)
    refunded_at = _timestamp("When the money was given back, local time of the store.")
    amount = _cents("What was given back, before tax, in cents.")
    tax_amount = _cents("Tax given back, in cents.")
    reason = _name("Why, in the words of the store; may be null.", nullable=True, person="words")
    currency = _currency()


class RawStockCounts(dy.Schema):
    """One row per count of a supply in a store, as delivered."""

    store_id = _identifier("The store that counted: raw_stores.id.", key=True)
    supply_id = _identifier("The supply: raw_supplies.id.", key=True)
    counted_at = _timestamp("When it was counted, local time of the store.", key=True, store_column="store_id")
    unit_count = _units("How many units were there; one unit is what one item needs.")


_TOTAL_IS_SUM = Rule(
    column="order_total",
    code="sum_mismatch",
    holds=pl.col("order_total") == pl.col("subtotal") + pl.col("tax_paid"),
    description="order_total is subtotal plus tax_paid",
)

CONTRACTS: dict[str, Contract] = {
    contract.table: contract
    for contract in (
        Contract("raw_customers", RawCustomers, history="vanished"),
        Contract(
            "raw_orders",
            RawOrders,
            (_TOTAL_IS_SUM,),
            history="reused",
            identity=("customer", "store_id", "ordered_at"),
        ),
        Contract("raw_items", RawItems, history="reused", identity=("order_id",)),
        Contract("raw_products", RawProducts, history="all"),
        Contract("raw_stores", RawStores, history="all"),
        Contract("raw_supplies", RawSupplies, history="all"),
        Contract("raw_refunds", RawRefunds, is_optional=True, history="reused", identity=("order_id",)),
        Contract("raw_stock_counts", RawStockCounts, is_optional=True),
    )
}
