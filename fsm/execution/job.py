"""Trip: a call under way, from its first wish to its end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fsm.states import Mapped, Result, Running, State
from fsm.tasks.task_run import TaskRun
from fsm.tasks.trigger_rules import all_successful, judge

from .apply import Course, Observer, fulfilled, made
from .call import Call
from .commands import Answer, CatchUp, Displaced, Execute, Fire, Lost, Raised, Settled, Wish
from .decider import Lookup, MapPlan, decide
from .dispatch import Dispatch, dispatched
from .results import INTERRUPTED

if TYPE_CHECKING:
    from fsm.execution.pools.base import Pool

__all__ = ["Trip"]


class Trip:
    """A call under way: what it wishes for, what it waits for, and how it ended.

    Args:
        task: The task and its arguments, where they were packed before.
    """

    __slots__ = (
        "_course", "_lookup", "_observers", "_task", "below", "call", "end", "group", "inputs",
        "run", "trouble", "turn", "wish", "work",
    )  # fmt: skip

    def __init__(
        self,
        call: Call,
        lookup: Lookup | None = None,
        observers: Sequence[Observer] = (),
        task: bytes | None = None,
    ) -> None:
        self.call, self.run = call, call.run
        self.end: State | None = None
        self.trouble: Exception | None = None
        self.below: Exception | None = None  # of one of its children
        self.wish: Wish | None = None
        self.work: Dispatch | None = None
        self.turn = 0  # how often it has gone on: what it waited for before that is no news
        self.group: Any = None  # those among which it is performed
        self.inputs: Sequence[Any] = ()  # of its children
        self._lookup, self._observers, self._task = lookup, observers, task
        self._course: Course | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.end is not None or self.trouble is not None

    def go_on(self, answer: Answer, pool: Pool) -> None:
        """Make the steps that follow from *answer*, and begin what is wished for next."""
        self.turn += 1
        self.work = self.wish = None
        try:
            if self._course is None:
                self._course = self._begun()
            wish = self._next(self._course, answer)
            while isinstance(wish, Execute):
                try:
                    self.work = dispatched(self.call, pool, wish, self._task)
                    break
                except Exception as error:  # what it is to be given, or how it is to travel
                    wish = self._next(self._course, Raised(error))
            self.wish = wish
        except StopIteration as stop:
            self.end = stop.value
        except Exception as trouble:  # its own: the other trips go on
            self.trouble = trouble

    def answered(self) -> Answer:
        """What came of its work, which is done; what the run's history says of it comes first."""
        assert self.work is not None, "it has no work"
        answer = self.work.answer()
        if isinstance(answer, Settled | Lost | Displaced) and self.moved():
            return Settled()
        return Lost("nothing was recorded") if isinstance(answer, Settled) else answer

    def moved(self) -> bool:
        """Whether others have moved the run on while its task is executed, as its journal says."""
        made(self.run, CatchUp(), self._observers)
        return not isinstance(self.run.state, Running | Mapped)

    def give_up(self) -> None:
        """Let go of its work: what comes of it is not waited for any more."""
        if self.work is not None:
            self.work.give_up()
            self.work = None

    def abandon(self, error: BaseException) -> None:
        """Leave the run in a named state: an interrupt cancels it where it can be."""
        self.give_up()
        if self._course is not None:
            self._course.close()
        if isinstance(error, KeyboardInterrupt) and self.turn and not self.over:
            with suppress(Exception):  # the interrupt is what matters; the journal has the rest
                made(self.run, CatchUp(), self._observers)
                if "cancel" in self.run.allowed:
                    made(self.run, Fire("cancel", {"message": INTERRUPTED}), self._observers)

    def counted(self) -> int:
        """Take its inputs, which a run above may have resulted in; how many they are."""
        if self.call.over is not None:
            self.inputs = self.call.over.items()
        return len(self.inputs)

    def _next(self, course: Course, answer: Answer) -> Wish:
        return fulfilled(self.run, course, course.send(answer), self._observers)

    def _begun(self) -> Course:
        call, plan = self.call, None
        if call.over is not None:
            plan = MapPlan(self.counted, call.over.quorum, call.over.again)
        return decide(
            self.run,
            self._lookup,
            gate=self._gate if call.above or call.trigger_rule is not all_successful else None,
            mapping=plan,
            starts=_kept_inputs(call),
        )

    def _gate(self, _run: TaskRun) -> State | None:
        call = self.call
        above = [run.state for run in call.above]
        return judge(call.trigger_rule, above, skip_on_upstream_skip=call.skip_on_upstream_skip)


def _kept_inputs(call: Call) -> dict[str, Any]:
    """The inputs, where a later run is to be held against them before it may have the result."""
    cache = call.run.policy.cache
    if cache.cache_for is None or not cache.by_inputs or call.over is not None:
        return {}
    return {"cached_inputs": {name: Result(value) for name, value in call.inputs().items()}}
