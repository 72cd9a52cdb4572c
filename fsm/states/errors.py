"""What can go wrong with a state.

StateError
├── InvalidPayload(TypeError, ValueError)   a constructor got what the field cannot hold   .field
├── NotSerializable(TypeError)              a payload the wire cannot say exactly          .field
├── NotDeserializable(ValueError)           what arrived is no state                       .field
│   └── UnknownState(LookupError)           a type no one has declared
└── DuplicateState(TypeError)               a class took the name of one of ours
"""

from __future__ import annotations


class StateError(Exception):
    """The base of everything this package raises.

    Attributes:
        field: The dotted path of the field concerned, such as `cached_inputs.x`, or "".
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InvalidPayload(StateError, TypeError, ValueError):
    """A constructor was given a value its field cannot hold."""


class NotSerializable(StateError, TypeError):
    """A state carries something the wire cannot say exactly."""


class NotDeserializable(StateError, ValueError):
    """What arrived cannot be read as a state. The one error of loading."""


class UnknownState(NotDeserializable, LookupError):
    """What arrived names a type of state that no one has declared."""


class DuplicateState(StateError, TypeError):
    """A class was declared under the name of one of the built-in states."""
