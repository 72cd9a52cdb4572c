"""Validators: whether an earlier result is valid for these inputs and parameters.

Each takes a cache entry, the inputs of the new call by name, and its parameters. All but
`never_use` refuse an entry that has expired; at its expiration time it has.
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
    """Refuse every entry. The default without `cache_for`."""
    return False


def duration_only(entry: Cached, inputs: Names | None, parameters: Any) -> bool:
    """Accept an entry that has not expired. The default with `cache_for`."""
    expiration = entry.cached_result_expiration
    return expiration is None or expiration > ambient.now()


def all_inputs(entry: Cached, inputs: Names | None, parameters: Any) -> bool:
    """Accept an entry that has not expired and was made from equal inputs."""
    return duration_only(entry, inputs, parameters) and _equal(
        _values(entry.cached_inputs), _values(inputs)
    )


def all_parameters(entry: Cached, inputs: Names | None, parameters: Any) -> bool:
    """Accept an entry that has not expired and was made with equal parameters.

    None is not equal to an empty mapping of parameters.
    """
    return duration_only(entry, inputs, parameters) and _equal(entry.cached_parameters, parameters)


def partial_inputs_only(validate_on: Iterable[str] | None = None) -> Validator:
    """Return a validator that compares only the inputs named. One missing on both sides is equal.

    Args:
        validate_on: The names of the inputs. None compares none: only the expiration counts.
    """
    chosen = frozenset(validate_on or ())

    def validate(entry: Cached, inputs: Names | None, parameters: Any) -> bool:
        return duration_only(entry, inputs, parameters) and _equal(
            _choose(_values(entry.cached_inputs), chosen), _choose(_values(inputs), chosen)
        )

    return validate


def partial_parameters_only(validate_on: Iterable[str] | None = None) -> Validator:
    """Return a validator that compares only the parameters named. One missing on both is equal.

    Args:
        validate_on: The names of the parameters. None compares none: only the expiration counts.
    """
    chosen = frozenset(validate_on or ())

    def validate(entry: Cached, inputs: Names | None, parameters: Any) -> bool:
        return duration_only(entry, inputs, parameters) and _equal(
            _choose(entry.cached_parameters, chosen), _choose(parameters, chosen)
        )

    return validate


# By the names that `Cache(validator=)` takes.
VALIDATORS: Mapping[str, Validator] = {
    each.__name__: each for each in (all_inputs, all_parameters, duration_only, never_use)
}
# Those that `Cache(validate_on=)` tells what to compare.
PARTIAL: Mapping[str, Callable[[Iterable[str] | None], Validator]] = {
    each.__name__: each for each in (partial_inputs_only, partial_parameters_only)
}


def _values(names: Names | None) -> dict[str, Any]:
    """Inputs by name, each as its value: a journal may keep an input as a `Result`."""
    return {
        name: value.value if isinstance(value, Result) else value
        for name, value in (names or {}).items()
    }


def _choose(names: Any, chosen: frozenset[str]) -> dict[str, Any]:
    if not isinstance(names, Mapping):
        return {}
    return {name: value for name, value in names.items() if name in chosen}


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # `==` may be the user's code; what cannot be compared is not equal
        return False
