"""Submit runs to a journal, and perform them with a worker until no more are due."""

from __future__ import annotations

from fsm import MemoryJournal, Worker, current_run, task


@task
def load(day: str) -> int:
    return len(day)


@task(max_retries=2)
def flaky() -> str:
    if current_run().attempt < 2:
        raise ConnectionError("try again")
    return "there"


# In production: open_journal("runs.db") or a PostgreSQL URL, and any number of workers:
#
#     fsm work shop.jobs --journal runs.db
#
# When a worker is killed, the others rescue its runs.
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
