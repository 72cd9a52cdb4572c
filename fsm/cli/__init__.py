"""cli: the command `fsm`, which shows lifecycles and looks into journals."""

from __future__ import annotations

from .demo import demo
from .diagram import diagram
from .history import history
from .program import main
from .rescue import rescue
from .runs import runs
from .show import show
from .verify import verify

__all__ = ["main"]

for command in (show, diagram, runs, history, verify, rescue, demo):
    main.add_command(command)
