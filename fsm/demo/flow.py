"""Flow: the order of the runs of one generation, and how an unfinished one goes on.

Law: what has finished well is not performed again; its result is read from the journal.
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
from .tasks import DAYS, MONTHS, Tasks

__all__ = [
    "RUNS",
    "DemoRun",
    "Flow",
    "StepFailed",
    "is_done",
    "latest",
    "lookup",
    "runs_of",
    "watched",
]

POLICIES: Mapping[str, Mapping[str, float]] = {
    "load": {"max_retries": 2, "retry_delay": 0.25},
    "airports": {"max_retries": 5, "timeout": STALL},  # more than one more, for a slow machine
    "airlines": {"cache_for": 3600},
}
# Itself, eight steps alone, three steps mapped.
RUNS = 1 + 8 + (1 + len(MONTHS)) + (1 + len(MONTHS)) + (1 + len(DAYS))

Task = Callable[..., State | None]


class DemoRun(TaskRun):
    """A run of the demo. Its class has a name, so that other processes can report for it."""


_watch: ContextVar[Callable[[TaskRun, Step], None] | None] = ContextVar("watch", default=None)


@contextmanager
def watched(watch: Callable[[TaskRun, Step], None]) -> Iterator[None]:
    """Have *watch* told of each step of the demo, here where it is driven."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


@DemoRun.after
def _tell(run: TaskRun, step: Step) -> None:
    watch = _watch.get()
    if watch is not None:
        watch(run, step)


class StepFailed(LifecycleError):
    """A run that others need has ended badly; the generation is over."""

    def __init__(self, run: str, state: State) -> None:
        super().__init__(run, state)
        self.run, self.state = run, state

    def __str__(self) -> str:
        return f"{self.run} is {type(self.state).__name__}: {self.state.message}"


@attrs.frozen(eq=False)
class Flow:
    """One generation of the demo: `demo-1` and its steps, `demo-1/load` and so on."""

    id: str
    journal: Journal
    runner: Runner
    tasks: Tasks
    check: Callable[[], None]  # raises between steps if we are to stop
    tell: Callable[[str], None]

    def go_on(self) -> None:
        """Take the generation from where it stands to its end.

        Raises:
            StepFailed: It ended badly.
            JournalError: A step could not be kept; the next demo goes on from here.
        """
        self._take_over()
        whole = self.run("")
        if isinstance(whole.state, Running):
            whole.pause(message="Interrupted: its process is gone.", start_time=ambient.now())
        whole.start(message="The demo is at work.")
        try:
            message = self._steps()
        except StepFailed as error:
            whole.fail(message=str(error))
            raise
        whole.succeed(message=message)

    def _steps(self) -> str:
        tasks = self.tasks
        loaded, airlines, _, _ = self._side_by_side(
            load=tasks.load, airlines=tasks.airlines, airports=tasks.airports, planes=tasks.planes
        )
        cleaned = self._mapped("clean", tasks.clean, MONTHS)
        tallied = self._mapped("tally", tasks.tally, MONTHS)
        self._mapped("weather", tasks.weather, DAYS)
        self._alone("check", tasks.check, loaded["flights"], cleaned, tallied)
        joined = self._alone("join", tasks.join, airlines)
        self._approved("publish", joined["total"])
        self._alone("publish", tasks.publish, joined)
        self._alone("tidy", tasks.tidy)
        total = joined["total"]
        return f"{total['flights']:,} flights, {total['cancelled']:,} of them cancelled"

    def run(self, name: str) -> TaskRun:
        """The run of that name as the journal has it, or a new one."""
        id = f"{self.id}/{name}" if name else self.id
        try:
            return DemoRun.restore(id, self.journal)
        except UnknownRun:
            policy: Mapping[str, Any] = POLICIES.get(name, {})
            return DemoRun(id, journal=self.journal, **policy)

    def pause(self) -> None:
        """Pause what is running, after a Ctrl-C; it may start again at once."""
        for run in runs_of(self.id, self.journal):
            if isinstance(run.state, Running):
                with suppress(StaleRun):  # its worker has just reported what came of it
                    run.pause(message="Interrupted by Ctrl-C.", start_time=ambient.now())

    def _take_over(self) -> None:
        """Supersede the workers of a demo that was killed: some may still be at it.

        Nobody else is at work in the directory, so whoever claims a run cannot be waited for.
        """
        for summary in _summaries(self.id, self.journal):
            if summary.owner is not None:
                self.journal.revoke(summary.run, owner=summary.owner)
                for claim in self.journal.claim(run=summary.run, owner="fsm demo"):
                    claim.release()

    def _side_by_side(self, **tasks: Task) -> list[Any]:
        """Perform these at the same time; return their results."""
        self.check()
        runs = {name: self.run(name) for name in tasks}
        calls = [Call(run, tasks[name]) for name, run in runs.items() if not is_done(run.state)]
        self.runner.perform_all(calls)
        return [_result(run) for run in runs.values()]

    def _alone(self, name: str, task: Task, *args: Any) -> Any:
        self.check()
        run = self.run(name)
        if not is_done(run.state):
            self.runner.perform(run, task, *args)
        return _result(run)

    def _mapped(self, name: str, task: Task, inputs: Sequence[Any]) -> list[Any]:
        self.check()
        run = self.run(name)
        if not is_done(run.state):
            self.runner.map(run, task, inputs)
        for index, child in enumerate(getattr(run.state, "map_states", ())):
            if child is None or not child.is_successful():
                raise StepFailed(f"{run.id}[{index}]", child or run.state)
        return list(_result(run))

    def _approved(self, name: str, total: Mapping[str, int]) -> None:
        """Pause the run until somebody else, by way of the journal, resumes it."""
        self.check()
        run = self.run(name)
        if type(run.state) is Pending:
            found = f"{total['flights']:,} flights, {total['cancelled']:,} cancelled"
            run.pause(message=f"waits for approval of {found}")
        if isinstance(run.state, Paused) and not run.start.may():
            self.tell(f"the approver (played by the demo) reads it and resumes {run.id}")
            self.run(name).resume(message="approved by the demo's approver")


def latest(journal: Journal) -> tuple[str, bool]:
    """Which generation is to go on, and whether it has begun before: the last, or a new one."""
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
    """The runs of a generation that have moved, in the order they began."""
    return [TaskRun.restore(summary.run, journal) for summary in _summaries(id, journal)]


def lookup(run: TaskRun) -> Cached | None:
    """Find what an earlier generation has kept in the journal, for the run that caches."""
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
    """Whether nothing is left to do; a mapping is done when all its children are."""
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
