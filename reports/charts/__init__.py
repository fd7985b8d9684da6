"""Values and words in, plotnine charts out: bars, lines over months, tiles; each in a wide and a narrow drawing.

`svg` writes a chart as SVG whose colours follow the page's light or dark mode.
"""
