"""Callbacks: the listeners of a class of runs or of one run, and their order within a step.

From the general to the particular before a step, and back after it, as `transitions` has it:

    state handlers, before (all, then this event)  |  journal  |
    on_exit, the state changes, on_enter, on_final, after (this event, then all)

Under each of these the class's listeners come before the run's own, in order of registration.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from fsm.errors import InvalidArgument, InvalidLifecycle, did_you_mean
from fsm.states import State

from .outbox import Outboxed

if TYPE_CHECKING:
    from fsm.lifecycle.table import Lifecycle

__all__ = [
    "Callbacks",
    "Listener",
    "MutedCallbacks",
    "Plan",
    "Registration",
    "SourceRow",
    "Target",
    "check_callable",
    "listener_methods",
]

Listener = Callable[..., Any]
Target = str | type[State] | None
Registration = tuple[str, Target, Listener]

KINDS = ("handler", "before", "on_exit", "on_enter", "on_final", "after")
_PREFIXES = ("before_", "after_", "on_exit_", "on_enter_")

_changes = 0  # counts registrations on classes, so that their subclasses and runs notice


class SourceRow(Protocol):
    """A row as callbacks know it: seen from one of its sources."""

    event: str
    source: type[State]
    dest: type[State]
    stays: bool


@attrs.frozen(eq=False)
class Plan:
    """The listeners of the steps of one row, in order."""

    handler: tuple[Listener, ...] = ()
    before: tuple[Listener, ...] = ()
    on_exit: tuple[Listener, ...] = ()
    arrived: tuple[Listener, ...] = ()  # on_enter, on_final, after: after the change
    outbox: tuple[str, ...] = attrs.field(init=False)  # names of those with an outbox
    early: bool = attrs.field(init=False)  # whether there are any before the change
    anyone: bool = attrs.field(init=False)  # or any at all

    def __attrs_post_init__(self) -> None:
        names = dict.fromkeys(each.name for each in self.arrived if isinstance(each, Outboxed))
        outbox = tuple(names)
        object.__setattr__(self, "outbox", outbox)
        early = bool(self.handler or self.before or self.on_exit or outbox)
        object.__setattr__(self, "early", early)
        object.__setattr__(self, "anyone", bool(self.early or self.arrived))

    def before_only(self) -> Plan:
        """The same without the listeners after the step, except for the names in the outbox."""
        plan = Plan(self.handler, self.before)
        object.__setattr__(plan, "outbox", self.outbox)
        object.__setattr__(plan, "early", bool(plan.early or self.outbox))
        return plan


class Callbacks:
    """The listeners of one class, or of one run on top of those of its class."""

    __slots__ = ("_chain", "_finals", "_listeners", "_methods", "_plans", "_seen", "_shared")

    def __init__(self, above: Iterable[Callbacks], lifecycle: Lifecycle | None = None) -> None:
        """Come after the callbacks *above*, outermost first; a run gives no lifecycle."""
        self._chain = (*above, self)
        self._shared = lifecycle is not None  # among all runs of a class and its subclasses
        self._methods: tuple[Registration, ...] = ()
        self._finals: Collection[type[State]] = ()
        if lifecycle is not None:
            self._finals = lifecycle.finals
        elif len(self._chain) > 1:  # a run: the methods of its class are its own
            self._finals, self._methods = self._chain[-2]._finals, self._chain[-2]._methods
        self._listeners: list[Registration] = []
        self._plans: dict[SourceRow, Plan] = {}
        self._seen = -1

    def below(self) -> Callbacks:
        """Fresh callbacks for one run of this class."""
        return Callbacks(self._chain)

    def declare(self, methods: Iterable[Registration]) -> None:
        """Set the listeners that a class declares as methods; its subclasses declare their own."""
        self._methods = tuple(methods)

    def add(self, kind: str, place: Target, listener: Listener) -> None:
        """Add *listener* to *place*: a state class, the name of an event, or None for all.

        Raises:
            InvalidArgument: The listener cannot be called as `(run, step)`, or a state handler
                as `(run, old, new)`.
        """
        global _changes
        check_callable(kind, listener)
        if isinstance(listener, Outboxed) and self.listener_with_outbox(listener.name) is not None:
            raise InvalidArgument(f"another listener has the outbox {listener.name!r}")
        self._listeners.append((kind, place, listener))
        self._seen = -1
        if self._shared:
            _changes += 1

    def listener_with_outbox(self, name: str) -> Outboxed | None:
        """The listener whose outbox has this name."""
        for callbacks in self._chain:
            for _, _, listener in tuple(callbacks._listeners):
                if isinstance(listener, Outboxed) and listener.name == name:
                    return listener
        return None

    @property
    def has_early(self) -> bool:
        """Whether a state handler or a `before` listener may stop or change a step."""
        registered = (each for callbacks in self._chain for each in tuple(callbacks._listeners))
        return any(kind in ("handler", "before") for kind, _, _ in (*self._methods, *registered))

    def plan(self, row: SourceRow) -> Plan:
        """The listeners of the steps of *row*; cached until a listener is added."""
        if self._seen != _changes:
            self._plans = {}
            self._seen = _changes
        plans = self._plans  # a listener that is added meanwhile replaces the dict
        plan = plans.get(row)
        if plan is None:
            plan = plans[row] = self._make(row)
        return plan

    def _make(self, row: SourceRow) -> Plan:
        found: dict[str, list[tuple[int, Listener]]] = {kind: [] for kind in KINDS}
        registered = (each for callbacks in self._chain for each in tuple(callbacks._listeners))
        for kind, place, listener in (*self._methods, *registered):
            rank = self._rank(kind, place, row)
            if rank is not None:
                found[kind].append((rank, listener))
        in_order = {
            kind: tuple(listener for _, listener in sorted(ranked, key=lambda pair: pair[0]))
            for kind, ranked in found.items()
        }
        return Plan(
            handler=in_order["handler"],
            before=in_order["before"],
            on_exit=in_order["on_exit"],
            arrived=in_order["on_enter"] + in_order["on_final"] + in_order["after"],
        )

    def _rank(self, kind: str, place: Target, row: SourceRow) -> int | None:
        """The rank of a listener within its kind; None if it does not listen to *row*."""
        if kind in ("handler", "before", "after"):
            if place is None:
                return 1 if kind == "after" else 0
            return (0 if kind == "after" else 1) if place == row.event else None
        if row.stays:
            return None
        if kind == "on_final":
            return 0 if row.dest in self._finals else None
        entering = kind == "on_enter"
        inner, outer = (row.dest, row.source) if entering else (row.source, row.dest)
        depth = _crossing(place, inner, outer)
        if depth is None:
            return None
        return depth if entering else -depth


def _crossing(place: Target, inner: type[State], outer: type[State]) -> int | None:
    """The depth of the family *place* if the step crosses its border, else None.

    A step within a family does not cross its border; one from a class to itself does, both ways.
    """
    if place is None:
        return 0
    if not isinstance(place, type) or not issubclass(inner, place):
        return None
    if issubclass(outer, place) and inner is not outer:
        return None
    return len(place.__mro__)


class MutedCallbacks(Callbacks):
    """The callbacks of a run in a worker: listeners before a step, and those with an outbox.

    The other `after` listeners run in the driver process, not in the worker.
    """

    __slots__ = ()

    def __init__(self, of: Callbacks) -> None:
        super().__init__(of._chain)

    def _make(self, row: SourceRow) -> Plan:
        return super()._make(row).before_only()


def check_callable(kind: str, listener: object) -> None:
    """Accept a listener that can be called as `(run, step)`, a state handler as `(run, old, new)`.

    Raises:
        InvalidArgument: It cannot.
    """
    count = 3 if kind == "handler" else 2
    takes = "(run, old, new)" if kind == "handler" else "(run, step)"
    if not callable(listener):
        raise InvalidArgument(f"a listener is a function {takes}, not {listener!r}")
    try:
        signature = inspect.signature(listener)
    except (TypeError, ValueError):  # some built-ins have no signature to check
        return
    try:
        signature.bind(*((None,) * count))
    except TypeError:
        raise InvalidArgument(
            f"a listener takes {takes}; {getattr(listener, '__name__', listener)} takes {signature}"
        ) from None


def listener_methods(owner: type, lifecycle: Lifecycle) -> Iterator[Registration]:
    """The listeners that a class declares as methods: `on_enter_Retrying`, `before_retry` ...

    They take `(self, step)`, or `(self)` alone.

    Raises:
        InvalidLifecycle: The table has no such state or event, or the attribute is no plain
            method.
    """
    families = {
        cls.__name__: cls
        for node in lifecycle.nodes
        for cls in node.__mro__
        if issubclass(cls, State)
    }
    for name in dir(owner):
        prefix = next((each for each in _PREFIXES if name.startswith(each)), None)
        method = inspect.getattr_static(owner, name)
        if prefix is None or name in lifecycle.events:  # an event is a property, too
            continue
        if not (callable(method) or isinstance(method, _WRAPPED)):
            continue
        about = name.removeprefix(prefix)
        known = families if prefix.startswith("on_") else lifecycle.events
        if about not in known:
            what = "state" if prefix.startswith("on_") else "event"
            raise InvalidLifecycle(
                f"{owner.__name__}.{name} listens to no {what} of the table"
                f"{did_you_mean(about, known)}"
            )
        if not inspect.isfunction(method):
            raise InvalidLifecycle(
                f"{owner.__name__}.{name} listens by its name, so it must be a plain method"
            )
        place: Target = families[about] if prefix.startswith("on_") else about
        yield prefix.removesuffix("_"), place, _two_arguments(owner, name, method)


_WRAPPED = (staticmethod, classmethod, property)


def _two_arguments(owner: type, name: str, method: Listener) -> Listener:
    """The method as a listener `(run, step)`, even where it takes `self` alone."""
    count = len(inspect.signature(method).parameters)
    if count == 1:
        return functools.wraps(method)(lambda run, _step: method(run))  # awaitable if it is
    try:
        check_callable("method", method)
    except InvalidArgument as error:
        raise InvalidLifecycle(f"{owner.__name__}.{name}: {error}") from None
    return method
