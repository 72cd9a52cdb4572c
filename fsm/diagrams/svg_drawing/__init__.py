"""A graph as SVG: placed by Graphviz, drawn and styled here."""
