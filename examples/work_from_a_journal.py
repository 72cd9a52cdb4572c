"""Leave work in a journal for workers: here one that stops when nothing more is due."""

from __future__ import annotations

from fsm import MemoryJournal, current_run, task
from fsm.worker.worker import Worker


@task
def load(day: str) -> int:
    return len(day)


@task(max_retries=2)
def flaky() -> str:
    if current_run().attempt < 2:
        raise ConnectionError("try again")
    return "there"


# Elsewhere it would be open_journal("runs.db"), and the workers programs of their own:
#
#     fsm work shop.jobs --journal runs.db
#
# Several go side by side; what one of them leaves unfinished, because it was killed, the others do.
journal = MemoryJournal()

load.with_options(journal=journal, id="load-1").submit("2020-01-01")
flaky.with_options(journal=journal, id="flaky-1").submit()
print([(summary.run, summary.state) for summary in journal.runs()])

worker = Worker(journal, [load, flaky], workers=2, owner="here")
print(worker.until_idle(), "finished")

for task_, id in ((load, "load-1"), (flaky, "flaky-1")):
    run = task_.kind.restore(id, journal)
    print(id, [step.event for step in run.history], run.state.result)

# [('load-1', 'Submitted'), ('flaky-1', 'Submitted')]
# 2 finished
# load-1 ['submit', 'start', 'succeed'] 10
# flaky-1 ['submit', 'start', 'fail', 'retry', 'start', 'succeed'] there
