"""A call that is being performed, from its first command to its end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fsm.states import Mapped, Result, Running, State
from fsm.tasks.task_run import TaskRun
from fsm.tasks.trigger_rules import all_successful, judge

from .apply import Decisions, Done, Observer, apply, run_commands
from .call import Call
from .commands import CatchUp, Command, Displaced, Execute, Fire, Lost, Raised, Recorded, Reply
from .decider import Lookup, MapPlan, decide
from .dispatch import Work, start_work
from .results import INTERRUPTED

if TYPE_CHECKING:
    from fsm.execution.pools.base import Pool

__all__ = ["Job"]


class Job:
    """A call that is being performed: what it waits for, and how it has ended.

    Args:
        lookup: Called before a start for an earlier result.
        observers: Called with each step of the run.
        data: The callable and its arguments, if they are pickled already.
    """

    __slots__ = (
        "_data", "_decider", "_lookup", "_observers", "call", "child_error", "command", "end",
        "error", "generation", "group", "inputs", "run", "work",
    )  # fmt: skip

    def __init__(
        self,
        call: Call,
        lookup: Lookup | None = None,
        observers: Sequence[Observer] = (),
        data: bytes | None = None,
    ) -> None:
        self.call: Call = call
        self.run: TaskRun = call.run
        self.end: State | None = None
        self.error: Exception | None = None  # what stopped it before its end
        self.child_error: Exception | None = None  # what stopped one of its children
        self.command: Command | None = None  # what it waits for
        self.work: Work | None = None
        self.generation: int = 0  # grows with each reply; what belongs to an earlier one is ignored
        self.group: Any = None  # the group of jobs that it is performed with
        self.inputs: Sequence[Any] = ()  # of its children
        self._lookup, self._observers, self._data = lookup, observers, data
        self._decider: Decisions | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or an error has stopped it."""
        return self.end is not None or self.error is not None

    def advance(self, reply: Reply, pool: Pool) -> None:
        """Make the steps that follow from *reply*, and start what takes time next."""
        self.generation += 1
        self.work = self.command = None
        try:
            if self._decider is None:
                self._decider = self._decide()
            command = self._run_commands(self._decider, reply)
            while isinstance(command, Execute):
                try:
                    self.work = start_work(self.call, pool, command, self._data)
                    break
                except Exception as error:  # its arguments, or how they are pickled
                    command = self._run_commands(self._decider, Raised(error))
        except Exception as error:  # of this job alone: the others go on
            self.error = error
        else:
            if isinstance(command, Done):
                self.end = command.value
            else:
                self.command = command

    def read_reply(self) -> Reply:
        """Return the result of its work, which is done. What the history has of it comes first."""
        assert self.work is not None, "it has no work"
        reply = self.work.reply()
        if isinstance(reply, Recorded | Lost | Displaced) and self.has_moved():
            return Recorded()
        return Lost("nothing was recorded") if isinstance(reply, Recorded) else reply

    def has_moved(self) -> bool:
        """Catch up; return whether others have moved the run on while its task is executed."""
        apply(self.run, CatchUp(), self._observers)
        return not isinstance(self.run.state, Running | Mapped)

    def give_up(self) -> None:
        """Give its work up: the result is not waited for any more."""
        if self.work is not None:
            self.work.give_up()
            self.work = None

    def abandon(self, error: BaseException) -> None:
        """Stop after *error*. An interrupt cancels the run where that is possible."""
        self.give_up()
        if self._decider is not None:
            self._decider.close()
        if isinstance(error, KeyboardInterrupt) and self.generation and not self.is_over:
            with suppress(Exception):  # the interrupt is raised on; the journal has the rest
                apply(self.run, CatchUp(), self._observers)
                if "cancel" in self.run.allowed:
                    apply(self.run, Fire("cancel", {"message": INTERRUPTED}), self._observers)

    def count_inputs(self) -> int:
        """Take the inputs of its children, which may be the result of a run above; count them."""
        if self.call.over is not None:
            self.inputs = self.call.over.items()
        return len(self.inputs)

    def _run_commands(self, decider: Decisions, reply: Reply) -> Command | Done:
        return run_commands(self.run, decider, reply, self._observers)

    def _decide(self) -> Decisions:
        call, plan = self.call, None
        if call.over is not None:
            plan = MapPlan(self.count_inputs, call.over.quorum, call.over.again)
        has_gate = call.above or call.trigger_rule is not all_successful
        return decide(
            self.run,
            self._lookup,
            gate=self._ask_trigger_rule if has_gate else None,
            mapping=plan,
            starts=_inputs_for_cache(call),
        )

    def _ask_trigger_rule(self, _run: TaskRun) -> State | None:
        call = self.call
        above = [run.state for run in call.above]
        return judge(call.trigger_rule, above, skip_on_upstream_skip=call.skip_on_upstream_skip)


def _inputs_for_cache(call: Call) -> dict[str, Any]:
    """Return the inputs for its start, if a later run has to have the same for the same result."""
    cache = call.run.policy.cache
    if cache.cache_for is None or not cache.by_inputs or call.over is not None:
        return {}
    return {"cached_inputs": {name: Result(value) for name, value in call.inputs().items()}}
