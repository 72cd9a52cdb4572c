"""Reading: what a guard that says no looked at, and what it found there.

A guard is a pure function, so it may be asked again, of witnesses of the run and the step. They
answer as those do, and remember; what they remember is believed if the guard's answer is the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from fsm.lifecycle.guard import Guard, weigh
from fsm.lifecycle.step import Step
from fsm.run.access import now_micros, rows_from
from fsm.text import escape

if TYPE_CHECKING:
    from fsm.run.run import Run

__all__ = ["Reading", "readings"]

Reading = Mapping[str, str]  # what was read, as the guard names it, and its value as it is shown

_MOST = 8  # values of one guard
_LONGEST = 80  # characters of a value
_FEW = 3  # items that are shown one by one


def readings(
    double: Run, event: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int
) -> tuple[Reading, ...]:
    """What the *count* guards that refuse *event* read, in the order of the rows they refuse.

    Args:
        double: A run that stands where the run does, and that nobody else has.
    """
    try:
        found = tuple(_readings(double, event, args, kwargs))
    except Exception:  # of a guard that answered before, and does not now
        found = ()
    return found if len(found) == count else ({},) * count


def _readings(
    double: Run, event: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[Reading]:
    micros, seq = now_micros(double), len(double.history) + 1
    for row in rows_from(double, event):
        dest = row.draft(double, double.state, args, dict(kwargs), micros)
        step = Step(double.id, seq, event, double.state, dest, micros)
        for guard, wanted in row.guards:
            answer = guard(double, step)
            if weigh(guard, wanted, answer) is not None:
                yield _read(guard, double, step, answer)
                break


def _read(guard: Guard, double: Run, step: Step, answer: object) -> Reading:
    seen: dict[str, Any] = {}
    try:
        again = guard(_Witness(double, "run", seen), _Witness(step, "step", seen))  # type: ignore[arg-type]  # which it passes for
        believed = again == answer
    except Exception:  # it wants the very thing, or its answers are odd
        return {}
    return {name: _shown(value) for name, value in list(seen.items())[:_MOST]} if believed else {}


class _Witness:
    """Passes for what it is of, and notes each value that is read of it under its name."""

    def __init__(self, of: Any, name: str, seen: dict[str, Any]) -> None:
        self.__dict__.update(_of=of, _name=name, _seen=seen)

    # What `isinstance` asks, too.
    __class__ = property(lambda self: type(self.__dict__["_of"]))  # pyright: ignore[reportIncompatibleMethodOverride]

    def __getattr__(self, name: str) -> Any:
        of, path, seen = (self.__dict__[each] for each in ("_of", "_name", "_seen"))
        value = getattr(of, name)
        if attrs.has(type(value)):  # a state, a policy: what is read of it counts
            return _Witness(value, f"{path}.{name}", seen)
        if not callable(value):
            seen[f"{path}.{name}"] = value
        return value

    def __eq__(self, other: object) -> bool:
        self.__dict__["_seen"].setdefault(self.__dict__["_name"], self.__dict__["_of"])
        return bool(self.__dict__["_of"] == getattr(other, "__dict__", {}).get("_of", other))

    def __hash__(self) -> int:
        return hash(self.__dict__["_of"])

    def __bool__(self) -> bool:
        return bool(self.__dict__["_of"])


def _shown(value: object) -> str:
    try:
        if isinstance(value, tuple | list | dict | set | frozenset) and len(value) > _FEW:
            return f"a {type(value).__name__} of {len(value)}"
        text = value.isoformat() if isinstance(value, datetime.date) else repr(value)
    except Exception as error:  # anyone's object
        return f"<{type(error).__name__} while asking what it is>"
    return escape(text, _LONGEST)
