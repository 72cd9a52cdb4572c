"""Trip: a call under way, from its first wish to its end."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from typing import TYPE_CHECKING, Any

import attrs

from states import State, ambient

from .drive import Answer, Execute, Expired, Lookup, Raised, Returned, Wait, Wish, drive
from .errors import InvalidArgument
from .task import TaskRun

if TYPE_CHECKING:
    import pendulum

__all__ = ["Call", "Trip"]


@attrs.frozen(eq=False)
class Call:
    """One run and the callable it is a run of."""

    run: TaskRun
    task: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.run, TaskRun):
            raise InvalidArgument(f"a Call is of a TaskRun, not of {self.run!r}")
        if not callable(self.task):
            raise InvalidArgument(f"the task of {self.run.id!r} cannot be called: {self.task!r}")


class Trip:
    """A call under way: its drive, what it waits for, and how it ended."""

    def __init__(self, call: Call, lookup: Lookup | None) -> None:
        self.run = call.run
        self.end: State | None = None
        self.trouble: Exception | None = None
        self.work: Future[Any] | None = None
        self._call = call
        self._drive: Generator[Wish, Answer, State] = drive(call.run, lookup)
        self._wish: Wish | None = None
        self._earliest = 0.0  # on the steady clock
        self._answer: Answer = None

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.end is not None or self.trouble is not None

    @property
    def until(self) -> pendulum.DateTime | None:
        """When time answers its wish, if nothing else does."""
        if isinstance(self._wish, Wait):
            return self._wish.until
        return self._wish.deadline if self._wish is not None else None

    def go_on(self, executor: Executor, steady: float) -> None:
        """Give the drive its answer, and begin what it wishes for next.

        Args:
            steady: The seconds of a clock that nobody can set.
        """
        self.work = None
        try:
            self._wish = self._drive.send(self._answer)
            self._answer = None
            if isinstance(self._wish, Execute):
                self.work = self._submitted(executor)
            else:
                self._earliest = steady + self._wish.at_least
        except StopIteration as stop:
            self.end = stop.value
        except Exception as trouble:  # its own: the other trips go on
            self.trouble = trouble

    def missing(self, now: pendulum.DateTime, steady: float) -> float:
        """Seconds until time answers its wish, by whichever clock says more.

        To the microsecond: less than that no clock of ours can be turned by.
        """
        assert self.until is not None, "it does not wait for time"
        by_wall = (self.until - now).total_seconds()
        by_steady = -math.inf if self.work is not None else self._earliest - steady
        return round(max(by_wall, by_steady), 6)

    def answered(self, now: pendulum.DateTime, steady: float) -> bool:
        """Whether its wish has been answered: by the task, or by time."""
        if self.work is not None and self.work.done():
            self._answer = _outcome(self.work)
            return True
        if self.until is not None and self.missing(now, steady) <= 0:
            self._answer = Expired() if self.work is not None else None
            return True
        return False

    def abandon(self, error: BaseException) -> None:
        """Leave the run in a named state: an interrupt cancels it where it can be."""
        self._drive.close()
        if isinstance(error, KeyboardInterrupt) and "cancel" in self.run.allowed:
            self.run.trigger("cancel", message="Interrupt signal raised, cancelling task run.")

    def _submitted(self, executor: Executor) -> Future[Any]:
        call, names = self._call, self.run._surroundings()
        try:
            return executor.submit(_execute, names, call.task, call.args, call.kwargs)
        except Exception as error:  # a pool that is shut down or broken: the attempt failed
            refused: Future[Any] = Future()
            refused.set_exception(error)
            return refused


def _outcome(work: Future[Any]) -> Answer:
    try:
        error = work.exception()
    except CancelledError as cancelled:
        return Raised(cancelled)
    return Returned(work.result()) if error is None else Raised(error)


def _execute(
    names: Mapping[str, Any],
    task: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Call the task where it is executed, in the ambient context of its attempt."""
    with ambient.using(**names):
        return task(*args, **kwargs)
