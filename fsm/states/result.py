"""The result of a run: a value, where it is kept, or the fact that there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from .errors import InvalidPayload


@attrs.frozen
class Result:
    """What a run came to: its value, and where that is kept, if anywhere."""

    value: Any = None
    location: str | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.value!r}>"


def as_result_handler(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Take a handler's description as the wire says it: a mapping, or nothing."""
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
    """A result in the form the reference system stores.

    `result_handler` is what the wire said of whoever wrote the value: data, never run.
    """

    result_handler: Mapping[str, Any] | None = attrs.field(
        default=None, converter=as_result_handler
    )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.value!r}>"


@attrs.frozen(init=False)
class NoResultType(Result):
    """The absence of a result, which is not a result of None. `NoResult` is the one instance."""

    _one: ClassVar[NoResultType | None] = None

    def __new__(cls) -> NoResultType:
        if NoResultType._one is None:
            one: NoResultType = object.__new__(cls)
            object.__setattr__(one, "value", None)
            object.__setattr__(one, "location", None)
            NoResultType._one = one
        return NoResultType._one

    def __init__(self) -> None:
        """Take nothing: there is only one."""

    def __reduce__(self) -> str:
        return "NoResult"

    def __repr__(self) -> str:
        return "<No result>"

    def __str__(self) -> str:
        return "NoResult"


NoResult: NoResultType = NoResultType()


def as_result(value: Any) -> Result:
    """Keep a Result; wrap anything else, None included, in one."""
    return value if isinstance(value, Result) else Result(value)
