"""`python -m fsm`: the command line without its script."""

from __future__ import annotations

from .cli import main

main()
