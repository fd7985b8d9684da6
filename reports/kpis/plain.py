"""KPIs that need no words or chart of their own: a query in `dbt/analysis`, an entry here (docs/adding-a-kpi.md)."""

from __future__ import annotations

from reports.kpis.kpi import Kpi, named_column
from reports.languages import mark

__all__ = ["PLAIN", "Kpi", "mark", "named_column"]

PLAIN: tuple[Kpi, ...] = (
    # one entry a KPI, in the order of the page
)
