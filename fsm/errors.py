"""The tree of errors, and what each says about the run.

LifecycleError
├── InvalidLifecycle(TypeError)         the table makes no sense; raised when the class is made
├── InvalidArgument(TypeError, ValueError)  a call got what it cannot use; nothing happened
├── MissingExtra(ImportError)           an optional dependency is not installed; says which extra
├── TransitionError                     the run did NOT move
│   ├── TransitionNotAllowed            no row leads from here            .event .source .allowed
│   ├── GuardRejected                   a row does; a guard said no       .event .source .rejections
│   ├── UnknownEvent(LookupError)       the table has no such event       .event .known
│   ├── StepInProgress(RuntimeError)    fired from inside a step; use run.post()
│   └── StaleRun                        another writer moved it first; restore and try again
├── JournalError                        the journal refused or failed; the run did NOT move
│   ├── UnknownRun(LookupError)         no such run
│   ├── CorruptJournal                  what is recorded is not a history of this lifecycle
│   └── JournalUncertain                the journal cannot say whether it kept the step; restore
└── CallbackError(ExceptionGroup)       the run DID move; these listeners failed after    .step

What a `before` listener, a state handler or a guard raises is a veto: it reaches the caller as it
is, and the run did not move.
"""

# Annotations are evaluated here: `typing.get_type_hints` finds them for each public class.
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, Self

__all__ = [
    "CallbackError",
    "CorruptJournal",
    "GuardRejected",
    "InvalidArgument",
    "InvalidLifecycle",
    "JournalError",
    "JournalUncertain",
    "LifecycleError",
    "MissingExtra",
    "RejectionLike",
    "StaleRun",
    "StateLike",
    "StepInProgress",
    "StepLike",
    "TransitionError",
    "TransitionNotAllowed",
    "UnknownEvent",
    "UnknownRun",
    "did_you_mean",
]


class StateLike(Protocol):
    """What an error shows of a state: any `fsm.states.State` is one."""

    @property
    def message(self) -> Any: ...
    @property
    def result(self) -> Any: ...
    @property
    def context(self) -> Mapping[str, Any]: ...


class StepLike(Protocol):
    """What an error shows of a step: any `fsm.Step` is one."""

    @property
    def run(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def event(self) -> str: ...
    @property
    def source(self) -> StateLike: ...
    @property
    def dest(self) -> StateLike: ...
    @property
    def at(self) -> datetime.datetime: ...


class RejectionLike(Protocol):
    """What an error shows of a guard that said no: any `fsm.lifecycle.guard.Rejection` is one."""

    @property
    def guard(self) -> Callable[..., Any]: ...
    @property
    def answer(self) -> Any: ...
    @property
    def wanted(self) -> bool: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def passes_at(self) -> datetime.datetime | None: ...
    @property
    def where(self) -> str: ...


class LifecycleError(Exception):
    """Anything that this engine refuses or reports."""


class InvalidLifecycle(LifecycleError, TypeError):
    """The table makes no sense; raised when the class is made."""


class InvalidArgument(LifecycleError, TypeError, ValueError):
    """A call got what it cannot use; nothing happened."""


class MissingExtra(LifecycleError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(what, extra)
        self.what: str = what
        self.extra: str = extra

    def __str__(self) -> str:
        return f"{self.what} needs the extra {self.extra!r}: pip install 'runstates[{self.extra}]'"


class TransitionError(LifecycleError):
    """The run did not move."""


class TransitionNotAllowed(TransitionError):
    """No row of the table leads from here under this event; the run did not move."""

    def __init__(self, event: str, source: StateLike, allowed: Sequence[str]) -> None:
        super().__init__(event, source, allowed)
        self.event: str = event
        self.source: StateLike = source
        self.allowed: tuple[str, ...] = tuple(allowed)

    def __str__(self) -> str:
        name = type(self.source).__name__
        if not self.allowed:
            return f"cannot {self.event} from {name}; {name} is final, nothing leads out of it"
        return f"cannot {self.event} from {name}; from {name} one can {', '.join(self.allowed)}"


class GuardRejected(TransitionError):
    """A row leads from here, but its guards rejected the step; the run did not move."""

    def __init__(self, event: str, source: StateLike, rejections: Sequence[RejectionLike]) -> None:
        super().__init__(event, source, rejections)
        self.event: str = event
        self.source: StateLike = source
        self.rejections: tuple[RejectionLike, ...] = tuple(rejections)

    @property
    def guards(self) -> tuple[Any, ...]:
        """The guards that said no, in the order of their rows."""
        return tuple(rejection.guard for rejection in self.rejections)

    def __str__(self) -> str:
        reasons = "; ".join(map(str, self.rejections))
        return f"cannot {self.event} from {type(self.source).__name__}: {reasons}"


class UnknownEvent(TransitionError, LookupError):
    """The table has no event of this name; the run did not move."""

    def __init__(self, event: str, known: Sequence[str]) -> None:
        super().__init__(event, known)
        self.event: str = event
        self.known: tuple[str, ...] = tuple(known)

    def __str__(self) -> str:
        hint = did_you_mean(self.event, self.known)
        return f"no event is called {self.event!r}{hint}; there are {', '.join(self.known)}"


class StepInProgress(TransitionError, RuntimeError):
    """Fired from inside a step of the same run, which did not move.

    `run.post` fires when the step in progress is done.
    """


class StaleRun(TransitionError):
    """Another writer has taken this place in the history; the run did not move here.

    Restore the run, or let it `catch_up`, and decide again.
    """

    kept: bool = False  # whether the step was kept aside as a late result

    def __init__(self, run: str, seq: int, winner: str) -> None:
        super().__init__(run, seq, winner)
        self.run: str = run
        self.seq: int = seq
        self.winner: str = winner

    def __str__(self) -> str:
        return (
            f"run {self.run!r} has moved on: step {self.seq} is already {self.winner}; "
            "restore the run and decide again"
        )


class JournalError(LifecycleError):
    """The journal refused or failed; the run did not move."""


class UnknownRun(JournalError, LookupError):
    """The journal has no run of this id."""

    def __init__(self, run: str, journal: object) -> None:
        super().__init__(run, str(journal))
        self.run: str = run
        self.journal: str = str(journal)

    def __str__(self) -> str:
        return f"no run {self.run!r} in {self.journal}"


class CorruptJournal(JournalError):
    """What is recorded is not a history of this lifecycle."""


class JournalUncertain(JournalError):
    """The journal cannot say whether it kept the step; restore the run to find out."""


class CallbackError(LifecycleError, ExceptionGroup[Exception]):
    """The run did move; these listeners, or events they posted, failed afterwards."""

    step: StepLike

    @classmethod
    def of(cls, step: StepLike, errors: Sequence[Exception]) -> Self:
        """Gather *errors* under a message that says which step stands."""
        group = cls(f"{step} happened, but", list(errors))
        group.step = step
        return group

    def derive(self, excs: Sequence[Exception]) -> Self:  # type: ignore[override]  # narrower on purpose: `split` keeps the step
        """Keep the step when the group is split."""
        return type(self).of(self.step, excs)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` where one of *known* is close to *word*, else nothing."""
    import difflib  # imported on demand: only errors need it

    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
