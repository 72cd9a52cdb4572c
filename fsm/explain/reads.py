"""Read tracing: which values a guard that refuses looked at.

A guard is a pure function, so it can be called again, with proxies of the run and the step. They
answer as the originals do and record each value that is read. The record counts only if the guard
gives the same answer again.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from fsm.lifecycle.guard import Guard, weigh
from fsm.lifecycle.step import Step
from fsm.run.access import now_micros, rows_from
from fsm.run.run import Run
from fsm.text import escape

__all__ = ["Reads", "trace_reads"]

Reads = Mapping[str, str]  # by the name the guard has for a value: the value as text

_MAX_READS = 8  # values of one guard
_MAX_LENGTH = 80  # characters of a value
_MAX_ITEMS = 3  # of a collection that is printed in full


def trace_reads(
    double: Run, event: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], count: int
) -> tuple[Reads, ...]:
    """What the *count* guards that refuse *event* read, in the order of the rows they refuse.

    Args:
        double: A double of the run that no other thread has.

    Returns:
        One mapping for each guard; empty where what it read is not certain.
    """
    try:
        found = tuple(_trace_rows(double, event, args, kwargs))
    except Exception:  # of a guard that answered the first time
        found = ()
    return found if len(found) == count else ({},) * count


def _trace_rows(
    double: Run, event: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[Reads]:
    micros, seq = now_micros(double), len(double.history) + 1
    for row in rows_from(double, event):
        dest = row.draft(double, double.state, args, dict(kwargs), micros)
        step = Step(double.id, seq, event, double.state, dest, micros)
        for guard, wanted in row.guards:
            answer = guard(double, step)
            if weigh(guard, wanted, answer) is not None:
                yield _trace(guard, double, step, answer)
                break


def _trace(guard: Guard, double: Run, step: Step, answer: object) -> Reads:
    seen: dict[str, Any] = {}
    run_proxy, step_proxy = _TracingProxy(double, "run", seen), _TracingProxy(step, "step", seen)
    try:
        is_same = guard(run_proxy, step_proxy) == answer  # type: ignore[arg-type]  # the proxy passes for a step
    except Exception:  # it checks for the exact type, or its answers cannot be compared
        return {}
    return (
        {name: _format(value) for name, value in list(seen.items())[:_MAX_READS]} if is_same else {}
    )


class _TracingProxy:
    """Passes for *target* and records each value that is read of it, under its dotted name."""

    def __init__(self, target: Any, name: str, seen: dict[str, Any]) -> None:
        self.__dict__.update(_target=target, _name=name, _seen=seen)

    # `isinstance` asks for this, too.
    __class__ = property(lambda self: type(self.__dict__["_target"]))  # pyright: ignore[reportIncompatibleMethodOverride]

    def __getattr__(self, name: str) -> Any:
        target, path, seen = (self.__dict__[each] for each in ("_target", "_name", "_seen"))
        value = getattr(target, name)
        if attrs.has(type(value)):  # a state or a policy: trace what is read of it instead
            return _TracingProxy(value, f"{path}.{name}", seen)
        if not callable(value):
            seen[f"{path}.{name}"] = value
        return value

    def __eq__(self, other: object) -> bool:
        self.__dict__["_seen"].setdefault(self.__dict__["_name"], self.__dict__["_target"])
        return bool(
            self.__dict__["_target"] == getattr(other, "__dict__", {}).get("_target", other)
        )

    def __hash__(self) -> int:
        return hash(self.__dict__["_target"])

    def __bool__(self) -> bool:
        return bool(self.__dict__["_target"])


def _format(value: object) -> str:
    try:
        if isinstance(value, tuple | list | dict | set | frozenset) and len(value) > _MAX_ITEMS:
            return f"a {type(value).__name__} of {len(value)}"
        text = value.isoformat() if isinstance(value, datetime.date) else repr(value)
    except Exception as error:  # the repr of a user's class may raise
        return f"<repr raised {type(error).__name__}>"
    return escape(text, _MAX_LENGTH)
