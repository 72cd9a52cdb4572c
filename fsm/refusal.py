"""Refusal: an attempt that did not become a step, and why.

It is a note, no promise: it never stands in the way of the error that the caller is to see.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

from states import StateError, moment

from .errors import (
    GuardRejected,
    LifecycleError,
    StaleRun,
    StepInProgress,
    TransitionError,
    TransitionNotAllowed,
)

if TYPE_CHECKING:
    import pendulum

    from .run import Run

__all__ = ["Noted", "Refusal", "keep", "known_refusals", "noted", "refusals_of", "refuse"]

_LONGEST = 2000  # characters of a reason
_TOLD_LATER = (TransitionNotAllowed, GuardRejected)  # made again from their arguments when asked


class Refusal(NamedTuple):
    """An attempt to move a run that did not become a step."""

    run: str
    seq: int  # how many steps the run had made by then
    event: str
    state: str  # where it was, by name
    micros: int  # when, in microseconds since 1970 in UTC; of several, the last
    reason: str
    who: str | None = None  # asked, as far as that is known: who had claimed the run, or a person
    times: int = 1  # how often in a row, as far as one process knows

    @property
    def at(self) -> pendulum.DateTime:
        """When it was refused, in UTC; of several times in a row, the last."""
        return moment.from_micros(self.micros)


class Noted(NamedTuple):
    """The same as a run remembers it: words are made when somebody asks."""

    seq: int
    event: str
    state: str
    micros: int
    kind: type[Exception] | None  # None: `args` is the reason itself
    args: Any
    times: int


def noted(run: Run, event: str, error: BaseException) -> Refusal | None:
    """Let *run* remember that *event* was refused; what its journal is to keep of it, if anything.

    Whoever gives arguments that make no payload, or finds the journal broken, was not refused.
    """
    later = type(error) in _TOLD_LATER
    if not later and not _is_refusal(error):
        return None
    try:
        micros = run._micros()
        said = error.args if later else _worded(event, error)
    except Exception:  # the clock's, which has failed the step too, or of an odd error
        return None
    seq, kept, times = len(run._steps or ()), run._beside().refused, 1
    fresh = run.journal is not None and not any(each[:2] == (seq, event) for each in kept)
    if kept and kept[-1][:2] == (seq, event):
        times += kept.pop().times
    state = type(run.state).__name__
    kind = cast("type[Exception]", type(error)) if later else None
    kept.append(Noted(seq, event, state, micros, kind, said, times))
    return _told(run, kept[-1]) if fresh else None


def keep(run: Run, refusal: Refusal) -> None:
    """Let the journal keep *refusal*, if it keeps such notes; nobody hears of it if it cannot."""
    note = getattr(run.journal, "note_refusal", None)
    if note is not None:
        with suppress(Exception):
            note(refusal)


def refuse(run: Run, event: str, error: TransitionError, who: str | None = None) -> NoReturn:
    """Raise *error* for an attempt that was not even made; noted as one that was."""
    fresh = noted(run, event, error)
    if fresh is not None:
        keep(run, fresh._replace(who=who))
    raise error


def refusals_of(run: Run) -> tuple[Refusal, ...]:
    """What *run* remembers, oldest first."""
    aside = run._aside
    kept = () if aside is None else tuple(aside.refused)  # at once: others may add to it
    return tuple(_told(run, note) for note in kept)


def known_refusals(run: Run) -> tuple[Refusal, ...]:
    """What *run* remembers and what its journal knows besides, oldest first."""
    asked = getattr(run.journal, "refusals", None)
    found = {each[:3]: each for each in (asked(run.id) if asked else ())}
    found |= {each[:3]: each for each in refusals_of(run)}
    return tuple(sorted(found.values(), key=lambda each: each.micros))


def _is_refusal(error: BaseException) -> bool:
    if isinstance(error, StaleRun):
        return not error.kept  # what was kept aside as a late result is told as that
    if isinstance(error, TransitionError):
        return not isinstance(error, StepInProgress)
    return isinstance(error, Exception) and not isinstance(error, LifecycleError | StateError)


def _told(run: Run, note: Noted) -> Refusal:
    reason = note.args if note.kind is None else _shown(note.kind(*note.args))
    return Refusal(run.id, note.seq, note.event, note.state, note.micros, reason, None, note.times)


def _worded(event: str, error: BaseException) -> str:
    if isinstance(error, TransitionError):
        return _shown(error)
    return f"{event} was stopped by {type(error).__name__}: {_shown(error)}"


def _shown(error: BaseException) -> str:
    """What it says, as every journal can keep it."""
    said = str(error)
    if len(said) > _LONGEST:
        said = f"{said[:_LONGEST]} …"
    return said.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
