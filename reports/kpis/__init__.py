"""The KPIs in the order of the page, plain ones last; `KPIS` is what flow, page and notebook go by."""

from __future__ import annotations

from reports.kpis.average_order_comparison import AVERAGE_ORDER_COMPARISON
from reports.kpis.average_order_per_store import AVERAGE_ORDER_PER_STORE
from reports.kpis.customer_classes_by_month import CUSTOMER_CLASSES_BY_MONTH
from reports.kpis.kpi import MONEY, Column, Kpi, check_frame, last_year_start
from reports.kpis.plain import PLAIN
from reports.kpis.price_guide import PRICE_GUIDE
from reports.kpis.product_affinity import PRODUCT_AFFINITY
from reports.kpis.product_margin import PRODUCT_MARGIN
from reports.kpis.reorder_suggestions import REORDER_SUGGESTIONS
from reports.kpis.repeat_purchase import REPEAT_PURCHASE
from reports.kpis.revenue_by_class import REVENUE_BY_CLASS
from reports.kpis.rolling_year import ROLLING_YEAR
from reports.kpis.sales_by_category import SALES_BY_CATEGORY
from reports.kpis.sales_by_month import SALES_BY_MONTH
from reports.kpis.sales_by_weekday_hour import SALES_BY_WEEKDAY_HOUR
from reports.kpis.sales_per_customer import SALES_PER_CUSTOMER
from reports.kpis.stock_cover import STOCK_COVER
from reports.kpis.store_performance import STORE_PERFORMANCE
from reports.kpis.supply_usage import SUPPLY_USAGE
from reports.kpis.tax_ratio import TAX_RATIO
from reports.kpis.tax_rounding import TAX_ROUNDING

__all__ = ["KPIS", "MONEY", "PLAIN", "Column", "Kpi", "check_frame", "last_year_start"]

KPIS: dict[str, Kpi] = {
    kpi.name: kpi
    for kpi in (
        ROLLING_YEAR,
        SALES_BY_MONTH,
        STORE_PERFORMANCE,
        SALES_BY_WEEKDAY_HOUR,
        AVERAGE_ORDER_COMPARISON,
        AVERAGE_ORDER_PER_STORE,
        SALES_BY_CATEGORY,
        PRODUCT_MARGIN,
        PRICE_GUIDE,
        SUPPLY_USAGE,
        STOCK_COVER,
        REORDER_SUGGESTIONS,
        PRODUCT_AFFINITY,
        REVENUE_BY_CLASS,
        SALES_PER_CUSTOMER,
        CUSTOMER_CLASSES_BY_MONTH,
        REPEAT_PURCHASE,
        TAX_RATIO,
        TAX_ROUNDING,
        *PLAIN,
    )
}
