"""cli: the command `fsm`, which shows lifecycles and looks into journals."""

from __future__ import annotations

from .demo import demo
from .diagram import diagram
from .history import history
from .program import main
from .runs import runs
from .show import show

__all__ = ["main"]

for command in (show, diagram, runs, history, demo):
    main.add_command(command)
