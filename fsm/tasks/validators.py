"""Validators: whether an earlier result will do again, for these inputs and parameters.

All but `never_use` turn down an entry that has expired; at its very time it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fsm.states import Cached, Result, ambient

__all__ = [
    "PARTIAL",
    "VALIDATORS",
    "Names",
    "Validator",
    "all_inputs",
    "all_parameters",
    "duration_only",
    "never_use",
    "partial_inputs_only",
    "partial_parameters_only",
]

Names = Mapping[str, Any]
Validator = Callable[[Cached, Names | None, Any], bool]


def never_use(entry: Cached, inputs: Names | None, parameters: Any) -> bool:
    """Turn everything down."""
    return False


def duration_only(entry: Cached, inputs: Names | None, parameters: Any) -> bool:
    """Whether it has not expired."""
    expiration = entry.cached_result_expiration
    return expiration is None or expiration > ambient.now()


def all_inputs(entry: Cached, inputs: Names | None, parameters: Any) -> bool:
    """Whether it was made of the same inputs."""
    return duration_only(entry, inputs, parameters) and _equal(
        _values(entry.cached_inputs), _values(inputs)
    )


def all_parameters(entry: Cached, inputs: Names | None, parameters: Any) -> bool:
    """Whether it was made under the same parameters; none at all is not an empty set of them."""
    return duration_only(entry, inputs, parameters) and _equal(entry.cached_parameters, parameters)


def partial_inputs_only(validate_on: Iterable[str] | None = None) -> Validator:
    """Return what compares these inputs only; one that is missing on both sides is the same."""
    chosen = frozenset(validate_on or ())

    def validate(entry: Cached, inputs: Names | None, parameters: Any) -> bool:
        return duration_only(entry, inputs, parameters) and _equal(
            _some(_values(entry.cached_inputs), chosen), _some(_values(inputs), chosen)
        )

    return validate


def partial_parameters_only(validate_on: Iterable[str] | None = None) -> Validator:
    """Return what compares these parameters only; one missing on both sides is the same."""
    chosen = frozenset(validate_on or ())

    def validate(entry: Cached, inputs: Names | None, parameters: Any) -> bool:
        return duration_only(entry, inputs, parameters) and _equal(
            _some(entry.cached_parameters, chosen), _some(parameters, chosen)
        )

    return validate


# By the names that a policy knows them by.
VALIDATORS: Mapping[str, Validator] = {
    each.__name__: each for each in (all_inputs, all_parameters, duration_only, never_use)
}
# And those that are first told what to compare.
PARTIAL: Mapping[str, Callable[[Iterable[str] | None], Validator]] = {
    each.__name__: each for each in (partial_inputs_only, partial_parameters_only)
}


def _values(names: Names | None) -> dict[str, Any]:
    """Inputs as they are compared: by value, also where they are kept as results."""
    return {
        name: value.value if isinstance(value, Result) else value
        for name, value in (names or {}).items()
    }


def _some(names: Any, chosen: frozenset[str]) -> dict[str, Any]:
    if not isinstance(names, Mapping):
        return {}
    return {name: value for name, value in names.items() if name in chosen}


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # an `==` is anyone's code: what cannot be compared is not the same
        return False
