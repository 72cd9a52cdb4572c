"""Deliver steps from the outbox: call listeners that a process died before it could call."""

import asyncio
import inspect
from collections.abc import Awaitable, Iterator

import attrs

from fsm.errors import InvalidArgument
from fsm.journal import Journal
from fsm.journal.arguments import kind_of
from fsm.run.outbox import Outboxed
from fsm.run.run import Run
from fsm.tasks.task_run import TaskRun

__all__ = ["Delivery", "deliver"]


@attrs.frozen
class Delivery:
    """One call of a listener for one step, and its error."""

    __module__ = "fsm.operations"

    run: str  # its id
    seq: int  # of the step
    listener: str  # the name of its outbox
    error: Exception | None  # what it raised; None where the step was delivered


def deliver(journal: Journal, *classes: type[Run]) -> Iterator[Delivery]:
    """Call each listener with an outbox for the steps it has not been called for, oldest first.

    Delivery is at least once: a step that another process is delivering at this moment is delivered
    twice. The run that a listener gets is as it is now, which may be further than the step. Runs
    are not moved. A step whose listener raises stays in the outbox, and the delivery has the error.

    Args:
        classes: The classes whose listeners are called; `TaskRun` if left out. Steps of runs of
            other classes stay in the outbox.

    Raises:
        InvalidArgument: *journal* is no journal.
    """
    if not isinstance(journal, Journal):
        raise InvalidArgument(f"a journal is what open_journal() gives, not {journal!r}")
    known = {kind_of(cls): cls for cls in classes or (TaskRun,)}
    for run, seq, name in journal.outbox():
        cls = known.get(journal.summary(run).kind)
        listener = None if cls is None else cls.callbacks.listener_with_outbox(name)
        if cls is not None and listener is not None:
            yield Delivery(run, seq, name, _call(listener, cls, run, journal, seq))


def _call(
    listener: Outboxed, cls: type[Run], id: str, journal: Journal, seq: int
) -> Exception | None:
    """Call the listener for one step; return the error that it, or restoring the run, raised."""
    try:
        run = cls.restore(id, journal)
        answer = listener(run, run.history[seq - 1])
        if inspect.isawaitable(answer):
            asyncio.run(_wait_for(answer))
    except Exception as error:
        return error
    return None


async def _wait_for(answer: Awaitable[object]) -> None:
    await answer


deliver.__module__ = "fsm.operations"
