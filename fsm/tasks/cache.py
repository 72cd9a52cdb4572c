"""Cache: how long a result keeps, and for whom it is good. Data only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from fsm.durations import as_seconds
from fsm.errors import InvalidArgument, did_you_mean
from fsm.ids import check_id

from .validators import PARTIAL, VALIDATORS, Names

if TYPE_CHECKING:
    from fsm.states import Cached

__all__ = ["Cache"]


def _as_names(value: Iterable[str] | None) -> tuple[str, ...]:
    given: object = () if value is None else value
    if isinstance(given, str) or not isinstance(given, Iterable):  # nobody means a word's letters
        raise InvalidArgument(f"names are needed, in a list or tuple, not {value!r}")
    names = tuple(given)
    if not all(isinstance(name, str) for name in names):
        raise InvalidArgument(f"a name is a string, which not all of {value!r} are")
    return names


@attrs.frozen
class Cache:
    """How long a result keeps, and for whom it is good.

    Args:
        key: Under which results are shared; the task's name if left out.
        cache_for: Seconds, or a timedelta, that a result keeps; it is not kept if left out.
        validator: The name of what decides whether an earlier result will do, see
            `fsm.tasks.validators`;
            "duration_only" if left out, or "never_use" without *cache_for*.
        validate_on: The inputs, or parameters, that a partial validator compares.
    """

    key: str | None = attrs.field(default=None)
    cache_for: float | None = attrs.field(default=None, converter=as_seconds)
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
                f"{self.validated_by} does not ask for names: validate_on is for "
                f"{' and '.join(PARTIAL)}"
            )

    @property
    def validated_by(self) -> str:
        """The name of the validator in force."""
        return self.validator or ("never_use" if self.cache_for is None else "duration_only")

    @property
    def by_inputs(self) -> bool:
        """Whether the inputs decide, so that they have to be kept with the result."""
        return "inputs" in self.validated_by

    def accepts(self, entry: Cached, inputs: Names | None = None, parameters: Any = None) -> bool:
        """Whether *entry* will do for these inputs and parameters now."""
        name = self.validated_by
        validator = PARTIAL[name](self.validate_on) if name in PARTIAL else VALIDATORS[name]
        return validator(entry, inputs, parameters)
