"""The runs of one generation of the demo, in order; an unfinished generation is continued.

A run that has succeeded is not performed again: its result is read from the journal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import attrs

from fsm.errors import LifecycleError, StaleRun, UnknownRun
from fsm.execution.call import Call
from fsm.execution.runner import Runner
from fsm.journal import Journal, Summary
from fsm.lifecycle.step import Step
from fsm.states import Cached, Mapped, Paused, Pending, Running, State, ambient
from fsm.tasks.task_run import TaskRun

from .faults import STALL
from .flight_tasks import DAYS, MONTHS, Tasks

__all__ = [
    "RUNS",
    "DemoRun",
    "Pipeline",
    "StepFailed",
    "find_generation",
    "is_done",
    "listen",
    "lookup",
    "runs_of",
]

POLICIES: Mapping[str, Mapping[str, float]] = {
    "load": {"max_retries": 2, "retry_delay": 0.25},
    "airports": {"max_retries": 5, "timeout": STALL},  # several, for slow machines
    "airlines": {"cache_for": 3600},
}
# The generation itself, eight single runs, and three mapped ones with their children.
RUNS = 1 + 8 + (1 + len(MONTHS)) + (1 + len(MONTHS)) + (1 + len(DAYS))

Task = Callable[..., State | None]


class DemoRun(TaskRun):
    """A run of the demo. A class of its own has listeners of its own."""


_listener: ContextVar[Callable[[TaskRun, Step], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listen(listener: Callable[[TaskRun, Step], None]) -> Iterator[None]:
    """Call *listener* after each step of the demo's runs, in this process."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@DemoRun.after
def _notify(run: TaskRun, step: Step) -> None:
    listener = _listener.get()
    if listener is not None:
        listener(run, step)


class StepFailed(LifecycleError):
    """A run that others depend on has failed; the generation ends."""

    def __init__(self, run: str, state: State) -> None:
        super().__init__(run, state)
        self.run: str = run
        self.state: State = state

    def __str__(self) -> str:
        return f"{self.run} is {type(self.state).__name__}: {self.state.message}"


@attrs.frozen(eq=False)
class Pipeline:
    """One generation of the demo: `demo-1` and its steps, `demo-1/load` and so on."""

    id: str
    journal: Journal
    runner: Runner
    tasks: Tasks
    check: Callable[[], None]  # called between runs; raises if the demo is to stop
    print: Callable[[str], None]

    def perform(self) -> None:
        """Perform the generation, or what is left of it.

        Raises:
            StepFailed: A run failed.
            JournalError: A step could not be stored; the next demo continues from here.
        """
        self._take_over()
        whole = self.restore("")
        if isinstance(whole.state, Running):
            whole.pause(message="Interrupted: its process ended.", start_time=ambient.now())
        whole.start(message="The demo is running.")
        try:
            message = self._perform_runs()
        except StepFailed as error:
            whole.fail(message=str(error))
            raise
        whole.succeed(message=message)

    def _perform_runs(self) -> str:
        tasks = self.tasks
        loaded, airlines, _, _ = self._perform_all(
            load=tasks.load, airlines=tasks.airlines, airports=tasks.airports, planes=tasks.planes
        )
        cleaned = self._map("clean", tasks.clean, MONTHS)
        tallied = self._map("tally", tasks.tally, MONTHS)
        self._map("weather", tasks.weather, DAYS)
        self._perform("check", tasks.check, loaded["flights"], cleaned, tallied)
        joined = self._perform("join", tasks.join, airlines)
        self._approve("publish", joined["total"])
        self._perform("publish", tasks.publish, joined)
        self._perform("tidy", tasks.tidy)
        total = joined["total"]
        return f"{total['flights']:,} flights, {total['cancelled']:,} of them cancelled"

    def restore(self, name: str) -> TaskRun:
        """Return the run of that name from the journal, or a new one."""
        id = f"{self.id}/{name}" if name else self.id
        try:
            return DemoRun.restore(id, self.journal)
        except UnknownRun:
            policy: Mapping[str, Any] = POLICIES.get(name, {})
            return DemoRun(id, journal=self.journal, **policy)

    def pause(self) -> None:
        """Pause the runs that are Running, after a Ctrl-C; they may start again at once."""
        for run in runs_of(self.id, self.journal):
            if isinstance(run.state, Running):
                with suppress(StaleRun):  # it ended in the meantime
                    run.pause(message="Interrupted by Ctrl-C.", start_time=ambient.now())

    def _take_over(self) -> None:
        """Revoke the claims of a demo that was killed; its workers may still be running.

        The directory is locked, so no other demo can be the owner.
        """
        for summary in _summaries(self.id, self.journal):
            if summary.owner is not None:
                self.journal.revoke(summary.run, owner=summary.owner)
                for claim in self.journal.claim(run=summary.run, owner="fsm demo"):
                    claim.release()

    def _perform_all(self, **tasks: Task) -> list[Any]:
        """Perform the tasks at the same time; return their results."""
        self.check()
        runs = {name: self.restore(name) for name in tasks}
        calls = [Call(run, tasks[name]) for name, run in runs.items() if not is_done(run.state)]
        self.runner.perform_all(calls)
        return [_result(run) for run in runs.values()]

    def _perform(self, name: str, task: Task, *args: Any) -> Any:
        self.check()
        run = self.restore(name)
        if not is_done(run.state):
            self.runner.perform(run, task, *args)
        return _result(run)

    def _map(self, name: str, task: Task, inputs: Sequence[Any]) -> list[Any]:
        self.check()
        run = self.restore(name)
        if not is_done(run.state):
            self.runner.map(run, task, inputs)
        for index, child in enumerate(getattr(run.state, "map_states", ())):
            if child is None or not child.is_successful():
                raise StepFailed(f"{run.id}[{index}]", child or run.state)
        return list(_result(run))

    def _approve(self, name: str, total: Mapping[str, int]) -> None:
        """Pause the run and resume it through the journal, as an approver would."""
        self.check()
        run = self.restore(name)
        if type(run.state) is Pending:
            found = f"{total['flights']:,} flights, {total['cancelled']:,} cancelled"
            run.pause(message=f"waits for approval of {found}")
        if isinstance(run.state, Paused) and not run.start.may():
            self.print(f"the approver (played by the demo) reads it and resumes {run.id}")
            self.restore(name).resume(message="approved by the demo's approver")


def find_generation(journal: Journal) -> tuple[str, bool]:
    """Return the generation to perform, and whether it is an unfinished one."""
    states = {
        int(found[1]): summary.state
        for summary in journal.runs()
        if (found := re.fullmatch(r"demo-([1-9][0-9]{0,8})", summary.run))
    }
    number = max(states, default=0)
    if states.get(number) in ("Running", "Paused"):
        return f"demo-{number}", True
    return f"demo-{number + 1}", False


def runs_of(id: str, journal: Journal) -> list[TaskRun]:
    """Return the recorded runs of a generation, in the order in which they began."""
    return [TaskRun.restore(summary.run, journal) for summary in _summaries(id, journal)]


def lookup(run: TaskRun) -> Cached | None:
    """Find a cached result of an earlier generation in the journal, for a run that caches."""
    if run.policy.cache.cache_for is None or not isinstance(run.journal, Journal):
        return None
    _, _, name = run.id.partition("/")
    for summary in sorted(run.journal.runs(), key=lambda summary: summary.moved, reverse=True):
        if summary.state == "Cached" and summary.run.endswith(f"/{name}"):
            found = TaskRun.restore(summary.run, run.journal).state
            assert isinstance(found, Cached)
            until = found.cached_result_expiration
            if until is not None and until > ambient.now():
                kept = f"{len(found.result)} {name}, kept in the journal by {summary.run}"
                return found.evolve(message=f"{kept} until {until:%H:%M} UTC")
    return None


def is_done(state: State) -> bool:
    """Whether a run has succeeded; a mapped one, whether all its children have."""
    if isinstance(state, Mapped):
        return all(child is not None and child.is_successful() for child in state.map_states)
    return state.is_successful()


def _summaries(id: str, journal: Journal) -> list[Summary]:
    return [
        summary
        for summary in journal.runs()
        if summary.run == id or summary.run.startswith(f"{id}/")
    ]


def _result(run: TaskRun) -> Any:
    if not run.state.is_successful():
        raise StepFailed(run.id, run.state)
    return run.state.result
