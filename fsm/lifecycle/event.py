"""Event: what can happen to a run, declared in a class body as rows of its table."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

import attrs

from fsm.errors import InvalidLifecycle
from fsm.run import aio as afiring
from fsm.run import firing
from fsm.states import State

from .guard import Guard, label

if TYPE_CHECKING:
    from fsm.explain.why import Why
    from fsm.run.run import Run

    from .payload import Draft

__all__ = ["BoundEvent", "Event", "Prepare", "Transition", "either", "event", "internal"]

P = ParamSpec("P")
S = TypeVar("S", bound=State)

StateClass = type[State]
Prepare = Callable[["Draft"], Mapping[str, Any]]


@attrs.frozen(eq=False)
class Transition:
    """One row of the table: where it leads, where from, and who may say no.

    A row on a class is a row on its subclasses, nearest ancestor first, as a substate's
    transitions come before its parent's (SCXML, selecting transitions).
    """

    dest: StateClass | None  # None: the run stays where it is
    sources: tuple[StateClass, ...]
    excluding: tuple[StateClass, ...] = ()
    conditions: tuple[Guard, ...] = ()
    unless: tuple[Guard, ...] = ()
    prepare: Prepare | None = None
    message: str | None = None
    by_name: bool = False  # not for whoever only says where to go: `enter`, a state handler

    @property
    def guarded(self) -> bool:
        """Whether anyone may say no."""
        return bool(self.conditions or self.unless)

    @property
    def label(self) -> str:
        """The guards as a diagram shows them: `[attempts left]`, `[not frozen]`."""
        asked = [label(guard) for guard in self.conditions]
        asked += [f"not {label(guard)}" for guard in self.unless]
        return f"[{', '.join(asked)}]" if asked else ""

    def distance(self, node: StateClass) -> int | None:
        """How far up *node*'s ancestry the row is declared; None where it does not apply."""
        if any(issubclass(node, excluded) for excluded in self.excluding):
            return None
        steps = [node.__mro__.index(source) for source in self.sources if issubclass(node, source)]
        return min(steps, default=None)


if TYPE_CHECKING:

    class _Property: ...  # whose type no checker can say: `__get__` below does

else:
    _Property = property


class Event(_Property, Generic[P, S]):
    """What can happen to a run. On a run it is a method that fires; on the class it is itself.

    Two events join with `|` under one name: the rows are tried in order, and the first whose
    guards pass wins.

    A property whose getter is a partial, because getting one then runs no Python function.
    """

    def __init__(self, rows: Iterable[Transition], name: str = "") -> None:
        self.rows = tuple(rows)
        self._call(name)

    def __set_name__(self, owner: type, name: str) -> None:
        self._call(self.name or name)

    def _call(self, name: str) -> None:
        self.name = name
        bind: Any = functools.partial(cast(Any, BoundEvent), firing.fire, name)
        property.__init__(cast(Any, self), bind, doc=type(self).__doc__)

    if TYPE_CHECKING:

        @overload
        def __get__(self, run: None, owner: type) -> Event[P, S]: ...
        @overload
        def __get__(self, run: Run, owner: type | None = None) -> BoundEvent[P, S]: ...
        def __get__(self, run: Run | None, owner: type | None = None) -> Any: ...

    def __or__(self, other: Event[P, S]) -> Event[P, S]:
        if not isinstance(other, Event):
            return NotImplemented
        return Event(self.rows + other.rows)

    def __repr__(self) -> str:
        dests = dict.fromkeys(row.dest.__name__ if row.dest else "(stays)" for row in self.rows)
        return f"<event {self.name or '(unnamed)'} → {' or '.join(dests)}>"


class BoundEvent(functools.partial[S], Generic[P, S]):
    """An event, ready to fire on one run: `firing.fire`, with the event's name and the run given.

    A partial, because calling one does not go through a Python function of its own.
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The event's name."""
        return str(self.args[0])

    @property
    def run(self) -> Run:
        """The run it fires on."""
        return cast("Run", self.args[1])

    if TYPE_CHECKING:

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> S:
            """Fire, and return the state entered. The arguments are those of that state's class.

            Raises:
                TransitionError: No row, a guard or another writer refused; the run did not move.
                JournalError: The step could not be kept; the run did not move.
                StateError: The payload was refused; the run did not move.
                CallbackError: The run did move, but a listener failed afterwards.
                Exception: What a `before` listener, a state handler or a guard raised; the run did
                    not move.
            """
            ...

        def aio(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, S]:
            """Fire from async code: listeners may be async, and are awaited in the same order.

            Cancelling before the journal has the step leaves the run where it was; cancelling later
            leaves a run that has moved and remaining listeners that were not told.
            """
            ...

    else:
        aio = afiring.afire

    def may(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether firing now, with these arguments, would pass table and guards.

        Raises:
            StateError: The arguments do not make a payload.
        """
        return firing.refusal(self.name, self.run, *args, **kwargs) is None

    def why_not(self, *args: P.args, **kwargs: P.kwargs) -> Why | None:
        """Why firing now would be refused, as `Run.why_not` says it; None where the way is free."""
        return self.run.why_not(self.name, *args, **kwargs)

    def __repr__(self) -> str:
        return f"<{self.name} of {self.run!r}>"


def event(
    dest: Callable[P, S],
    *,
    source: StateClass | Iterable[StateClass],
    excluding: StateClass | Iterable[StateClass] = (),
    conditions: Iterable[Guard] = (),
    unless: Iterable[Guard] = (),
    prepare: Prepare | None = None,
    message: str | None = None,
    by_name: bool = False,
) -> Event[P, S]:
    """Declare a row: the name it is given in the class body leads from *source* to *dest*.

    Args:
        dest: The state class entered; firing takes its constructor's arguments.
        source: The class, or classes, it leads from; their subclasses included.
        excluding: Classes, and their subclasses, it does not lead from after all.
        conditions: Guards that must all pass; see `fsm.lifecycle.guard`.
        unless: Guards that must all say no.
        prepare: Given the `Draft`, returns payload arguments for what the caller leaves out.
        message: The payload's message where the caller and *prepare* leave it out.
        by_name: Whether it says why, so that nobody goes this way who only says where to:
            `Run.enter`, or a state handler that wants another state.

    Raises:
        InvalidLifecycle: A state is none, or a guard cannot be called.
    """
    if not is_node(dest):
        raise InvalidLifecycle(f"the destination of an event is a state class, not {dest!r}")
    row = _row(cast(StateClass, dest), source, excluding, conditions, unless, prepare, message)
    return Event([attrs.evolve(row, by_name=True) if by_name else row])


def either(*events: Event[Any, Any]) -> Event[..., State]:
    """Join events under one name, as `|` does, also where they lead to different states."""
    if not events:
        raise InvalidLifecycle("either() joins events; name at least one")
    for each in events:
        if not isinstance(each, Event):
            raise InvalidLifecycle(f"an event is made by event() or internal(), {each!r} is not")
    return Event(row for each in events for row in each.rows)


def internal(
    *,
    source: StateClass | Iterable[StateClass],
    excluding: StateClass | Iterable[StateClass] = (),
    conditions: Iterable[Guard] = (),
    unless: Iterable[Guard] = (),
    prepare: Prepare | None = None,
) -> Event[..., State]:
    """Declare a row that stays: no state is left or entered, but the step is journaled.

    Firing takes changes to the payload, as `State.evolve` does: `run.progress(message="half")`.
    """
    return Event([_row(None, source, excluding, conditions, unless, prepare, None)])


def _row(
    dest: StateClass | None,
    source: StateClass | Iterable[StateClass],
    excluding: StateClass | Iterable[StateClass],
    conditions: Iterable[Guard],
    unless: Iterable[Guard],
    prepare: Prepare | None,
    message: str | None,
) -> Transition:
    row = Transition(
        dest=dest,
        sources=_classes("source", source),
        excluding=_classes("excluding", excluding),
        conditions=_guards("conditions", conditions),
        unless=_guards("unless", unless),
        prepare=prepare,
        message=message,
    )
    if not row.sources:
        raise InvalidLifecycle("an event needs at least one source")
    if prepare is not None and not callable(prepare):
        raise InvalidLifecycle(f"prepare is a function (draft), not {prepare!r}")
    return row


def _guards(role: str, given: Iterable[Guard]) -> tuple[Guard, ...]:
    if not isinstance(given, Iterable):
        raise InvalidLifecycle(f"{role} is a list of guards, not {given!r}")
    guards = tuple(given)
    for guard in guards:
        if not callable(guard):
            raise InvalidLifecycle(f"a guard is a function (run, step), not {guard!r}")
    return guards


def _classes(role: str, given: StateClass | Iterable[StateClass]) -> tuple[StateClass, ...]:
    classes = tuple(given) if isinstance(given, Iterable) else (given,)
    for cls in classes:
        if not (isinstance(cls, type) and issubclass(cls, State)):
            raise InvalidLifecycle(f"the {role} of an event is a state class, not {cls!r}")
    return classes


def is_node(dest: object) -> bool:
    """Whether a run can rest in *dest*: `State` itself and `_`-classes are families only."""
    return (
        isinstance(dest, type)
        and issubclass(dest, State)
        and dest is not State
        and not dest.__name__.startswith("_")
    )
