"""Who bought how much in the last year: one row a customer with orders in that year."""

from __future__ import annotations

import polars as pl
from plotnine import ggplot

from reports.charts.bars import add_bars, add_labels
from reports.charts.canvas import Scale, Words, draw_canvas, draw_nothing
from reports.charts.layout import WIDE, Layout
from reports.formats import Format, amount_and_share, format_compact, format_money, format_value
from reports.kpis.kpi import Column, Kpi
from reports.languages import join_sentences, mark, tr, tr_many
from reports.names import chart_name, sentence_text

TOP = 15


def write_headline(frame: pl.DataFrame) -> str:
    """The biggest buyer and what share of the sales that is."""
    best = frame.sort("net_sales_usd", descending=True, maintain_order=True).head(2).rows(named=True)
    if not best or best[0]["net_sales_usd"] <= 0:
        return tr("No customer bought anything in the last year.")
    first, is_tied = best[0], len(best) > 1 and best[0]["net_sales_usd"] == best[1]["net_sales_usd"]
    said = {
        "customer": sentence_text(first["customer_name"]),
        "amount": format_money(first["net_sales_usd"]),
        "orders": tr_many("{count} order", "{count} orders", first["order_count"]),
        "share": format_value(first["share_of_net_sales_ratio"], Format.SHARE),
    }
    if is_tied:
        return tr(
            "{customer} is among those who bought most: {amount} net in {orders}, {share} of the last year's net "
            "sales.",
            **said,
        )
    return tr("{customer} bought most: {amount} net in {orders}, {share} of the last year's net sales.", **said)


def draw_chart(frame: pl.DataFrame, layout: Layout = WIDE) -> ggplot:
    """The biggest customers, numbered, with net sales and share."""
    top = frame.sort("net_sales_usd", descending=True, maintain_order=True).head(layout.rows(TOP))
    ordered = tr_many("{count} customer ordered.", "{count} customers ordered.", frame.height)
    words = Words(
        title=tr("The {count} biggest customers of the last year", count=top.height)
        if top.height > 1
        else tr("Customers of the last year"),
        subtitle=join_sentences(
            tr("Net sales, before tax, and the share of the last year's net sales."), ordered if frame.height else ""
        ),
        axis=tr("Net sales of the last year, {money}"),
    )
    if top.is_empty():
        return draw_nothing(words, layout, tr("No orders in the last year"))
    values = top["net_sales_usd"].cast(pl.Float64).to_list()
    rows = top.rows(named=True)
    names = [chart_name(row["customer_name"], row["customer_id"]) for row in rows]
    ranked = [f"{rank}. {name}" for rank, name in enumerate(names, start=1)]
    texts = [amount_and_share(row["net_sales_usd"], row["share_of_net_sales_ratio"]) for row in rows]
    scale = Scale(values, format_compact, texts)
    return draw_canvas(ranked, words, scale, layout) + add_bars(values, layout) + add_labels(values, texts, layout)


SALES_PER_CUSTOMER = Kpi(
    name="sales_per_customer",
    title=mark("Sales per customer"),
    question=mark("Who bought how much over the last year?"),
    definition=mark(
        "All customers with at least one order in the last year, the biggest first. Net sales are the orders' "
        "subtotals, before tax; gross sales are what was paid, tax included. The share is the customer's part of the "
        "net sales of all customers in that year."
    ),
    chart_shows=mark("Bar chart of the customers with the highest net sales of the last year, with amount and share."),
    columns=(
        Column("customer_id", "Customer id", Format.ID),
        Column("customer_name", "Customer", Format.NAME),
        Column("order_count", "Orders", Format.INTEGER),
        Column("net_sales_usd", "Net sales ({currency})", Format.USD),
        Column("gross_sales_usd", "Gross sales ({currency})", Format.USD, on_paper=False),
        Column("share_of_net_sales_ratio", "Share of last year's net sales", Format.SHARE),
    ),
    totals=("order_count", "net_sales_usd", "gross_sales_usd"),
    headline=write_headline,
    chart=draw_chart,
)
