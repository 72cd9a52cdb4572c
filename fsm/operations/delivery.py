"""Delivery: telling the listeners of an outbox what a process died before it could tell them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Iterator

import attrs

from fsm.errors import InvalidArgument
from fsm.journal.base import Journal, kind_of
from fsm.run.outbox import Outboxed
from fsm.run.run import Run
from fsm.tasks.task_run import TaskRun

__all__ = ["Delivery", "deliver"]


@attrs.frozen
class Delivery:
    """One listener told of one step, or why it could not be."""

    run: str
    seq: int
    listener: str
    trouble: Exception | None  # None: it was told


def deliver(journal: Journal, *classes: type[Run]) -> Iterator[Delivery]:
    """Tell every listener whose outbox has a step that it was not told of, oldest step first.

    A listener is told at least once: of a step that a live process is just telling it of, twice.
    Its run is as it is now, which may be further than the step.

    Args:
        classes: Whose listeners; `TaskRun` if left out. Those of others stay in the outbox.
    """
    if not isinstance(journal, Journal):
        raise InvalidArgument(f"a journal is what open_journal() gives, not {journal!r}")
    known = {kind_of(cls): cls for cls in classes or (TaskRun,)}
    for run, seq, name in journal.untold():
        cls = known.get(journal.summary(run).kind)
        listener = None if cls is None else cls.callbacks.outboxed(name)
        if cls is not None and listener is not None:
            yield Delivery(run, seq, name, _told(cls, run, journal, seq, listener))


def _told(
    cls: type[Run], id: str, journal: Journal, seq: int, listener: Outboxed
) -> Exception | None:
    try:
        run = cls.restore(id, journal)
        answer = listener(run, run.history[seq - 1])
        if inspect.isawaitable(answer):
            import asyncio  # at the door: `import fsm` does not pay for it

            asyncio.run(_awaited(answer))
    except Exception as error:  # anyone's; the step stays in the outbox
        return error
    return None


async def _awaited(answer: Awaitable[object]) -> None:
    await answer
