"""Add a state of your own: one class, and one line for each event that leads there."""

from __future__ import annotations

import attrs

from fsm import GuardRejected, Step, TaskRun, event, open_journal
from states import Failed, Pending


@attrs.frozen
class Quarantined(Failed):
    """Failed, and set aside until an operator has looked."""

    color = "#8e44ad"

    reason: str = ""


def looked_at(run: TaskRun, step: Step) -> bool | str:
    """Whether the message says what was wrong."""
    return bool(step.dest.message) or "say in the message what was wrong"


class CarefulRun(TaskRun):
    """A task run that can be set aside. `retry` leads from Failed, so from Quarantined, too."""

    quarantine = event(Quarantined, source=Failed, excluding=Quarantined)
    release = event(Pending, source=Quarantined, conditions=[looked_at])
    skip = None  # removes the event


journal = open_journal("memory:")
run = CarefulRun("import", journal=journal)
run.start()
run.fail()
run.quarantine("checksums differ", reason="sensor 7")
print(run.state, run.state.is_failed(), run.allowed)
try:
    run.release()
except GuardRejected as refusal:
    print(refusal)
run.release("sensor 7 was replaced")
print(CarefulRun.restore("import", journal).state)

# <Quarantined: "checksums differ"> True ('retry', 'rerun', 'release')
# cannot release from Quarantined: [looked at] said no: say in the message what was wrong
# <Pending: "sensor 7 was replaced">
