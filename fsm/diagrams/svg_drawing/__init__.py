"""A graph as SVG: Graphviz places it, this package draws and styles it."""
