"""Runs over time: on a terminal, as SVG, as a Mermaid Gantt chart."""
