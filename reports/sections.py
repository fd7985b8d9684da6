"""The order of the page: its headings with their KPIs, the five questions it began with, what changes a number."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reports.kpis import KPIS, PLAIN, Kpi
from reports.languages import mark


@dataclass(frozen=True)
class Heading:
    """A part of the page; `key` is its place in the page's address, `names` are its KPIs in their order."""

    key: str
    title: str
    names: tuple[str, ...]

    @property
    def kpis(self) -> tuple[Kpi, ...]:
        """The KPIs themselves."""
        return tuple(KPIS[name] for name in self.names)


_HEADINGS = (
    Heading("sales", mark("Sales over time"), ("rolling_year", "sales_by_month")),
    Heading("stores", mark("Stores"), ("store_performance",)),
    Heading("hours", mark("Hours"), ("sales_by_weekday_hour",)),
    Heading("orders", mark("Average order"), ("average_order_comparison", "average_order_per_store")),
    Heading(
        "products", mark("Categories, products and margin"), ("sales_by_category", "product_margin", "price_guide")
    ),
    Heading("supplies", mark("Perishables and supply use"), ("supply_usage", "stock_cover")),
    Heading("reorder", mark("What to order"), ("reorder_suggestions",)),
    Heading("pairs", mark("Bought together"), ("product_affinity",)),
    Heading(
        "customers",
        mark("Customers and classes"),
        ("revenue_by_class", "sales_per_customer", "customer_classes_by_month", "repeat_purchase"),
    ),
    Heading("tax", mark("Tax"), ("tax_ratio", "tax_rounding")),
)
HEADINGS = tuple(
    replace(heading, names=(*heading.names, *(kpi.name for kpi in PLAIN if kpi.heading == heading.key)))
    for heading in _HEADINGS
)
FIVE = ("sales_per_customer", "average_order_per_store", "sales_by_category", "tax_ratio", "revenue_by_class")
CHANGES_WITH = dict.fromkeys(KPIS, mark("Records that come late or are corrected.")) | {
    "rolling_year": mark(
        "Orders of the last 24 months that come late or are corrected, and a store's first order, which decides "
        "whether it was open in both years."
    ),
    "sales_by_month": mark("Orders of the month, or of the same month a year before, that come late or are corrected."),
    "store_performance": mark("Late or corrected orders, recipes and costs, and the first order of a store."),
    "sales_by_weekday_hour": mark("The tills' clocks: an hour is the store's own time as delivered."),
    "average_order_comparison": mark("Items that come late: an order without items is left out until it has some."),
    "average_order_per_store": mark("Items and orders that come late; an order without items counts as 0 until then."),
    "sales_by_category": mark(
        "A product that moves to another category takes all its past sales with it; discounts are not taken off."
    ),
    "product_margin": mark("A new price, recipe or cost counts from its day on; a corrected one also before."),
    "price_guide": mark("A new price, recipe or cost, and the margin that is wanted (target_margin_ratio)."),
    "supply_usage": mark("Recipes: one unit is counted for every item sold whose recipe of the day holds the supply."),
    "stock_cover": mark(
        "A newer count, the use of the last 28 open days, and the lead times delivered with the supplies."
    ),
    "reorder_suggestions": mark(
        "A newer count, what was used since, recipes, lead times and shelf lives; a report of a day for which the "
        "tables were not built has none."
    ),
    "product_affinity": mark(
        "Orders that enter and leave the last year, and from how many orders on a pair is shown (min_affinity_orders); "
        "a report of a day for which the tables were not built has none."
    ),
    "revenue_by_class": mark(
        "The thresholds of the classes (dbt/seeds/customers_status.csv, or the source profile), and each order that "
        "leaves the last year."
    ),
    "sales_per_customer": mark(
        "Orders that enter and leave the last year; one person with two customer ids counts twice."
    ),
    "customer_classes_by_month": mark("The thresholds of the classes; a change of them changes every month."),
    "repeat_purchase": mark("An older order that comes late moves its customer to an earlier month."),
    "tax_ratio": mark("The rates that the stores declare, from the day they hold."),
    "tax_rounding": mark("The rates that the stores declare; orders of no known rate are left out."),
}
