"""Run: one thing that moves through a lifecycle, with its state and its history."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from fsm.errors import CorruptJournal, InvalidArgument, TransitionNotAllowed, UnknownEvent
from fsm.ids import check_id, new_id
from fsm.lifecycle.declaration import declared
from fsm.lifecycle.display import Pictured
from fsm.lifecycle.event import Event, StateClass
from fsm.lifecycle.history import check_history
from fsm.lifecycle.payload import given_by
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle
from fsm.states import Pending, State, ambient

from . import firing, following
from .bound import connect
from .callbacks import Callbacks, methods
from .extras import Aside
from .hooks import Hook
from .machine import CompiledRow, LifecycleMachine
from .refusals import refusals_of

if TYPE_CHECKING:
    import datetime

    from fsm.explain.story import Story
    from fsm.explain.why import Why
    from fsm.lifecycle.store import StepStore

__all__ = ["Clock", "Run"]

Clock = Callable[[], "datetime.datetime"]
R = TypeVar("R", bound="Run")


class _Machine:
    """The class's `transitions` machine, compiled when first asked for."""

    def __get__(self, run: Run | None, owner: type[Run]) -> LifecycleMachine:
        machine = owner._compiled
        if machine is None:
            machine = owner._compiled = LifecycleMachine(owner.lifecycle)
            owner._rows, owner._short_cuts = machine.rows, machine.short_cuts
        return machine


class Run(Pictured):
    """One thing that moves through a lifecycle, whose events its class declares.

    Args:
        id: Its name in the journal, at most 200 characters; made up if left out.
        state: Where it begins; a fresh payload of the class's `initial` if left out.
        journal: Keeps its steps and must agree before a step happens; without one, `history` does.
        clock: Returns the time as an aware datetime, asked once a step; the system's if left out.

    Safe under threads: of several that fire at once, one moves it. Equal only to itself.
    """

    __slots__ = (
        "__weakref__", "_aside", "_callbacks", "_clock", "_id", "_lock", "_owner", "_state",
        "_steps", "journal",
    )  # fmt: skip

    initial: ClassVar[StateClass] = Pending
    lifecycle: ClassVar[Lifecycle]
    callbacks: ClassVar[Callbacks]
    machine = _Machine()
    _compiled: ClassVar[LifecycleMachine | None] = None
    _rows: ClassVar[Mapping[StateClass, Mapping[str, tuple[CompiledRow, ...]]]] = {}
    _short_cuts: ClassVar[Mapping[str, Mapping[StateClass, CompiledRow]]] = {}

    before = Hook("before")  # before an event or all; raising vetoes the step
    after = Hook("after")  # after an event or all
    on_enter = Hook("on_enter")  # into a state or family
    on_exit = Hook("on_exit")  # out of a state or family
    on_final = Hook("on_final")  # into a state that nothing leads out of
    handler = Hook("handler")  # (run, old, new): may return another legal state for new

    def __init__(
        self,
        id: str | None = None,
        *,
        state: State | None = None,
        journal: StepStore | None = None,
        clock: Clock | None = None,
    ) -> None:
        if id is not None:
            check_id(id)
        if state is not None:
            self._check_node(state)
        if journal is not None:
            _check_journal(journal)
        if clock is not None and not callable(clock):
            raise InvalidArgument(f"a clock is called for an aware datetime, {clock!r} cannot be")
        self.journal = journal
        self._clock = clock
        self._id = id
        self._state = state  # None stands for a plain Pending that nobody has looked at
        if state is None and (_surroundings()[1] or self.initial is not Pending):
            with ambient.at(self._micros()):
                self._state = self.initial()
        self._steps: list[Step] | None = None  # None until the first, for the sake of many runs
        self._callbacks: Callbacks | None = None
        self._aside: Aside | None = None
        self._lock = allocate_lock()
        self._owner: int | tuple[int, object] | None = None  # who steps: a thread, or its task too

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._compiled, cls._rows, cls._short_cuts = None, {}, {}
        kind = f"{cls.__module__}:{cls.__qualname__}"
        events = declared(cls)
        for each in events:
            connect(each)
        cls.lifecycle = Lifecycle.of(cls.__name__, cls.initial, events, kind)
        above = [
            vars(base)["callbacks"] for base in cls.__mro__[:0:-1] if "callbacks" in vars(base)
        ]
        cls.callbacks = Callbacks(above, cls.lifecycle)
        cls.callbacks.declare(methods(cls, cls.lifecycle))

    @classmethod
    def restore(cls: type[R], id: str, journal: StepStore, *, clock: Clock | None = None) -> R:
        """Return the run that *journal* has recorded: same state, history and settings.

        No guard runs, no listener is called and no clock is read.

        Raises:
            UnknownRun: There is no such run.
            CorruptJournal: What is recorded is not a history of this lifecycle.
        """
        _check_journal(journal)
        steps = list(journal.steps(id))
        check_history(cls.lifecycle, id, steps)
        first, settings = steps[0], steps[0].settings or {}
        try:
            run = cls(id, state=first.source, journal=journal, clock=clock, **settings)
        except (TypeError, ValueError) as error:
            raise CorruptJournal(
                f"run {id!r}: its settings {settings!r} do not make a {cls.__name__}: {error}"
            ) from error
        run._steps = steps
        run._state = steps[-1].dest
        return run

    @property
    def id(self) -> str:
        """Its name in the journal."""
        if self._id is None:
            with _birth:
                if self._id is None:
                    self._id = new_id()
        return self._id

    @property
    def state(self) -> State:
        """Where it is, and what it carries."""
        if self._state is None:
            with _birth:  # the first to ask, not the last, says what it is
                if self._state is None:
                    self._state = Pending()
        return self._state

    @property
    def clock(self) -> Clock | None:
        """Its clock; None stands for the system's."""
        return self._clock

    @property
    def history(self) -> tuple[Step, ...]:
        """Its steps so far, oldest first."""
        return tuple(self._steps or ())

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The last attempts that did not become steps of it, oldest first.

        At most 32, as far as this process knows; `journal.refusals(run.id)` knows of the others'.
        """
        return refusals_of(self)

    @property
    def allowed(self) -> tuple[str, ...]:
        """The events that lead out of here, whatever their guards will say."""
        return self.lifecycle.allowed(type(self.state))

    def trigger(self, event: str, /, *args: Any, **kwargs: Any) -> State:
        """Fire by name, as a command line or a network does; otherwise as the method does.

        Raises:
            UnknownEvent: The table has no such event; the run did not move.
        """
        return firing.fire(self._known(event), self, *args, **kwargs)

    def once(self, key: str, event: str | Event[Any, Any], /, *args: Any, **kwargs: Any) -> State:
        """Fire for a request that may come again: the second time is the first step, not another.

        Args:
            key: The request's own name, of 1 to 200 characters. The journal keeps it with the step.

        Returns:
            The state entered, now or when the request first came.

        Raises:
            InvalidArgument: Another event was fired under this key; the run did not move.
            StaleRun: Another process has moved the run, perhaps for this very request: restore it
                and ask again.
        """
        check_id(key, "a request's key")
        return firing.fire_once(key, self._known(event), self, args, kwargs)

    def enter(self, state: State) -> State:
        """Make the step that leads to *state*, by whichever event leads there; otherwise as firing.

        What *state* carries stands: a `Retrying` made outside the run's own tasks says itself
        how many attempts there have been.

        Raises:
            TransitionNotAllowed: No event leads from here to such a state; the run did not move.
            GuardRejected: Those that do have guards that said no; the run did not move.
        """
        events = self.lifecycle.leading(type(self.state), type(state))
        if not events:
            raise TransitionNotAllowed(f"enter {type(state).__name__}", self.state, self.allowed)
        given = given_by(state)
        # Asked first, not tried: what is tried and refused is noted.
        passing = (event for event in events[:-1] if not firing.refusal(event, self, **given))
        return firing.fire(next(passing, events[-1]), self, **given)

    def why_not(self, event: str | Event[Any, Any], /, *args: Any, **kwargs: Any) -> Why | None:
        """Why firing now would be refused, and the triggers that lead to where it passes.

        Printed, it is sentences; `refused` is what firing would raise. Nothing is moved or told:
        the way is tried out on doubles of the run. So what a `before` listener would veto, or a
        state handler change, is not foreseen.

        Returns:
            None where the way is free.
        """
        from fsm.explain.why import explain  # at the door: `import fsm` does not pay for it

        answer = explain(self, event, *args, **kwargs)
        return None if answer.allowed else answer

    def story(self) -> Story:
        """What happened to it, when and why, and what it waits for: printed, it is sentences."""
        from fsm.explain.story import tell_story  # few runs are asked for their story

        return tell_story(self)

    def post(self, event: str | Event[Any, Any], /, *args: Any, **kwargs: Any) -> None:
        """Fire when the step in progress is done, or now if there is none.

        Errors of a posted event come out of the step it was posted in, as part of its
        `CallbackError`.
        """
        name = self._known(event)
        self._beside().append((name, args, kwargs))
        firing.post(self)

    def catch_up(self) -> tuple[Step, ...]:
        """Take over, from its journal, the steps that others have made of it since.

        Its listeners are told of them here, where the step was not vetoed and is not new: no
        guard, no state handler and no `before`.

        Returns:
            Those steps; none where there are none, or no journal.

        Raises:
            CorruptJournal: They do not go on from where this run stands.
            CallbackError: A listener failed; the run has caught up.
        """
        return following.catch_up(self)

    def settings(self) -> Mapping[str, Any]:
        """What `restore` hands back to the constructor by keyword: plain JSON values."""
        return {}

    def __repr__(self) -> str:
        state, steps = type(self.state).__name__, len(self._steps or ())
        return f"<{type(self).__name__} {self.id!r}: {state} after {steps} steps>"

    def __reduce__(self) -> NoReturn:
        raise InvalidArgument(
            "a run stays in its process; send its id, and restore it there from its journal"
        )

    # What events, hooks and firing need of a run.

    def _beside(self) -> Aside:
        if self._aside is None:
            with _birth:  # the first to ask, not the last, says which it is
                if self._aside is None:
                    self._aside = Aside()
        return self._aside

    def _micros(self) -> int:
        if self._clock is None:
            return ambient.micros()
        with ambient.clock(self._clock):
            return ambient.micros()

    def _leading(self, event: str) -> tuple[CompiledRow, ...]:
        """The rows out of here under *event*, in the order they are tried."""
        return self.machine.rows[type(self.state)].get(event, ())

    def _own_callbacks(self) -> Callbacks:
        if self._callbacks is None:
            self._callbacks = self.callbacks.below()
        return self._callbacks

    def _surroundings(self) -> Mapping[str, Any]:
        """The ambient context of who makes payloads for it: its tasks and state handlers."""
        return {}

    def _known(self, event: str | Event[Any, Any]) -> str:
        name = event.name if isinstance(event, Event) else event
        if not isinstance(name, str) or name not in self.lifecycle.events:
            raise UnknownEvent(str(name), tuple(self.lifecycle.events))
        return name

    @classmethod
    def _check_node(cls, state: object) -> None:
        if type(state) not in cls.lifecycle.nodes:
            names = ", ".join(node.__name__ for node in cls.lifecycle.nodes)
            raise InvalidArgument(
                f"a {cls.__name__} cannot be in {state!r}; its states are {names}"
            )


def _check_journal(journal: object) -> None:
    if not callable(getattr(journal, "append", None)) or not callable(
        getattr(journal, "steps", None)
    ):
        raise InvalidArgument(f"a journal is what open_journal() gives, not {journal!r}")


# A table of one state and no rows, so that `Run` itself is no exception.
Run.lifecycle = Lifecycle.of("Run", Run.initial, (), f"{Run.__module__}:Run")
Run.callbacks = Callbacks((), Run.lifecycle)

_birth = allocate_lock()
_surroundings = ambient.current
