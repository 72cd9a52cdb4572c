"""The command `fsm`: shows lifecycles, reads journals, and acts on the runs in them."""

from __future__ import annotations

from fsm.cli.commands.act import approve, cancel, resume, retry
from fsm.cli.commands.demo import demo
from fsm.cli.commands.diagram import diagram
from fsm.cli.commands.history import history
from fsm.cli.commands.report import report
from fsm.cli.commands.rescue import rescue
from fsm.cli.commands.runs import runs
from fsm.cli.commands.serve import serve
from fsm.cli.commands.show import show
from fsm.cli.commands.story import story
from fsm.cli.commands.timeline import timeline
from fsm.cli.commands.top import top
from fsm.cli.commands.verify import verify
from fsm.cli.commands.why import why
from fsm.cli.commands.work import work

from .completion import completion
from .program import main

__all__ = ["main"]

main.add_section("See a lifecycle", show, diagram)
main.add_section("See runs", runs, history, story, why, timeline, top, serve, report)
main.add_section("Act on runs", approve, resume, cancel, retry)
main.add_section("Perform runs", work, demo)
main.add_section("Maintain", verify, rescue, completion)
