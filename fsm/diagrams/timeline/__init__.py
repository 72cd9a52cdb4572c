"""Runs over time: on a terminal, as SVG, as Mermaid."""
