"""What can go wrong with a state.

StateError
├── InvalidPayload(TypeError, ValueError)   a constructor got what the field cannot hold   .field
├── NotSerializable(TypeError)              a payload that cannot be written exactly       .field
├── NotDeserializable(ValueError)           what arrived describes no state                .field
│   └── UnknownState(LookupError)           it names a class that was not declared
└── DuplicateState(TypeError)               a class has the name of a built-in state
"""


class StateError(Exception):
    """The base of every error that `fsm.states` raises.

    Attributes:
        field: The dotted path of the field concerned, such as `cached_inputs.x`, or "".
    """

    __module__ = "fsm.states"

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InvalidPayload(StateError, TypeError, ValueError):
    """A constructor was given a value that its field cannot hold."""

    __module__ = "fsm.states"


class NotSerializable(StateError, TypeError):
    """A state carries something that cannot be written exactly."""

    __module__ = "fsm.states"


class NotDeserializable(StateError, ValueError):
    """What arrived cannot be read as a state. Loading raises no other error."""

    __module__ = "fsm.states"


class UnknownState(NotDeserializable, LookupError):
    """What arrived names a state class that was not declared in this process."""

    __module__ = "fsm.states"


class DuplicateState(StateError, TypeError):
    """A class was declared with the name of one of the built-in states."""

    __module__ = "fsm.states"
