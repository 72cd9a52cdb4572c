"""Hooks: `before`, `after`, `on_enter` ... of a class of runs or of one run, to add listeners."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from fsm.errors import InvalidArgument, did_you_mean
from fsm.lifecycle.event import Event
from fsm.states import State

from .callbacks import Callbacks, Listener, Target, check_callable
from .outbox import Outboxed

if TYPE_CHECKING:
    from .run import Run

__all__ = ["Hook"]

L = TypeVar("L", bound=Listener)

_AFTERWARDS = ("after", "on_enter", "on_final")


class Hook:
    """Adds listeners: `run.after(TaskRun.retry, tell)`, `@TaskRun.on_enter(Failed)`, `@run.before`.

    Those of a class listen to every run of the class and its subclasses, those of a run to it.
    """

    __slots__ = ("_kind",)

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __get__(self, run: Run | None, owner: type[Run]) -> Registrar:
        return Registrar(self._kind, owner, run)


class Registrar:
    """A hook of one class or one run."""

    __slots__ = ("_kind", "_owner", "_run")

    def __init__(self, kind: str, owner: type[Run], run: Run | None) -> None:
        self._kind, self._owner, self._run = kind, owner, run

    @overload
    def __call__(
        self,
        place: type[State] | Event[Any, Any] | str | None = None,
        /,
        *,
        outbox: str | None = None,
    ) -> Callable[[L], L]: ...
    @overload
    def __call__(
        self,
        place: type[State] | Event[Any, Any] | str | None,
        listener: L,
        /,
        *,
        outbox: str | None = None,
    ) -> L: ...
    @overload
    def __call__(self, place: L, /, *, outbox: str | None = None) -> L: ...
    def __call__(
        self, place: Any = None, listener: Any = None, /, *, outbox: str | None = None
    ) -> Any:
        """Add *listener* to *place*; with one of the two left out, return or be a decorator.

        Args:
            place: An event or its name for `before` and `after`, a state class or family for
                `on_enter` and `on_exit`; all events or states if left out.
            outbox: A name, the same in every process, under which the journal keeps that this
                listener has not been called yet; see `fsm.operations.deliver`. For listeners of a
                class after the step.

        Raises:
            InvalidArgument: The place is not in the table, or the listener cannot be called as
                `(run, step)`, a state handler as `(run, old, new)`.
        """
        if listener is None and callable(place) and not isinstance(place, type | Event):
            return self._add(None, place, outbox)
        known = self._place(place)
        if listener is None:
            return lambda listener: self._add(known, listener, outbox)
        return self._add(known, listener, outbox)

    def _add(self, place: Target, listener: Listener, outbox: str | None) -> Listener:
        added = listener if outbox is None else self._add_outbox(outbox, listener)
        self._callbacks().add(self._kind, place, added)
        return listener

    def _add_outbox(self, name: str, listener: Listener) -> Outboxed:
        if self._run is not None or self._kind not in _AFTERWARDS:
            raise InvalidArgument(
                f"an outbox is for {', '.join(_AFTERWARDS)} of a class; a listener of one run, or "
                "before the step, ends with its process"
            )
        check_callable(self._kind, listener)
        return Outboxed(name, listener)

    def _callbacks(self) -> Callbacks:
        return self._owner.callbacks if self._run is None else self._run._own_callbacks()

    def _place(self, place: Any) -> Target:
        lifecycle = self._owner.lifecycle
        if place is None:
            return None
        if self._kind in ("before", "after"):
            name = place.name if isinstance(place, Event) else place
            if isinstance(name, str) and name in lifecycle.events:
                return name
            hint = did_you_mean(str(name), lifecycle.events)
            raise InvalidArgument(
                f"{self._kind} listens to an event of {lifecycle.name}, not {place!r}{hint}"
            )
        if self._kind in ("on_enter", "on_exit") and isinstance(place, type):
            if issubclass(place, State) and any(
                issubclass(node, place) for node in lifecycle.nodes
            ):
                return place
            raise InvalidArgument(f"no state of {lifecycle.name} is a {place.__name__}")
        takes = "a state class" if self._kind.startswith("on_e") else "no place, only a listener"
        raise InvalidArgument(f"{self._kind} takes {takes}, not {place!r}")
