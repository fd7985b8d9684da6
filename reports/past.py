"""What was delivered after a past day and changed its numbers, counted in the warehouse; sentences for the page out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reports.doubts import EVERYTHING, PRODUCTS, SET_ASIDE, Doubt
from reports.formats import format_date, format_integer, format_money
from reports.languages import capitalize, mark, tr

LATE = mark("They are in these numbers; on that day they were not there yet.")
CORRECTED = mark("The later record counts; on that day the earlier one did.")
REWRITTEN = mark("What these files held on that day is not kept, so nobody can say which of these records are new.")
RENAMED = mark("Numbers are shown under the names and categories of today.")


@dataclass(frozen=True)
class Kind:
    """What changed, in words; `doubt` is what that does to which numbers."""

    name: str
    doubt: Doubt


CHANGES: dict[tuple[str, str], Kind] = {
    ("orders", "late"): Kind(mark("orders that came later"), Doubt(LATE, SET_ASIDE["raw_orders"])),
    ("orders", "corrected"): Kind(mark("orders corrected later"), Doubt(CORRECTED, SET_ASIDE["raw_orders"])),
    ("orders", "rewritten"): Kind(mark("orders in files delivered anew"), Doubt(REWRITTEN, SET_ASIDE["raw_orders"])),
    ("items", "late"): Kind(mark("items that came later"), Doubt(LATE, SET_ASIDE["raw_items"])),
    ("items", "corrected"): Kind(mark("items corrected later"), Doubt(CORRECTED, SET_ASIDE["raw_items"])),
    ("items", "rewritten"): Kind(mark("items in files delivered anew"), Doubt(REWRITTEN, SET_ASIDE["raw_items"])),
    ("refunds", "late"): Kind(mark("refunds that came later"), Doubt(LATE, SET_ASIDE["raw_refunds"])),
    ("refunds", "corrected"): Kind(mark("refunds corrected later"), Doubt(CORRECTED, SET_ASIDE["raw_refunds"])),
    ("refunds", "rewritten"): Kind(mark("refunds in files delivered anew"), Doubt(REWRITTEN, SET_ASIDE["raw_refunds"])),
    ("stock_counts", "late"): Kind(mark("stock counts that came later"), Doubt(LATE, SET_ASIDE["raw_stock_counts"])),
    ("stock_counts", "corrected"): Kind(
        mark("stock counts corrected later"), Doubt(CORRECTED, SET_ASIDE["raw_stock_counts"])
    ),
    ("stock_counts", "rewritten"): Kind(
        mark("stock counts in files delivered anew"), Doubt(REWRITTEN, SET_ASIDE["raw_stock_counts"])
    ),
    ("products", "late"): Kind(mark("products or prices that came later"), Doubt(LATE, SET_ASIDE["raw_products"])),
    ("supplies", "late"): Kind(mark("supplies or costs that came later"), Doubt(LATE, SET_ASIDE["raw_supplies"])),
    ("stores", "late"): Kind(mark("stores or tax rates that came later"), Doubt(LATE, SET_ASIDE["raw_stores"])),
    ("products", "renamed"): Kind(mark("products with another name or category since"), Doubt(RENAMED, PRODUCTS)),
    ("stores", "renamed"): Kind(mark("stores with another name or opening since"), Doubt(RENAMED)),
    ("supplies", "renamed"): Kind(mark("supplies with another name since"), Doubt(RENAMED)),
    ("customers", "renamed"): Kind(mark("customers with another name since"), Doubt(RENAMED)),
    ("files", "gone"): Kind(
        mark("files that had come and are not loaded"),
        Doubt(
            mark("Their records are not in these numbers; on that day they were, if the files were good."), EVERYTHING
        ),
    ),
}
WITH_AMOUNT = ("orders", "refunds")


@dataclass(frozen=True)
class Change:
    """How many records of a table were changed how since the day; `amount_usd` is what they add to its sum."""

    table: str
    change: str
    count: int
    amount_usd: Decimal = Decimal(0)

    @property
    def kind(self) -> Kind:
        """What it is in words, and which numbers it touches."""
        return CHANGES[self.table, self.change]

    @property
    def effect(self) -> str:
        """What it does to the numbers, in the reader's language."""
        return tr(self.kind.doubt.effect)

    @property
    def phrase(self) -> str:
        """E.g. `orders that came later: 3 ($12.30)`; files delivered anew have no amount that could be compared."""
        said = {"finding": tr(self.kind.name), "count": format_integer(self.count)}
        if self.table not in WITH_AMOUNT or self.change == "rewritten":
            return tr("{finding}: {count}", **said)
        return tr("{finding}: {count} ({amount})", amount=format_money(self.amount_usd), **said)

    @property
    def sentence(self) -> str:
        """The phrase as a sentence."""
        return f"{capitalize(self.phrase)}."


def write_past(changes: Sequence[Change] | None, as_of: date) -> str:
    """Whether the report of a past day still has the numbers that it had; empty where the day is not past (None)."""
    if changes is None:
        return ""
    day = format_date(as_of)
    if not changes:
        return tr("This is a past day, {day}. Nothing that was delivered since changes its numbers.", day=day)
    told = "; ".join(change.phrase for change in changes)
    return tr("What was delivered since has changed the days up to {day}: {changes}.", day=day, changes=told)


def changes_at(kpi: str, changes: Sequence[Change] | None) -> tuple[str, ...]:
    """The sentences that stand beside a KPI's number."""
    return tuple(change.sentence for change in changes or () if kpi in change.kind.doubt.kpis)
