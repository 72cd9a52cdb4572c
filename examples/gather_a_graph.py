"""Gather a graph of tasks: each starts when its inputs are there; one waits for an operator."""

from __future__ import annotations

from fsm import MemoryJournal, Node, TaskRun, gather, task, trigger_rules


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
published = Node(publish, (average,), trigger_rule=trigger_rules.manual_only)
alarmed = Node(alarm).after(average, trigger_rule=trigger_rules.any_failed)
graph = {"publish": published, "alarm": alarmed}
journal = MemoryJournal()


def run_the_graph() -> None:
    state = gather(graph, run=TaskRun("nightly", journal=journal), reference="publish")
    print(type(state).__name__, state.result)
    for row in sorted(journal.runs(), key=lambda row: row.run):
        print(f"  {row.run}: {row.state}")


run_the_graph()
TaskRun.restore("nightly/publish", journal).resume()  # an operator, perhaps in another process
run_the_graph()  # what is finished is not run again

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
