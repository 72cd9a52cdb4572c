"""Cache: how long a result is kept, under which key, and what makes it valid. Data only."""

from collections.abc import Iterable
from typing import Any

import attrs

from fsm.durations import as_optional_seconds
from fsm.errors import InvalidArgument, did_you_mean
from fsm.ids import check_id
from fsm.states import Cached

from .validators import PARTIAL, VALIDATORS, Names

__all__ = ["Cache"]


def _as_names(value: Iterable[str] | None) -> tuple[str, ...]:
    given: object = () if value is None else value
    # A string is an iterable of its letters, which is never what the caller means.
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidArgument(f"names are needed, in a list or tuple, not {value!r}")
    names = tuple(given)
    if not all(isinstance(name, str) for name in names):
        raise InvalidArgument(f"a name is a string, which not all of {value!r} are")
    return names


@attrs.frozen
class Cache:
    """How long a result is kept, under which key, and what makes it valid. Frozen.

    Args:
        key: The key under which runs share results. Default None: the name of the task, or no
            sharing for a run without one.
        cache_for: How long a result is kept, in seconds or as a timedelta. Default None: it is
            not kept.
        validator: The name of the function that decides whether an earlier result is valid, one
            of `fsm.tasks.validators`. Default None: "duration_only", or "never_use" without
            *cache_for*.
        validate_on: The names of the inputs, or of the parameters, that a partial validator
            compares.

    Raises:
        InvalidArgument: A value is out of its range, or there is no such validator.
    """

    __module__ = "fsm"

    key: str | None = attrs.field(default=None)
    cache_for: float | None = attrs.field(default=None, converter=as_optional_seconds)
    validator: str | None = attrs.field(default=None)
    validate_on: tuple[str, ...] = attrs.field(default=(), converter=_as_names)

    def __attrs_post_init__(self) -> None:
        if self.key is not None:
            check_id(self.key, "a cache's key")
        known = sorted({*VALIDATORS, *PARTIAL})
        if self.validator is not None and self.validator not in known:
            hint = did_you_mean(str(self.validator), known)
            raise InvalidArgument(
                f"no validator is called {self.validator!r}{hint}; there are {', '.join(known)}"
            )
        if self.validate_on and self.validated_by not in PARTIAL:
            raise InvalidArgument(
                f"{self.validated_by} compares no names: validate_on is for {' and '.join(PARTIAL)}"
            )

    @property
    def validated_by(self) -> str:
        """The name of the validator in use, where *validator* is None, too."""
        return self.validator or ("never_use" if self.cache_for is None else "duration_only")

    @property
    def by_inputs(self) -> bool:
        """Whether the validator compares inputs, so that they must be kept with the result."""
        return "inputs" in self.validated_by

    def accepts(self, entry: Cached, inputs: Names | None = None, parameters: Any = None) -> bool:
        """Whether *entry* is a valid result for these inputs and parameters at this time."""
        name = self.validated_by
        validator = PARTIAL[name](self.validate_on) if name in PARTIAL else VALIDATORS[name]
        return validator(entry, inputs, parameters)
