"""Run: one thing that moves through a lifecycle, with its state and its history."""

# Annotations are evaluated here: `typing.get_type_hints` finds them under the public module.
import datetime
from _thread import allocate_lock
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, ForwardRef, NoReturn, TypeVar

from fsm.errors import CorruptJournal, InvalidArgument, TransitionNotAllowed, UnknownEvent
from fsm.ids import check_id, new_id
from fsm.lifecycle.declaration import collect_events
from fsm.lifecycle.display import Display
from fsm.lifecycle.event import Event, StateClass
from fsm.lifecycle.payload import arguments_of
from fsm.lifecycle.refusal import Refusal
from fsm.lifecycle.step import Step
from fsm.lifecycle.store import StepStore
from fsm.lifecycle.table import Lifecycle
from fsm.states import Pending, State, ambient

from . import firing, lock
from .bound import connect
from .callbacks import Callbacks, listener_methods
from .extras import Extras
from .hooks import Hook
from .lock import Owner
from .machine import CompiledRow, LifecycleMachine
from .refusals import refusals_of

if TYPE_CHECKING:
    from fsm.explain.story import Story
    from fsm.explain.why import Why
else:  # imported on demand, also by `typing.get_type_hints`
    Story, Why = ForwardRef("_answer('story', 'Story')"), ForwardRef("_answer('why', 'Why')")

__all__ = ["Clock", "Run"]

Clock = Callable[[], datetime.datetime]
R = TypeVar("R", bound="Run")


def _answer(module: str, name: str) -> Any:
    """The class *name* of `fsm.explain`, which annotations name and few programs load."""
    return getattr(import_module(f"fsm.explain.{module}"), name)


class _Machine:
    """The class's `transitions` machine, compiled on demand."""

    def __get__(self, run: "Run | None", owner: "type[Run]") -> LifecycleMachine:
        machine = owner._compiled
        if machine is None:
            machine = owner._compiled = LifecycleMachine(owner.lifecycle)
            owner._rows = machine.rows
        return machine


class Run(Display):
    """One thing that moves through a lifecycle. A subclass declares its events: see `fsm.event`.

    Args:
        id: Its name in the journal, 1 to 200 characters; a new UUID if left out.
        state: The state it begins in; a new payload of the class's `initial` if left out.
        journal: Keeps each step before it happens. Without one, only `history` has the steps.
        clock: Returns the time as an aware datetime, read once a step; the system clock if left
            out.

    Raises:
        InvalidArgument: An argument is not what it should be, or *state* is not in the table.

    Of several threads and tasks that fire at once, one moves the run. A run equals only itself.
    """

    __module__ = "fsm"

    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_clock",
        "_extras",
        "_id",
        "_lock",
        "_owner",
        "_pending",
        "_state",
        "_steps",
        "journal",
    )  # fmt: skip

    initial: ClassVar[StateClass] = Pending
    lifecycle: ClassVar[Lifecycle]
    callbacks: ClassVar[Callbacks]
    machine: _Machine = _Machine()
    _compiled: ClassVar[LifecycleMachine | None] = None
    _rows: ClassVar[Mapping[StateClass, Mapping[str, tuple[CompiledRow, ...]]]] = {}

    before: Hook = Hook("before")  # before an event or all; an error vetoes the step
    after: Hook = Hook("after")  # after an event or all
    on_enter: Hook = Hook("on_enter")  # into a state or family
    on_exit: Hook = Hook("on_exit")  # out of a state or family
    on_final: Hook = Hook("on_final")  # into a state that nothing leads out of
    handler: Hook = Hook("handler")  # (run, old, new): may return another legal state for new

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
            raise InvalidArgument(
                f"a clock is a function that returns an aware datetime, not {clock!r}"
            )
        self.journal: StepStore | None = journal
        self._clock = clock
        self._id = id
        self._state = state  # None: a plain Pending that was not read yet
        if state is None and (_surroundings()[1] or self.initial is not Pending):
            with ambient.at(self._micros()):
                self._state = self.initial()
        self._steps: list[Step] | None = None  # None until the first: many runs have none
        self._callbacks: Callbacks | None = None
        self._extras: Extras | None = None
        self._lock = allocate_lock()
        self._owner: Owner | None = None  # of the lock, while it is held; see fsm/run/lock.py
        self._pending: Step | None = None  # in its commit: the journal may have it, the run not yet

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._compiled, cls._rows = None, {}
        kind = f"{cls.__module__}:{cls.__qualname__}"
        events = collect_events(cls)
        for each in events:
            connect(each)
        cls.lifecycle = Lifecycle.of(cls.__name__, cls.initial, events, kind)
        above = [
            vars(base)["callbacks"] for base in cls.__mro__[:0:-1] if "callbacks" in vars(base)
        ]
        cls.callbacks = Callbacks(above, cls.lifecycle)
        cls.callbacks.declare(listener_methods(cls, cls.lifecycle))

    @classmethod
    def restore(cls: type[R], id: str, journal: StepStore, *, clock: Clock | None = None) -> R:
        """The run that *journal* has kept under *id*, with its state, history and settings.

        No guard is evaluated, no listener called and no clock read.

        Args:
            journal: A journal, or a claim on the run: then its steps are made under the claim.

        Raises:
            UnknownRun: The journal has no such run.
            CorruptJournal: What it has is no history of this lifecycle.
        """
        _check_journal(journal)
        steps = list(journal.steps(id))
        cls.lifecycle.check_history(id, steps)
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
            fresh = new_id()
            with lock.first:
                if self._id is None:
                    self._id = fresh
        return self._id

    @property
    def state(self) -> State:
        """Its state: the payload that it entered last."""
        if self._pending is not None:
            firing.settle_if_free(self)
        if self._state is None:
            fresh = Pending()
            with lock.first:
                if self._state is None:
                    self._state = fresh
        return self._state

    @property
    def clock(self) -> Clock | None:
        """Its clock; None: the system clock."""
        return self._clock

    @property
    def history(self) -> tuple[Step, ...]:
        """Its steps so far, oldest first."""
        if self._pending is not None:
            firing.settle_if_free(self)
        return tuple(self._steps or ())

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The last attempts that did not become steps, oldest first.

        At most 32, and only those of this process; `journal.refusals(run.id)` has all.
        """
        return refusals_of(self)

    @property
    def allowed(self) -> tuple[str, ...]:
        """The events that lead out of its state by the table, whatever guards answer."""
        return self.lifecycle.allowed(type(self.state))

    def trigger(self, event: str, /, *args: Any, **kwargs: Any) -> State:
        """Fire an event by its name, with its arguments: `run.trigger("retry")` is `run.retry()`.

        Returns:
            The state entered.

        Raises:
            UnknownEvent: The table has no such event; the run did not move.
            TransitionError: No row, a guard or another writer refused; the run did not move.
            JournalError: The step could not be kept; the run did not move.
            CallbackError: The run moved, and a listener failed afterwards.
        """
        return firing.fire(self._event_name(event), self, *args, **kwargs)

    def once(self, key: str, event: str | Event[Any, Any], /, *args: Any, **kwargs: Any) -> State:
        """Fire an event once under an idempotency key: a repeated request makes no second step.

        Args:
            key: Names the request, 1 to 200 characters. The journal keeps it with the step.
            event: The event or its name; its arguments follow.

        Returns:
            The state entered, now or when the request came first.

        Raises:
            InvalidArgument: The key belongs to a step of another event; the run did not move.
            StaleRun: Another process moved the run, perhaps for the same request: restore it and
                try again; the run did not move here.
        """
        check_id(key, "a request's key")
        return firing.fire_once(key, self._event_name(event), self, args, kwargs)

    def enter(self, state: State) -> State:
        """Make the step to *state* by the first event that leads there and whose guards pass.

        Its fields are the event's arguments. Events with an `explicit_only` row are left out.

        Returns:
            The state entered.

        Raises:
            TransitionNotAllowed: No event leads from here to such a state; the run did not move.
            GuardRejected: Events do, but their guards rejected the step; the run did not move.
            JournalError: The step could not be kept; the run did not move.
            CallbackError: The run moved, and a listener failed afterwards.
        """
        events = self.lifecycle.leading(type(self.state), type(state))
        if not events:
            raise TransitionNotAllowed(f"enter {type(state).__name__}", self.state, self.allowed)
        given = arguments_of(state)
        # Evaluated, not fired: an attempt that is refused would be noted.
        passing = (event for event in events[:-1] if not firing.refusal(event, self, **given))
        return firing.fire(next(passing, events[-1]), self, **given)

    def why_not(self, event: str | Event[Any, Any], /, *args: Any, **kwargs: Any) -> "Why | None":
        """Why firing now would be refused, and the events that lead to where it would pass.

        Printed, the answer is sentences; its `refused` is what firing would raise. The run is not
        moved and no listener called: events are tried out on doubles of the run. So what a
        `before` listener vetoes, or a state handler changes, is not foreseen.

        Returns:
            None where firing now would pass.

        Raises:
            UnknownEvent: The table has no such event.
        """
        from fsm.explain.why import explain  # imported on demand: most programs never ask

        answer = explain(self, event, *args, **kwargs)
        return None if answer.allowed else answer

    def story(self) -> "Story":
        """What happened to it, when and why, and what it waits for: printed, it is sentences."""
        from fsm.explain.story import tell_story  # few runs are asked for their story

        return tell_story(self)

    def post(self, event: str | Event[Any, Any], /, *args: Any, **kwargs: Any) -> None:
        """Fire when the step in progress is done, or now if there is none.

        Args:
            event: The event or its name; its arguments follow.

        Raises:
            UnknownEvent: The table has no such event.
            LifecycleError: No step was in progress, and the event was refused or its listeners
                failed. Otherwise that is part of the `CallbackError` of the step in progress.
        """
        name = self._event_name(event)
        self._own_extras().append((name, args, kwargs))
        firing.post(self)

    def catch_up(self) -> tuple[Step, ...]:
        """Take over, from the journal, the steps that other writers have made of the run.

        For each of them the listeners after a step are called, not guards, state handlers and
        `before` listeners: the step stands.

        Returns:
            Those steps; an empty tuple where there are none, or no journal.

        Raises:
            CorruptJournal: They do not continue this run's history; the run did not move.
            JournalError: The journal cannot be read; the run did not move.
            CallbackError: A listener failed; the run has caught up.
        """
        return firing.catch_up(self)

    def settings(self) -> Mapping[str, Any]:
        """What `restore` gives the constructor, as JSON values; kept with the first step."""
        return {}

    def __repr__(self) -> str:
        state, steps = type(self.state).__name__, len(self._steps or ())
        return f"<{type(self).__name__} {self.id!r}: {state} after {steps} steps>"

    def __reduce__(self) -> NoReturn:
        raise InvalidArgument(
            "a run cannot be pickled; send its id, and restore it there from its journal"
        )

    # For this package; fsm/run/access.py is for others.

    def _own_extras(self) -> Extras:
        if self._extras is None:
            fresh = Extras()
            with lock.first:
                if self._extras is None:
                    self._extras = fresh
        return self._extras

    def _micros(self) -> int:
        if self._clock is None:
            return ambient.micros()
        with ambient.clock(self._clock):
            return ambient.micros()

    def _leading(self, event: str) -> tuple[CompiledRow, ...]:
        """The rows out of its state under *event*, in the order in which they are tried."""
        return self.machine.rows[type(self.state)].get(event, ())

    def _own_callbacks(self) -> Callbacks:
        if self._callbacks is None:
            self._callbacks = self.callbacks.below()
        return self._callbacks

    def _surroundings(self) -> Mapping[str, Any]:
        """The ambient context in which tasks and state handlers of the run build payloads."""
        return {}

    def _event_name(self, event: str | Event[Any, Any]) -> str:
        name = event.name if isinstance(event, Event) else event
        if not isinstance(name, str) or name not in self.lifecycle.events:
            raise UnknownEvent(str(name), tuple(self.lifecycle.events))
        return name

    @classmethod
    def _check_node(cls, state: object) -> None:
        if type(state) not in cls.lifecycle.nodes:
            names = ", ".join(node.__name__ for node in cls.lifecycle.nodes)
            raise InvalidArgument(f"no {cls.__name__} begins in {state!r}; its states are {names}")


def _check_journal(journal: object) -> None:
    if not callable(getattr(journal, "append", None)) or not callable(
        getattr(journal, "steps", None)
    ):
        raise InvalidArgument(f"a journal is made by open_journal(), not {journal!r}")


Run.lifecycle = Lifecycle.of("Run", Run.initial, (), f"{Run.__module__}:Run")
Run.callbacks = Callbacks((), Run.lifecycle)

_surroundings = ambient.current
