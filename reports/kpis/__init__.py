"""The five KPIs in the order of the page; `KPIS` is what the flow, the page and the notebook go by."""

from __future__ import annotations

from reports.kpis.average_order_per_store import AVERAGE_ORDER_PER_STORE
from reports.kpis.kpi import MONEY, Column, Kpi, check_frame, last_year_start
from reports.kpis.revenue_by_class import REVENUE_BY_CLASS
from reports.kpis.sales_by_category import SALES_BY_CATEGORY
from reports.kpis.sales_per_customer import SALES_PER_CUSTOMER
from reports.kpis.tax_ratio import TAX_RATIO

__all__ = ["KPIS", "MONEY", "Column", "Kpi", "check_frame", "last_year_start"]

KPIS: dict[str, Kpi] = {
    kpi.name: kpi
    for kpi in (SALES_PER_CUSTOMER, AVERAGE_ORDER_PER_STORE, SALES_BY_CATEGORY, TAX_RATIO, REVENUE_BY_CLASS)
}
