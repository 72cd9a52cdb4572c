"""The result of a run: a value, where it is kept, or the fact that there is none."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from .errors import InvalidPayload

__all__ = ["NoResult", "NoResultType", "Result", "SafeResult", "as_result"]


@attrs.frozen
class Result:
    """What a run came to.

    Args:
        value: The value itself.
        location: Where the value is kept, such as a URL; None if it is kept nowhere else.
    """

    __module__ = "fsm.states"

    value: Any = None
    location: str | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.value!r}>"


def as_result_handler(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Copy the description of a result handler: a mapping or None."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InvalidPayload(
            f"result_handler cannot hold {type(value).__name__}; give a mapping or None",
            "result_handler",
        )
    return dict(value)


@attrs.frozen
class SafeResult(Result):
    """A result in the form that the reference system stores.

    Args:
        value: The value itself.
        location: Where the value is kept; None if it is kept nowhere else.
        result_handler: The description of the handler that wrote the value. It is data and is
            never run.
    """

    __module__ = "fsm.states"

    result_handler: Mapping[str, Any] | None = attrs.field(
        default=None, converter=as_result_handler
    )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.value!r}>"


@attrs.frozen(init=False)
class NoResultType(Result):
    """The absence of a result, which differs from a result of None. `NoResult` is the instance."""

    __module__ = "fsm.states"

    _instance: ClassVar["NoResultType | None"] = None

    def __new__(cls) -> "NoResultType":
        if NoResultType._instance is None:
            instance: NoResultType = object.__new__(cls)
            object.__setattr__(instance, "value", None)
            object.__setattr__(instance, "location", None)
            NoResultType._instance = instance
        return NoResultType._instance

    def __init__(self) -> None:
        """Take no arguments: there is one instance."""

    def __reduce__(self) -> str:
        return "NoResult"

    def __repr__(self) -> str:
        return "<No result>"

    def __str__(self) -> str:
        return "NoResult"


NoResult: NoResultType = NoResultType()


def as_result(value: Any) -> Result:
    """Return a Result as it is; wrap anything else, None included, in one."""
    return value if isinstance(value, Result) else Result(value)
