"""What is known to be wrong in the data, and which KPIs it touches: a note beside each number that it makes doubtful.

Findings are named by the tests of the dbt project that only warn (`warn_orders_of_unknown_stores` finds `orders of
unknown stores`); records set aside are named by their table. A test holds that every one of them is declared here, and
with those KPIs whose queries read a column of the marts that it makes doubtful, as dbt's manifest has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reports.formats import format_integer, format_money
from reports.languages import capitalize, mark, tr, tr_many

YEARS = ("rolling_year", "sales_by_month", "store_performance")
SALES = (*YEARS, "sales_by_weekday_hour", "average_order_comparison", "average_order_per_store")
CUSTOMERS = ("revenue_by_class", "sales_per_customer", "customer_classes_by_month", "repeat_purchase")
PRODUCTS = ("sales_by_category", "product_margin", "price_guide")
TAX = ("tax_ratio", "tax_rounding")
MARGIN = ("rolling_year", "store_performance", "product_margin")
SUPPLIES = ("supply_usage", "stock_cover", "reorder_suggestions")
PAIRS = "product_affinity"
ITEMS = (*PRODUCTS, *SUPPLIES, PAIRS)  # what counts items, or the supplies that they use
COSTS = (*MARGIN, "price_guide", "supply_usage")
BY_CUSTOMER = (*CUSTOMERS, "rolling_year", "store_performance", "average_order_comparison")
BY_STORE = (
    *("rolling_year", "store_performance", "sales_by_weekday_hour", "average_order_comparison"),
    *("average_order_per_store", *SUPPLIES, *TAX),
)
EVERYTHING = (*SALES, *CUSTOMERS, *PRODUCTS, *SUPPLIES, PAIRS, *TAX)
REFUNDS = ("sales_by_month", "store_performance", "revenue_by_class")


@dataclass(frozen=True)
class Doubt:
    """`effect` says what the finding does to the numbers; `kpis` are those it touches, none if it needs no note."""

    effect: str
    kpis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What a test that only warns counted in the build behind the page; `amount_usd` is None where it tells none."""

    name: str
    count: int
    amount_usd: Decimal | None = None

    @property
    def effect(self) -> str:
        """What it does to the numbers, in the reader's language."""
        return tr(doubt_of(self.name).effect)

    @property
    def sentence(self) -> str:
        """E.g. `Orders of unknown stores: 3 ($12.30).`"""
        said = {"finding": capitalize(tr(self.name)), "count": format_integer(self.count)}
        if self.amount_usd is None:
            return tr("{finding}: {count}.", **said)
        return tr("{finding}: {count} ({amount}).", amount=format_money(self.amount_usd), **said)


DOUBTS = {
    mark("days of unusual volume"): Doubt(
        mark("A delivery may be missing, cut short or doubled; sales of these days are then too low or too high."),
        EVERYTHING,
    ),
    mark("orders before store opening"): Doubt(
        mark(
            "They count on the day they are dated; the store's opening or the date is wrong, and with it which stores "
            "were open in both years."
        ),
        YEARS,
    ),
    mark("orders dated after delivery"): Doubt(
        mark(
            "They do not move the report date, and count only from their own date on; with the right date they would "
            "add to an earlier period."
        ),
        EVERYTHING,
    ),
    mark("orders far after the others"): Doubt(
        mark(
            "They follow a long silence of all stores. The report date moves to them, so that the last year holds "
            "little else; if their dates are wrong, ask for the last day before the silence (--as-of). If they are "
            "right, deliveries are missing."
        ),
        EVERYTHING,
    ),
    mark("orders of unexplained sales"): Doubt(
        mark(
            "Their subtotal is above the prices of their items, so an item is missing or a price is wrong; categories "
            "and products then have too little, and margin too much."
        ),
        (*ITEMS, *MARGIN[:2]),
    ),
    mark("orders of unexplained tax"): Doubt(
        mark("Their tax differs from the store's rate by more than a cent; the effective rate moves with them."),
        (*TAX, "store_performance"),
    ),
    mark("refunds above their order"): Doubt(
        mark("More was given back than had been paid; refunds are shown too high if that is a mistake."), REFUNDS
    ),
    mark("supplies of two costs"): Doubt(
        mark("The cost of a supply depends on the product; margins follow it."), COSTS
    ),
    mark("supplies perishable and not"): Doubt(
        mark("The share of perishables and the shelf lives depend on which product is right."),
        ("product_margin", *SUPPLIES),
    ),
    mark("orders of reused ids"): Doubt(
        mark(
            "A newer order with another customer, store or time bears their id. The newest counts, these count "
            "nowhere: sales are too low unless it is a correction. Give each order an id of its own."
        ),
        EVERYTHING,
    ),
    mark("items of reused ids"): Doubt(
        mark(
            "A newer item of another order bears their id and counts in their place; the order they came with lacks "
            "them."
        ),
        (*ITEMS, *MARGIN[:2]),
    ),
    mark("refunds of reused ids"): Doubt(
        mark("A newer refund of another order bears their id and counts in their place; refunds are too low."), REFUNDS
    ),
    mark("orders of unknown customers"): Doubt(
        mark("They count in all sales, and stand under (unknown customer) until the customers are delivered."),
        BY_CUSTOMER,
    ),
    mark("orders of unknown stores"): Doubt(
        mark("They count in all sales, and in those of no known store until the stores are delivered."), BY_STORE
    ),
    mark("items of unknown orders"): Doubt(
        mark(
            "They have neither day nor store and are left out of products and supplies until their orders are "
            "delivered."
        ),
        ITEMS,
    ),
    mark("items of unknown products"): Doubt(
        mark("They have neither price nor cost: categories have too little, and margin is too high."),
        (*ITEMS, *MARGIN[:2]),
    ),
    mark("refunds of unknown orders"): Doubt(
        mark("They belong to no store until their orders are delivered."), REFUNDS
    ),
    mark("supplies of unknown products"): Doubt(
        mark("They are part of no recipe; costs are too low if a product is missing.")
    ),
    mark("stock counts of unknown stores"): Doubt(
        mark("They stand under an unknown store."), ("stock_cover", "reorder_suggestions")
    ),
    mark("stock counts of unknown supplies"): Doubt(
        mark("They stand under an unknown supply."), ("stock_cover", "reorder_suggestions")
    ),
    **dict.fromkeys(
        (
            mark("superseded orders"),
            mark("superseded items"),
            mark("superseded refunds"),
            mark("superseded stock counts"),
        ),
        Doubt(mark("A later delivery replaced these records; each counts once.")),
    ),
}
SET_ASIDE = {
    "raw_orders": EVERYTHING,
    "raw_items": (*ITEMS, *MARGIN[:2]),
    "raw_customers": BY_CUSTOMER,
    "raw_products": (*ITEMS, *MARGIN[:2]),
    "raw_stores": BY_STORE,
    "raw_supplies": (*MARGIN, *SUPPLIES, "price_guide"),
    "raw_refunds": REFUNDS,
    "raw_stock_counts": ("stock_cover", "reorder_suggestions"),
}
_NOT_DECLARED = Doubt(mark("What it changes is not known."), EVERYTHING)


def doubt_of(finding: str) -> Doubt:
    """What a finding does; one of a project's own tests that is not declared here touches every number."""
    return DOUBTS.get(finding, _NOT_DECLARED)


def notes_at(kpi: str, findings: Iterable[Finding], set_aside: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """The sentences that stand beside a KPI's number; `set_aside` are the tables with their records in quarantine."""
    told = [finding.sentence for finding in findings if finding.count and _touches(doubt_of(finding.name).kpis, kpi)]
    lost = [
        tr_many("{count} record of {table} set aside.", "{count} records of {table} set aside.", count, table=table)
        for table, count in set_aside
        if count and _touches(SET_ASIDE.get(table, _NOT_DECLARED.kpis), kpi)
    ]
    return (*told, *lost)


def _touches(kpis: Sequence[str], kpi: str) -> bool:
    """A KPI that nobody declared here is touched by all that touches any."""
    return kpi in kpis or (bool(kpis) and kpi not in EVERYTHING)
