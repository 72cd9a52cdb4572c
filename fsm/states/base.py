"""State: what every state of a run has in common."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any, ClassVar, Self

import attrs

from . import ambient, codec, registry
from . import equality as likeness
from .converters import Names, as_cached_inputs, as_context
from .errors import InvalidPayload
from .result import NoResult, Result, as_result

_OURS = ("__eq__", "__hash__", "__repr__")
_first_read = Lock()


@attrs.frozen
class State:
    """What a run is at one time, and what it carries.

    Frozen: `evolve` makes a changed copy. Two are equal when type and data are, whatever
    their message and context say.
    """

    color: ClassVar[str] = "#696969"

    message: Any = None
    _result: Result = attrs.field(default=NoResult, alias="result", converter=as_result)
    _context: Names | None = attrs.field(default=None, alias="context", converter=as_context)
    _cached_inputs: Names | None = attrs.field(
        default=None, alias="cached_inputs", converter=as_cached_inputs
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        registry.register(cls)  # attrs builds a slotted class twice: the second takes the place

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        """Take out the comparison and repr that attrs wrote, so that State's are inherited."""
        generated = [name for name in _OURS if _is_generated(cls.__dict__.get(name))]
        if "__eq__" in generated:
            generated.append("__ne__")
            if cls.__dict__.get("__hash__", ...) is None:
                generated.append("__hash__")
        for name in generated:
            if name in cls.__dict__:
                delattr(cls, name)

    @property
    def result(self) -> Any:
        """The value of the result; None where there is none."""
        return self._result.value

    @property
    def context(self) -> Mapping[str, Any]:
        """What is known about the execution, by name."""
        return self._context if self._context is not None else self._materialised("_context")

    @property
    def cached_inputs(self) -> Mapping[str, Any]:
        """The inputs to start again with: names to results."""
        names = self._cached_inputs
        return names if names is not None else self._materialised("_cached_inputs")

    def _materialised(self, field: str) -> Names:
        with _first_read:  # so that two threads get the same dict
            if getattr(self, field) is None:
                object.__setattr__(self, field, {})
        names: Names = getattr(self, field)
        return names

    @classmethod
    def children(cls) -> list[type[State]]:
        """List the classes below this one, each before its own children."""
        below: list[type[State]] = []
        for child in cls.__subclasses__():
            if registry.holds(child):
                below += [child] if not child.__name__.startswith("_") else []
                below += child.children()
        return below

    @classmethod
    def parents(cls) -> list[type[State]]:
        """List the classes above this one, nearest first."""
        return [
            parent
            for parent in cls.__mro__[1:]
            if issubclass(parent, State) and not parent.__name__.startswith("_")
        ]

    def is_cached(self) -> bool:
        """Whether the result was cached."""
        return False

    def is_failed(self) -> bool:
        """Whether the run failed."""
        return False

    def is_finished(self) -> bool:
        """Whether the run has come to an end."""
        return False

    def is_looped(self) -> bool:
        """Whether one iteration of a loop is done."""
        return False

    def is_mapped(self) -> bool:
        """Whether the run was mapped over children."""
        return False

    def is_meta_state(self) -> bool:
        """Whether the state stands for another, which it wraps."""
        return False

    def is_pending(self) -> bool:
        """Whether the run waits to be started."""
        return False

    def is_queued(self) -> bool:
        """Whether the run waits in a queue."""
        return False

    def is_retrying(self) -> bool:
        """Whether the run waits to be tried again."""
        return False

    def is_running(self) -> bool:
        """Whether the run is running."""
        return False

    def is_scheduled(self) -> bool:
        """Whether the run waits for a time."""
        return False

    def is_skipped(self) -> bool:
        """Whether the run was skipped."""
        return False

    def is_submitted(self) -> bool:
        """Whether the run was handed to an executor."""
        return False

    def is_successful(self) -> bool:
        """Whether the run succeeded."""
        return False

    def evolve(self, **changes: Any) -> Self:
        """Make a changed copy; names are those of the constructor, and None is "not given".

        Raises:
            InvalidPayload: The constructor knows no such name, or refuses the value.
        """
        fields = {str(field.alias): field.name for field in attrs.fields(type(self)) if field.init}
        for name in changes:
            if name not in fields:
                raise InvalidPayload(
                    f"{type(self).__name__} has no {name}; it has {', '.join(fields)}", name
                )
        with ambient.sealed():
            return type(self)(**(self._given(fields) | changes))

    def _given(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """Say what the constructor was given, by its names."""
        return {alias: getattr(self, name) for alias, name in fields.items()}

    def serialize(self) -> dict[str, Any]:
        """Write the state as a plain dict, ready for JSON.

        Raises:
            NotSerializable: It carries something the wire cannot say exactly; names the field.
        """
        return codec.write(self)

    @staticmethod
    def deserialize(wire: Mapping[str, Any]) -> State:
        """Read the state a dict describes; asks no clock and runs nothing.

        Raises:
            NotDeserializable: The dict describes none.
        """
        state: State = codec.read(wire)
        return state

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, State):
            return NotImplemented
        return type(self) is type(other) and likeness.alike(self, other)

    def __hash__(self) -> int:
        return likeness.digest(self)

    def __repr__(self) -> str:
        return f'<{type(self).__name__}: "{self.message}">'


def _is_generated(method: Any) -> bool:
    code = getattr(method, "__code__", None)
    return code is not None and code.co_filename.startswith("<attrs generated")


registry.register(State)
