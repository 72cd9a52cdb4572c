"""Move: one step as a story needs it, plain words and numbers, whoever knows its classes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

import attrs

from fsm.journal.phase import due_of, phase_of
from fsm.journal.records import Record
from fsm.lifecycle.step import Step
from fsm.states import State, registry
from fsm.states.exceptions import ExceptionRecord, recorded

__all__ = ["Move"]

_Path = tuple[str, ...]
_ERROR: _Path = ("_result", "exact", "$exception")
_OURS = {"type", "__version__", "exact", "_result", "n_map_states"} | {
    field.alias for cls in State.children() if registry.is_ours(cls) for field in attrs.fields(cls)
}
_MOST = 5  # of what a class of the user's carries besides


@attrs.frozen
class Move:
    """One step, without the classes of its states. Times are microseconds since 1970 in UTC."""

    seq: int
    event: str
    source: str
    dest: str
    micros: int
    phase: str  # of dest, as journals know it
    due: int | None  # when time next moves the run
    epoch: int | None = None  # of the claim it was made under
    message: str | None = None
    error: str | None = None  # the kind of an exception in its result, and its first line
    attempts: int | None = None  # before it, where it is to be tried again
    approver: str | None = None  # who let the run go on
    besides: tuple[str, ...] = ()  # the words and numbers that only a class of the user's carries

    @classmethod
    def of(cls, step: Step) -> Self:
        """What a story needs of a step in memory."""
        dest = step.dest
        return cls(
            step.seq,
            step.event,
            type(step.source).__name__,
            type(dest).__name__,
            step.micros,
            phase_of(dest),
            due_of(dest, step.micros),
            None,
            _text(dest.message),
            _first_line(_error(dest)),
            _count(getattr(dest, "run_count", None)),
            _text((dest.context or {}).get("approved_by")),
            _besides(
                {
                    field.alias: getattr(dest, field.name)
                    for field in attrs.fields(type(dest))
                    if field.init
                }
            ),
        )

    @classmethod
    def read(cls, record: Record) -> Self:
        """What a story needs of a step in a journal; a payload that cannot be read says nothing."""
        try:
            payload = json.loads(record.payload)
        except (ValueError, RecursionError):
            payload = None
        exact = _at(payload, ("exact",)) or ()  # what JSON has no word for
        said = _at(payload, _ERROR)
        error = None
        if isinstance(said, dict):
            error = ExceptionRecord(str(said.get("type")), str(said.get("text")))
        return cls(
            record.seq,
            record.event,
            record.source,
            record.dest,
            record.micros,
            record.phase,
            record.due,
            record.epoch,
            _text(_at(payload, ("message",))),
            _first_line(error),
            _count(_at(payload, ("run_count",))),
            _text(_at(payload, ("context", "approved_by"))),
            _besides(
                {
                    name: value
                    for name, value in (payload.items() if isinstance(payload, dict) else ())
                    if name not in exact
                }
            ),
        )


def _besides(carried: Mapping[str, Any]) -> tuple[str, ...]:
    """Such as `reason = sensor 7`, by name."""
    told = [
        (name, value if type(value) is str else repr(value))
        for name, value in sorted(carried.items())
        if name not in _OURS and (type(value) in (str, bool, float) or _is_number(value))
    ]
    return tuple(f"{name} = {value}" for name, value in told if value)[:_MOST]


def _is_number(value: object) -> bool:
    """Whether it is one that anybody reads; Python itself refuses to write the largest."""
    return type(value) is int and value.bit_length() <= 64


def _at(found: Any, path: _Path) -> Any:
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _count(value: object) -> int | None:
    return value if type(value) is int else None


def _error(state: State) -> ExceptionRecord | None:
    result = None if state.is_mapped() else state.result
    if isinstance(result, BaseException):
        return recorded(result)
    return result if isinstance(result, ExceptionRecord) else None


def _first_line(error: ExceptionRecord | None) -> str | None:
    if error is None:
        return None
    line = error.text.strip().partition("\n")[0]
    return f"{error.type}: {line}" if line else error.type
