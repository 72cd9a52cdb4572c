"""Refusals: how a run remembers the attempts that did not become steps, and why.

A note is kept as well as may be: a note that fails never hides the error of the attempt.
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

__all__ = ["RefusalNote", "acting_as", "keep", "note", "refusals_of", "refuse"]

_MOST = 32  # refusals that a run remembers
_LONGEST = 2000  # characters of a reason
_DEFERRED = (TransitionNotAllowed, GuardRejected)  # whose text is built when it is read


_actor: ContextVar[str | None] = ContextVar("actor", default=None)


class RefusalNote(NamedTuple):
    """A refusal as a run remembers it: its text is built when it is read."""

    seq: int
    event: str
    state: str
    micros: int
    kind: type[Exception] | None  # None: `args` is the reason itself
    args: Any
    who: str | None
    times: int
    kept: bool  # by the journal


def note(run: Run, event: str, error: BaseException) -> Refusal | None:
    """Let *run* remember that *event* was refused.

    Arguments that make no payload, and a journal that fails, are errors but no refusals.

    Returns:
        What the journal is to keep; None if it has a note of this event after this step already.
    """
    if type(error) not in _DEFERRED and not _is_refusal(error):
        return None
    try:
        return _note_attempt(run, event, error)
    except Exception:  # the clock's, which has failed the step too, or of an odd error
        return None


def keep(run: Run, refusal: Refusal) -> None:
    """Let the journal keep *refusal*, if it keeps such notes; its errors are suppressed."""
    note = getattr(run.journal, "note_refusal", None)
    if note is None:
        return
    with suppress(Exception):
        note(refusal)
        extras = run._own_extras()
        extras.refused = tuple(
            each._replace(kept=True) if each[:2] == (refusal.seq, refusal.event) else each
            for each in extras.refused
        )


def refuse(run: Run, event: str, error: TransitionError) -> NoReturn:
    """Note *error* as the refusal of *event*, and raise it."""
    fresh = note(run, event, error)
    if fresh is not None:
        keep(run, fresh)
    raise error


@contextmanager
def acting_as(who: str) -> Iterator[None]:
    """Note refusals in this context as attempts by *who*."""
    token = _actor.set(who)
    try:
        yield
    finally:
        _actor.reset(token)


def refusals_of(run: Run) -> tuple[Refusal, ...]:
    """The refusals that *run* remembers, oldest first."""
    return (
        () if run._extras is None else tuple(_as_refusal(run, note) for note in run._extras.refused)
    )


def _note_attempt(run: Run, event: str, error: BaseException) -> Refusal | None:
    micros, seq, extras = run._micros(), len(run._steps or ()), run._own_extras()
    later = type(error) in _DEFERRED
    said = error.args if later else _describe(event, error)
    others, before = extras.refused, None
    for place, each in enumerate(others):
        if each[0] == seq and each[1] == event:
            others, before = others[:place] + others[place + 1 :], each
            break
    note = RefusalNote(
        seq,
        event,
        type(run.state).__name__,
        micros,
        cast("type[Exception]", type(error)) if later else None,
        said,
        _actor.get(),
        1 if before is None else before.times + 1,
        before is not None and before.kept,
    )
    extras.refused = (*others[-_MOST + 1 :], note)
    # A journal keeps one note of each event after each step, so that polling writes nothing.
    return _as_refusal(run, note) if seq and run.journal is not None and not note.kept else None


def _is_refusal(error: BaseException) -> bool:
    if isinstance(error, StaleRun):
        return not error.kept  # a late result is reported as that
    if isinstance(error, TransitionError):
        return not isinstance(error, StepInProgress)
    return isinstance(error, Exception) and not isinstance(error, LifecycleError | StateError)


def _as_refusal(run: Run, note: RefusalNote) -> Refusal:
    try:
        reason = note.args if note.kind is None else _reason(note.kind(*note.args))
    except Exception as error:  # the text of a guard's answer is the user's code
        reason = f"{note.event} was refused ({type(error).__name__} while its text was built)"
    return Refusal(run.id, *note[:4], reason, note.who, note.times)


def _describe(event: str, error: BaseException) -> str:
    if isinstance(error, TransitionError):
        return _reason(error)
    return f"{event} was stopped by {type(error).__name__}: {_reason(error)}"


def _reason(error: BaseException) -> str:
    """What the error says, bounded, as every journal can store it."""
    return escape(error, _LONGEST, storable=True)
