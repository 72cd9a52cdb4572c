"""A state of your own is a class, and the way there is a line: everything else follows."""

from __future__ import annotations

import attrs

from fsm import GuardRejected, Step, TaskRun, event, open_journal
from states import Failed, Pending


@attrs.frozen
class Quarantined(Failed):
    """Failed, and not to be touched until somebody has looked."""

    color = "#8e44ad"

    reason: str = ""


def looked_at(run: TaskRun, step: Step) -> bool | str:
    """Whether somebody has written down what was wrong."""
    return bool(step.dest.message) or "say in the message what was wrong"


class CarefulRun(TaskRun):
    """A task run that can be set aside. `retry`, declared on Failed, reaches Quarantined too."""

    quarantine = event(Quarantined, source=Failed, excluding=Quarantined)
    release = event(Pending, source=Quarantined, conditions=[looked_at])
    skip = None  # taken out


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
