"""Whether customers come back: one row a month of first orders and months since."""

from __future__ import annotations

import polars as pl
from plotnine import ggplot

from reports.charts.canvas import Words, draw_nothing, tell_newest
from reports.charts.layout import WIDE, Layout
from reports.charts.tiles import Tile, draw_tiles
from reports.formats import Format, format_month, format_share, format_whole_share
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many

COHORTS, NARROW_COHORTS, MONTHS_SINCE = 18, 12, 12


def write_headline(frame: pl.DataFrame) -> str:
    """How many of the newest customers who have had a whole second month ordered in it."""
    followed = frame.filter(pl.col("months_since_first_count") >= 2)["cohort_month_start_date"]  # noqa: PLR2004
    second = frame.filter(
        pl.col("cohort_month_start_date").is_in(followed.to_list()) & (pl.col("months_since_first_count") == 1)
    ).sort("cohort_month_start_date")
    if second.is_empty():
        return tr("No customer's second month is over yet.")
    row = second.rows(named=True)[-1]
    return tr(
        "Of those who first ordered in {month}, {share} ordered again in the month after: {customers}.",
        month=format_month(row["cohort_month_start_date"]),
        share=format_share(row["share_of_cohort_ratio"] or 0.0),
        customers=tr_many("{count} customer", "{count} customers", row["customer_count"]),
    )


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """A row a month of first orders, a column a month since; the darker, the more came back."""
    known = frame.filter(pl.col("months_since_first_count").is_between(0, MONTHS_SINCE))
    cohorts = known["cohort_month_start_date"].unique().sort()
    newest = cohorts.tail(layout.rows(COHORTS, NARROW_COHORTS)).to_list()
    words = Words(
        title=tr("Customers who came back"),
        subtitle=join_sentences(
            tr("Share of those who first ordered in a month, by the months since."),
            tell_newest(len(newest), cohorts.len()),
        ),
        axis=tr("Months since the first order's month"),
    )
    rows = [row for row in known.iter_rows(named=True) if row["cohort_month_start_date"] in newest]
    if not any(row["months_since_first_count"] for row in rows):
        return draw_nothing(words, layout, tr("No customer's first month is over yet"))
    tiles = [
        Tile(
            row=newest.index(row["cohort_month_start_date"]),
            column=row["months_since_first_count"],
            shade=row["share_of_cohort_ratio"] or 0.0,
            text=format_whole_share(row["share_of_cohort_ratio"] or 0.0),
        )
        for row in rows
    ]
    columns = [str(number) for number in range(max(tile.column for tile in tiles) + 1)]
    return draw_tiles([format_month(day) for day in newest], columns, tiles, words, layout)


REPEAT_PURCHASE = Kpi(
    name="repeat_purchase",
    title=mark("Repeat purchases"),
    question=mark("Do new customers come back?"),
    definition=mark(
        "Customers by the calendar month of their first order, and how many ordered in each month since; month 0 is "
        "the first one, so its share is 100%. The last month may be in progress. Net sales are those of the customers "
        "in that month."
    ),
    chart_shows=mark("Grid of the months of first orders and the months since, darker where more customers came back."),
    columns=(
        Column("cohort_month_start_date", "First ordered in", Format.MONTH),
        Column("months_since_first_count", "Months since", Format.INTEGER),
        Column("customer_count", "Customers who ordered", Format.INTEGER),
        Column("share_of_cohort_ratio", "Share of those customers", Format.SHARE),
        Column("net_sales_usd", "Net sales ({currency})", Format.USD),
    ),
    printed_rows=0,
    headline=write_headline,
    chart=draw_chart,
)
