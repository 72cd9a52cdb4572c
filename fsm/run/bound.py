"""BoundEvent: an event of one run, ready to fire."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from fsm.lifecycle.event import Event, WhyLike, describe
from fsm.states import State

from . import firing
from .aio import afire

if TYPE_CHECKING:
    pass

__all__ = ["BoundEvent", "connect"]

P = ParamSpec("P")
S = TypeVar("S", bound=State)


class _OfTheEvent:
    """An attribute that says of one bound event what its event says; the class keeps its own."""

    def __init__(self, ask: Any, own: Any = None) -> None:
        self.ask: Any = ask
        self.own: Any = own

    def __get__(self, bound: Any, owner: type) -> Any:
        if bound is not None:
            return self.ask(type(bound.run).lifecycle.events[bound.name])
        if self.own is None:
            raise AttributeError("an attribute of one bound event, not of the class")
        return self.own


class BoundEvent(functools.partial[S], Generic[P, S]):
    """An event of one run, ready to fire: the `fsm.lifecycle.event.EventMethod` that it is.

    A partial of `fire` with the event's name and the run, because calling one runs no Python
    function of its own.
    """

    __slots__ = ()
    __module__ = "fsm.run"

    @property
    def name(self) -> str:
        """The event's name."""
        return str(self.args[0])

    @property
    def run(self) -> Any:
        """The run it fires on."""
        return self.args[1]

    @property
    def __name__(self) -> str:
        return self.name

    __signature__: _OfTheEvent = _OfTheEvent(lambda event: event.signature)

    aio = afire

    def may(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether firing now would pass; see `EventMethod.may`."""
        return firing.refusal(self.name, self.run, *args, **kwargs) is None

    def why_not(self, *args: P.args, **kwargs: P.kwargs) -> WhyLike | None:
        """Why firing now would be refused; see `Run.why_not`."""
        answer: WhyLike | None = self.run.why_not(self.name, *args, **kwargs)
        return answer

    def __repr__(self) -> str:
        return f"<{self.name} of {self.run!r}>"


BoundEvent.__doc__ = cast(Any, _OfTheEvent(describe, BoundEvent.__doc__))

_make = functools.partial(cast(Any, BoundEvent), firing.fire)


def connect(event: Event[Any, Any]) -> None:
    """Let *event* fire on the run that it is read from."""
    event.connect(_make)
