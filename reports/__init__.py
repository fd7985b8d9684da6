"""KPI frames in; charts, Markdown sections and one self-contained HTML page out.

The package knows nothing of flows, warehouses or Prefect: `kpis` says what each KPI table holds, `render` draws one
chart or writes one Markdown section, `page` writes the page. The analysis notebook uses the same KPIs and charts.
"""
