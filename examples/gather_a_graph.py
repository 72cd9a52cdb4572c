"""Gather a graph of tasks: each starts when what it needs is there; one waits for a person."""

from __future__ import annotations

from fsm import MemoryJournal, TaskRun, task
from fsm.flow.gather import gather
from fsm.flow.node import Node
from fsm.tasks.trigger_rules import any_failed, manual_only


@task(max_retries=2)
def load(city: str) -> list[int]:
    return {"Oslo": [3, 4], "Rome": [20, 22]}[city]


@task
def mean(*readings: list[int]) -> float:
    return sum(map(sum, readings)) / sum(map(len, readings))


def publish(value: float) -> str:
    return f"the mean is {value}"


def alarm() -> str:
    return "something failed"


average = mean.bind(load.bind("Oslo"), load.bind("Rome"))
published = Node(publish, (average,), trigger=manual_only)
alarmed = Node(alarm).after(average, trigger=any_failed)
graph = {"publish": published, "alarm": alarmed}
journal = MemoryJournal()


def gathered() -> None:
    state = gather(graph, run=TaskRun("nightly", journal=journal), reference="publish")
    print(type(state).__name__, state.result)
    for row in sorted(journal.runs(), key=lambda row: row.run):
        print(f"  {row.run}: {row.state}")


gathered()
TaskRun.restore("nightly/publish", journal).resume()  # a person, perhaps in another process
gathered()  # what is finished is not run again

# Running None
#   nightly: Running
#   nightly/alarm: TriggerFailed
#   nightly/load: Success
#   nightly/load-2: Success
#   nightly/mean: Success
#   nightly/publish: Paused
# Success {'publish': 'the mean is 12.25'}
#   nightly: Success
#   nightly/alarm: TriggerFailed
#   nightly/load: Success
#   nightly/load-2: Success
#   nightly/mean: Success
#   nightly/publish: Success
