"""Run tasks in processes. One task kills its process: its run is rescued and starts again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from fsm import Call, Runner, TaskRun, current_run, open_journal


def count_primes(below: int, once: Path) -> int:
    """Count primes. The first attempt at the last part is killed, as when memory runs out."""
    if below == 3_000 and not once.exists():
        once.touch()
        os.kill(os.getpid(), 9)
    return sum(all(number % by for by in range(2, number)) for number in range(2, below))


def hang() -> None:
    """A task that never ends, with a time limit."""
    assert current_run().deadline is not None
    while True:
        pass


def main(folder: Path) -> None:
    # The worker process claims each run in the journal, and records its result there.
    with open_journal(str(folder / "runs.db")) as journal, Runner("process", workers=1) as runner:
        calls = [
            Call(TaskRun(f"below-{below}", journal=journal), count_primes, (below, folder / "once"))
            for below in (1_000, 2_000, 3_000)
        ]
        for call, state in zip(calls, runner.perform_all(calls), strict=True):
            story = [step.event for step in call.run.history]
            print(f"{call.run.id}: {state.result}", *story)

        run = TaskRun("endless", journal=journal, timeout=0.5)
        print(run.id, type(runner.perform(run, hang)).__name__, run.state.result, sep=": ")


if __name__ == "__main__":  # worker processes import this file, too
    with tempfile.TemporaryDirectory() as made:
        main(Path(made))

# below-1000: 168 start succeed
# below-2000: 303 start succeed
# below-3000: 430 start rescue start succeed
# endless: TimedOut: no end after 0.5 s
