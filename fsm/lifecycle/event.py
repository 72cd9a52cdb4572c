"""Event: what can happen to a run, declared in a class body as rows of its table."""

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, cast, overload

import attrs

from fsm.errors import InvalidLifecycle, RejectionLike
from fsm.states import State

from .guard import Guard, label, unwrap
from .payload import Draft

__all__ = ["Event", "EventMethod", "Prepare", "Transition", "either", "event", "internal"]

P = ParamSpec("P")
S = TypeVar("S", bound=State)
S_co = TypeVar("S_co", bound=State, covariant=True)

StateClass = type[State]
Prepare = Callable[[Draft], Mapping[str, Any]]


@attrs.frozen(eq=False)
class Transition:
    """One row of the table: its destination, its sources and its guards.

    A row on a class is a row on its subclasses, nearest ancestor first, as a substate's
    transitions come before its parent's (SCXML, selecting transitions).
    """

    __module__ = "fsm.lifecycle"

    dest: StateClass | None  # None: an internal transition, the run stays where it is
    sources: tuple[StateClass, ...]
    excluding: tuple[StateClass, ...] = ()
    conditions: tuple[Guard, ...] = ()
    unless: tuple[Guard, ...] = ()
    prepare: Prepare | None = None
    message: str | None = None
    explicit_only: bool = False  # not considered by `enter` and state handlers

    @property
    def guarded(self) -> bool:
        """Whether a guard may reject it."""
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

    class _Property: ...  # its type is that of `__get__` below

else:
    _Property = property


class _EventDoc:
    """`__doc__` of an event: the class's own on the class, and of one event what its rows say."""

    def __init__(self, doc: str) -> None:
        self.doc = doc

    def __get__(self, event: "Event[Any, Any] | None", owner: type) -> str:
        return self.doc if event is None else describe(event)

    def __set__(self, event: "Event[Any, Any]", doc: str | None) -> None:
        """Ignore the getter's docstring, which `property` copies."""


class Event(_Property, Generic[P, S]):
    """What can happen to a run. On a run it is a method that fires; on the class it is itself.

    Two events join with `|` under one name: the rows are tried in order, and the first whose
    guards pass wins.
    """

    __module__ = "fsm"

    # A property whose getter is a C partial: reading `run.retry` then runs no Python function.

    def __init__(self, rows: Iterable[Transition], name: str = "") -> None:
        self.rows: tuple[Transition, ...] = tuple(rows)
        self.name: str = name

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name

    def connect(self, make: Callable[[str, Any], "EventMethod[P, S]"]) -> None:
        """Let `run.event` be what *make* returns for the event's name and the run.

        `Run` calls it when a class is made: a row knows nothing of what fires it.
        """
        property.__init__(cast(Any, self), functools.partial(make, self.name))

    if TYPE_CHECKING:

        @overload
        def __get__(self, run: None, owner: type) -> "Event[P, S]": ...
        @overload
        def __get__(self, run: object, owner: type | None = None) -> "EventMethod[P, S]": ...
        def __get__(self, run: object, owner: type | None = None) -> Any: ...

    def __or__(self, other: "Event[P, S]") -> "Event[P, S]":
        if not isinstance(other, Event):
            return NotImplemented
        return Event(self.rows + other.rows)

    def __repr__(self) -> str:
        dests = dict.fromkeys(row.dest.__name__ if row.dest else "(stays)" for row in self.rows)
        return f"<event {self.name or '(unnamed)'} → {' or '.join(dests)}>"

    @property
    def signature(self) -> inspect.Signature:
        """What firing takes and returns: the arguments of the destination's constructor.

        An event that stays takes changes by keyword; one that leads to several states takes what
        the state that is entered takes.
        """
        dests = {row.dest for row in self.rows}
        if len(dests) == 1 and (dest := dests.pop()) is not None:
            return inspect.signature(dest).replace(return_annotation=dest)
        kind = inspect.Parameter.VAR_KEYWORD
        names = [inspect.Parameter("changes" if dests <= {None} else "payload", kind)]
        return inspect.Signature(names, return_annotation=State)


Event.__doc__ = cast(Any, _EventDoc(cast(str, Event.__doc__)))


class WhyLike(Protocol):
    """What `run.retry.why_not()` answers: a `fsm.explain.Why`. Printed, it is sentences."""

    @property
    def refused(self) -> Exception | None: ...
    @property
    def rejections(self) -> tuple[RejectionLike, ...]: ...
    @property
    def certain(self) -> bool: ...
    @property
    def path(self) -> tuple[Any, ...]: ...
    @property
    def lines(self) -> tuple[str, ...]: ...
    def as_data(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        ...


class EventMethod(Protocol[P, S_co]):
    """An event on a run, `run.retry`: calling it fires.

    Its signature and docstring are the event's, so that `help(run.retry)` shows them.
    """

    @property
    def name(self) -> str:
        """The event's name."""
        ...

    @property
    def run(self) -> Any:
        """The run it fires on."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> S_co:
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

    def aio(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, S_co]:
        """Fire from async code: listeners may be async, and are awaited in the same order.

        A cancellation before the journal has kept the step leaves the run where it was. After
        that the step stands, and the remaining listeners are not called.
        """
        ...

    def may(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether firing now, with these arguments, would pass table and guards.

        Raises:
            StateError: The arguments do not make a payload.
        """
        ...

    def why_not(self, *args: P.args, **kwargs: P.kwargs) -> WhyLike | None:
        """Why firing now would be refused, as `Run.why_not` explains it.

        Returns:
            None where firing now would pass.
        """
        ...


def event(
    dest: Callable[P, S],
    *,
    source: StateClass | Iterable[StateClass],
    excluding: StateClass | Iterable[StateClass] = (),
    conditions: Iterable[Guard] = (),
    unless: Iterable[Guard] = (),
    prepare: Prepare | None = None,
    message: str | None = None,
    explicit_only: bool = False,
) -> Event[P, S]:
    """Declare a row of the table, in the body of a `Run` class, under the name of the event.

    Args:
        dest: The state class that is entered; firing takes its constructor's arguments.
        source: The class, or classes, from which it leads; their subclasses included.
        excluding: Classes, and their subclasses, from which it does not lead after all.
        conditions: Guards that must all pass; see `fsm.lifecycle.guard`.
        unless: Guards that must all reject.
        prepare: Called with the `Draft`; returns arguments that the caller leaves out.
        message: The message of the payload where the caller and *prepare* leave it out.
        explicit_only: Whether `Run.enter` and state handlers leave it out, which only name a
            state; firing the event itself takes it.

    Raises:
        InvalidLifecycle: *dest* or *source* is no state class, or a guard cannot be called.
    """
    if not is_node(dest):
        raise InvalidLifecycle(f"the destination of an event is a state class, not {dest!r}")
    row = _row(cast(StateClass, dest), source, excluding, conditions, unless, prepare, message)
    return Event([attrs.evolve(row, explicit_only=True) if explicit_only else row])


def either(*events: Event[Any, Any]) -> Event[..., State]:
    """Join events under one name, as `|` does, also where they lead to different states.

    The rows are tried in order; the first whose guards pass wins.

    Raises:
        InvalidLifecycle: One of them is no event, or there is none.
    """
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
    """Declare an internal transition: no state is left or entered, but the step is journaled.

    Firing takes changes of the payload by keyword, as `State.evolve` does:
    `run.progress(message="half")`. No `on_exit` and `on_enter` listeners are called.

    Args:
        source: The class, or classes, in which it can be fired; their subclasses included.
        excluding: Classes, and their subclasses, in which it cannot be fired after all.
        conditions: Guards that must all pass; see `fsm.lifecycle.guard`.
        unless: Guards that must all reject.
        prepare: Called with the `Draft`; returns changes that the caller leaves out.

    Raises:
        InvalidLifecycle: A source is no state class, or a guard cannot be called.
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


def describe(event: Event[Any, Any]) -> str:
    """The docstring of an event: a line for each of its rows, then what it takes and returns."""
    lines = [f"{event.name or 'An event'}: " + "; or ".join(map(_route, event.rows)) + "."]
    asked = [(guard, wanted) for row in event.rows for guard, wanted in _guards_in_order(row)]
    if asked:
        lines += ["", "Guards:"]
        lines += [f"    {line}" for line in dict.fromkeys(_clause(*each) for each in asked)]
    parameters = event.signature.parameters.values()
    names = ", ".join(str(each.replace(annotation=each.empty)) for each in parameters)
    dests = " or ".join(
        dict.fromkeys(row.dest.__name__ if row.dest else "the same" for row in event.rows)
    )
    lines += ["", f"Args: {names}", "", f"Returns: the state entered, {dests}."]
    return "\n".join(lines)


def _route(row: Transition) -> str:
    sources = ", ".join(cls.__name__ for cls in row.sources)
    without = ", ".join(cls.__name__ for cls in row.excluding)
    dest = "stays there" if row.dest is None else f"to {row.dest.__name__}"
    return f"from {sources}{f' (not {without})' if without else ''} {dest}"


def _guards_in_order(row: Transition) -> Iterator[tuple[Guard, bool]]:
    yield from ((guard, True) for guard in row.conditions)
    yield from ((guard, False) for guard in row.unless)


def _clause(guard: Guard, wanted: bool) -> str:
    purpose = (inspect.getdoc(unwrap(guard)) or "").partition("\n")[0]
    return f"{'' if wanted else 'not '}{label(guard)}{f': {purpose}' if purpose else ''}"


# Where they are public.
event.__module__ = either.__module__ = internal.__module__ = "fsm"
EventMethod.__module__ = WhyLike.__module__ = "fsm.lifecycle"
