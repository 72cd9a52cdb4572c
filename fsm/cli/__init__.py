"""cli: the command `fsm`, which shows lifecycles, looks into journals and acts on their runs."""

from __future__ import annotations

from .act import approve, cancel, resume, retry
from .completion import completion
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

main.add_section("See a lifecycle", show, diagram)
main.add_section("See runs", runs, history, story, why, timeline, top, serve, report)
main.add_section("Act on runs", approve, resume, cancel, retry)
main.add_section("Perform runs", work, demo)
main.add_section("Keep in order", verify, rescue, completion)
