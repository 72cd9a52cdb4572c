"""Refusals: how a run notes the attempts that did not become steps, and why.

It is a note, no promise: it never stands in the way of the error that the caller is to see.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

from fsm.errors import (
    GuardRejected,
    LifecycleError,
    StaleRun,
    StepInProgress,
    TransitionError,
    TransitionNotAllowed,
)
from fsm.lifecycle.refusal import Refusal
from fsm.states import StateError
from fsm.text import escape

if TYPE_CHECKING:
    from .run import Run

__all__ = ["Noted", "asking", "keep", "noted", "refusals_of", "refuse"]

_MOST = 32  # that a run remembers
_LONGEST = 2000  # characters of a reason
_TOLD_LATER = (TransitionNotAllowed, GuardRejected)  # made again from their arguments when asked


_asker: ContextVar[str | None] = ContextVar("asker", default=None)


class Noted(NamedTuple):
    """The same as a run remembers it: words are made when somebody asks."""

    seq: int
    event: str
    state: str
    micros: int
    kind: type[Exception] | None  # None: `args` is the reason itself
    args: Any
    who: str | None
    times: int
    kept: bool  # by the journal


def noted(run: Run, event: str, error: BaseException) -> Refusal | None:
    """Let *run* remember that *event* was refused; what its journal is to keep of it, if anything.

    Whoever gives arguments that make no payload, or finds the journal broken, was not refused.
    """
    if type(error) not in _TOLD_LATER and not _is_refusal(error):
        return None
    try:
        return _noted(run, event, error)
    except Exception:  # the clock's, which has failed the step too, or of an odd error
        return None


def keep(run: Run, refusal: Refusal) -> None:
    """Let the journal keep *refusal*, if it keeps such notes; nobody hears of it if it cannot."""
    note = getattr(run.journal, "note_refusal", None)
    if note is None:
        return
    with suppress(Exception):
        note(refusal)
        aside = run._beside()
        aside.refused = tuple(
            each._replace(kept=True) if each[:2] == (refusal.seq, refusal.event) else each
            for each in aside.refused
        )


def refuse(run: Run, event: str, error: TransitionError) -> NoReturn:
    """Raise *error* for an attempt that was not even made; noted as one that was."""
    fresh = noted(run, event, error)
    if fresh is not None:
        keep(run, fresh)
    raise error


@contextmanager
def asking(who: str) -> Iterator[None]:
    """Let what is refused within be noted as asked by *who*."""
    token = _asker.set(who)
    try:
        yield
    finally:
        _asker.reset(token)


def refusals_of(run: Run) -> tuple[Refusal, ...]:
    """What *run* remembers, oldest first."""
    return () if run._aside is None else tuple(_told(run, note) for note in run._aside.refused)


def _noted(run: Run, event: str, error: BaseException) -> Refusal | None:
    micros, seq, aside = run._micros(), len(run._steps or ()), run._beside()
    later = type(error) in _TOLD_LATER
    said = error.args if later else _worded(event, error)
    others, before = aside.refused, None
    for place, each in enumerate(others):
        if each[0] == seq and each[1] == event:
            others, before = others[:place] + others[place + 1 :], each
            break
    note = Noted(
        seq,
        event,
        type(run.state).__name__,
        micros,
        cast("type[Exception]", type(error)) if later else None,
        said,
        _asker.get(),
        1 if before is None else before.times + 1,
        before is not None and before.kept,
    )
    aside.refused = (*others[-_MOST + 1 :], note)
    # A journal knows of a run that has made a step, and is told once: who polls does not write.
    return _told(run, note) if seq and run.journal is not None and not note.kept else None


def _is_refusal(error: BaseException) -> bool:
    if isinstance(error, StaleRun):
        return not error.kept  # what was kept aside as a late result is told as that
    if isinstance(error, TransitionError):
        return not isinstance(error, StepInProgress)
    return isinstance(error, Exception) and not isinstance(error, LifecycleError | StateError)


def _told(run: Run, note: Noted) -> Refusal:
    try:
        reason = note.args if note.kind is None else _reason(note.kind(*note.args))
    except Exception as error:  # a guard's answer is anyone's
        reason = f"{note.event} was refused ({type(error).__name__} while asking why)"
    return Refusal(run.id, *note[:4], reason, note.who, note.times)


def _worded(event: str, error: BaseException) -> str:
    if isinstance(error, TransitionError):
        return _reason(error)
    return f"{event} was stopped by {type(error).__name__}: {_reason(error)}"


def _reason(error: BaseException) -> str:
    """What the error says, bounded, as every journal can store it."""
    return escape(error, _LONGEST, storable=True)
