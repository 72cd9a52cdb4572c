"""cli: the command `fsm`, which shows lifecycles and looks into journals."""

from __future__ import annotations

from .act import approve, cancel, resume, retry
from .demo import demo
from .diagram import diagram
from .history import history
from .program import main
from .report import report
from .rescue import rescue
from .runs import runs
from .serve import serve
from .show import show
from .story import story
from .timeline import timeline
from .top import top
from .verify import verify
from .why import why
from .work import work

__all__ = ["main"]

for command in (
    show, diagram, timeline, runs, history, story, why, verify, work, approve, resume, cancel,
    retry, rescue, serve, report, top, demo,
):  # fmt: skip
    main.add_command(command)
