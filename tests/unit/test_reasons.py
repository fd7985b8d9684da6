"""What a reason says of a value is what the profile of its shop asks for, and without one what the contract does."""

from __future__ import annotations

import pytest

from flows.lake.amounts import Marks
from flows.lake.contracts import CONTRACTS
from flows.lake.forms import SHIPPED_FORM, Form, adapt
from flows.lake.reasons import describe_reason
from flows.lake.values import VALUE_CODES

GERMAN = Form(marks=Marks(",", ".", 2, " €"), timestamps=("%d.%m.%Y",), yes=("ja",), no=("nein",))


@pytest.mark.parametrize(
    ("table", "reason", "said"),
    [
        ("raw_orders", "subtotal:not_integer", "not a plain amount as 1.234,56 € or 1234,56, of at most two decimals"),
        ("raw_stock_counts", "unit_count:not_integer", "not a plain whole number as 1.234 or 1234"),
        ("raw_stores", "tax_rate:not_decimal", "not a plain decimal number as 0,0725, of at most 6 decimals"),
        ("raw_stores", "opened_at:not_timestamp", "not a timestamp as %d.%m.%Y, or not a date of the calendar"),
        ("raw_supplies", "perishable:not_boolean", "not one of ja, nein"),
        ("raw_orders", "subtotal:below_min", VALUE_CODES["below_min"]),
        ("raw_orders", "record:field_count", ""),
    ],
)
def test_reason_of_a_form_says_how_values_are_written_in_it(table: str, reason: str, said: str) -> None:
    assert describe_reason(adapt(CONTRACTS[table], GERMAN), reason) == said


@pytest.mark.parametrize("code", sorted(VALUE_CODES.keys() - {"utc_needs_time_zone"}))
def test_reason_of_the_shipped_form_says_what_the_documentation_has(code: str) -> None:
    for contract in CONTRACTS.values():
        for column in contract.columns:
            assert describe_reason(adapt(contract, SHIPPED_FORM), f"{column}:{code}") == VALUE_CODES[code]
