"""cli: the command `fsm`, which shows lifecycles and looks into journals."""

from __future__ import annotations

from .act import approve, cancel, resume, retry
from .demo import demo
from .diagram import diagram
from .history import history
from .program import main
from .rescue import rescue
from .runs import runs
from .show import show
from .verify import verify
from .work import work

__all__ = ["main"]

for command in (
    show, diagram, runs, history, verify, work, approve, resume, cancel, retry, rescue, demo,
):  # fmt: skip
    main.add_command(command)
