"""State: what every state of a run has in common."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

import os
from collections.abc import Mapping
from threading import RLock
from typing import Any, ClassVar, Self

import attrs

from . import ambient, codec, equality, registry
from .converters import Names, as_cached_inputs, as_context
from .errors import InvalidPayload
from .result import NoResult, Result, as_result

_OWN_METHODS = ("__eq__", "__hash__", "__repr__")
_fill_lock = RLock()  # a signal handler may re-enter


def _renew_lock() -> None:
    """After a fork: another thread of the parent may have held the lock."""
    global _fill_lock
    _fill_lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@attrs.frozen
class State:
    """What a run is at one time, and what it carries: the base of all state classes.

    States are frozen; `evolve` makes a changed copy. Two are equal when class and data are equal;
    message and context do not count. Subclass it with `@attrs.frozen` for a state of your own.

    Args:
        message: What people should know about it: text, or an exception that caused it.
        result: What the run came to: a value, which is wrapped in a `Result`, or a `Result`.
            `NoResult` if left out; None is a value like others.
        context: What is known about the execution: a mapping of names to values, copied. Gets
            `tags` from the ambient `task_tags` if it has none.
        cached_inputs: The inputs to start again with: a mapping of names to results, copied.
    """

    __module__ = "fsm.states"

    color: ClassVar[str] = "#696969"

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_result)
    _context: Names | None = attrs.field(default=None, alias="context", converter=as_context)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        registry.register(cls)  # attrs builds a slotted class twice: the second replaces the first

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        """Remove the comparison and repr that attrs generated, so that those of State hold."""
        generated = [name for name in _OWN_METHODS if _is_generated(cls.__dict__.get(name))]
        if "__eq__" in generated:
            generated.append("__ne__")
            if cls.__dict__.get("__hash__", ...) is None:
                generated.append("__hash__")
        for name in generated:
            if name in cls.__dict__:
                delattr(cls, name)

    @property
    def result(self) -> Any:
        """The value of the result; None if there is no result."""
        return self._result.value

    @property
    def context(self) -> Mapping[str, Any]:
        """What is known about the execution: names to values."""
        return self._context if self._context is not None else self._fill("_context")

    @property
    def cached_inputs(self) -> Mapping[str, Any]:
        """The inputs to start again with: names to results."""
        names = self._cached_inputs
        return names if names is not None else self._fill("_cached_inputs")

    def _fill(self, field: str) -> Names:
        """Put a dict where None stands for an empty one."""
        with _fill_lock:  # so that two threads get the same dict
            if getattr(self, field) is None:
                object.__setattr__(self, field, {})
        names: Names = getattr(self, field)
        return names

    @classmethod
    def children(cls) -> "list[type[State]]":
        """Return the subclasses of this class, direct and indirect, each before its own."""
        below: list[type[State]] = []
        for child in cls.__subclasses__():
            if registry.is_registered(child):
                below += [child] if not child.__name__.startswith("_") else []
                below += child.children()
        return below

    @classmethod
    def parents(cls) -> "list[type[State]]":
        """Return the state classes that this class inherits from, nearest first."""
        return [
            parent
            for parent in cls.__mro__[1:]
            if issubclass(parent, State) and not parent.__name__.startswith("_")
        ]

    def is_cached(self) -> bool:
        """Whether the result came from a cache."""
        return False

    def is_failed(self) -> bool:
        """Whether the run failed."""
        return False

    def is_finished(self) -> bool:
        """Whether the run has ended."""
        return False

    def is_looped(self) -> bool:
        """Whether one iteration of a loop has ended."""
        return False

    def is_mapped(self) -> bool:
        """Whether the run was mapped over children."""
        return False

    def is_meta_state(self) -> bool:
        """Whether the state wraps another: Submitted, Queued, ClientFailed."""
        return False

    def is_pending(self) -> bool:
        """Whether the run waits to start."""
        return False

    def is_queued(self) -> bool:
        """Whether the run waits in a queue."""
        return False

    def is_retrying(self) -> bool:
        """Whether the run waits for another attempt."""
        return False

    def is_running(self) -> bool:
        """Whether the run is running."""
        return False

    def is_scheduled(self) -> bool:
        """Whether the run waits for its `start_time`."""
        return False

    def is_skipped(self) -> bool:
        """Whether the run was skipped."""
        return False

    def is_submitted(self) -> bool:
        """Whether the run was submitted to an executor."""
        return False

    def is_successful(self) -> bool:
        """Whether the run succeeded."""
        return False

    def evolve(self, **changes: Any) -> Self:
        """Return a changed copy.

        Args:
            changes: Arguments of the constructor, by name. None means "not given": the
                constructor fills in its default, such as now for `start_time`.

        Raises:
            InvalidPayload: The constructor has no such argument, or refuses the value.
        """
        fields = {str(field.alias): field.name for field in attrs.fields(type(self)) if field.init}
        for name in changes:
            if name not in fields:
                raise InvalidPayload(
                    f"{type(self).__name__} has no {name}; it has {', '.join(fields)}", name
                )
        with ambient.hide_context():
            return type(self)(**(self._arguments(fields) | changes))

    def _arguments(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """Return the arguments that the constructor makes this state from."""
        return {alias: getattr(self, name) for alias, name in fields.items()}

    def serialize(self) -> dict[str, Any]:
        """Write the state as a dict that is ready for JSON; `deserialize` reads it.

        Raises:
            NotSerializable: It carries something that cannot be written exactly; names the field.
        """
        return codec.write(self)

    @staticmethod
    def deserialize(wire: Mapping[str, Any]) -> "State":
        """Read the state that a dict from `serialize` describes; reads no clock, runs nothing.

        Raises:
            NotDeserializable: The dict describes no state.
        """
        state: State = codec.read(wire)
        return state

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, State):
            return NotImplemented
        return type(self) is type(other) and equality.have_equal_data(self, other)

    def __hash__(self) -> int:
        return equality.hash_of(self)

    def __repr__(self) -> str:
        return f'<{type(self).__name__}: "{self.message}">'


def _is_generated(method: Any) -> bool:
    code = getattr(method, "__code__", None)
    return code is not None and code.co_filename.startswith("<attrs generated")


registry.register(State)
