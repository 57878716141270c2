"""The documentation drawn from the configuration: road maps as SVG, clocks, "where does it go?". `rules.drawing.pages` puts them together."""
