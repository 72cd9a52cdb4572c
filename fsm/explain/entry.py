"""One step of a run as a story needs it: plain words and numbers, without its state classes."""

import json
from collections.abc import Mapping
from typing import Any, Self

import attrs

from fsm.journal.phase import due_of, phase_of
from fsm.journal.records import Record
from fsm.lifecycle.step import Step
from fsm.states import State, registry
from fsm.states.exceptions import ExceptionRecord, record_exception

__all__ = ["StoryEntry"]

_Path = tuple[str, ...]
_ERROR: _Path = ("_result", "exact", "$exception")
_BUILTIN_FIELDS = {"type", "__version__", "exact", "_result", "n_map_states"} | {
    field.alias
    for cls in State.children()
    if registry.is_builtin(cls)
    for field in attrs.fields(cls)
}
_MAX_OWN_FIELDS = 5


@attrs.frozen
class StoryEntry:
    """One step, without the classes of its states. Times are microseconds since 1970 in UTC."""

    __module__ = "fsm.explain"

    seq: int
    event: str
    source: str
    dest: str
    micros: int
    phase: str  # of dest, as journals name it
    due: int | None  # when time next moves the run
    epoch: int | None = None  # of the claim under which the step was made
    message: str | None = None
    error: str | None = None  # class and first line of an exception in the result
    attempts: int | None = None  # made before this step, where the step leads to a retry
    approver: str | None = None  # who approved the run
    own_fields: tuple[str, ...] = ()  # `name = value` of what only a user's state class has

    @classmethod
    def from_step(cls, step: Step) -> Self:
        """Build the entry of a step in memory."""
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
            _as_text(dest.message),
            _summarize(_error_of(dest)),
            _as_count(getattr(dest, "run_count", None)),
            _as_text((dest.context or {}).get("approved_by")),
            _format_own_fields(
                {
                    field.alias: getattr(dest, field.name)
                    for field in attrs.fields(type(dest))
                    if field.init
                }
            ),
        )

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """Build the entry of a step in a journal; a payload that cannot be read adds nothing."""
        try:
            payload = json.loads(record.payload)
        except (ValueError, RecursionError):
            payload = None
        tagged = _look_up(payload, ("exact",)) or ()  # values that JSON cannot express
        exception = _look_up(payload, _ERROR)
        error = None
        if isinstance(exception, dict):
            error = ExceptionRecord(str(exception.get("type")), str(exception.get("text")))
        return cls(
            record.seq,
            record.event,
            record.source,
            record.dest,
            record.micros,
            record.phase,
            record.due,
            record.epoch,
            _as_text(_look_up(payload, ("message",))),
            _summarize(error),
            _as_count(_look_up(payload, ("run_count",))),
            _as_text(_look_up(payload, ("context", "approved_by"))),
            _format_own_fields(
                {
                    name: value
                    for name, value in (payload.items() if isinstance(payload, dict) else ())
                    if name not in tagged
                }
            ),
        )


def _format_own_fields(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts and numbers of a user's fields, such as `reason = sensor 7`, by name."""
    texts = [
        (name, value if type(value) is str else repr(value))
        for name, value in sorted(fields.items())
        if name not in _BUILTIN_FIELDS
        and (type(value) in (str, bool, float) or _is_short_integer(value))
    ]
    return tuple(f"{name} = {value}" for name, value in texts if value)[:_MAX_OWN_FIELDS]


def _is_short_integer(value: object) -> bool:
    """Whether it is an integer of at most 64 bits: Python refuses to write very long ones."""
    return type(value) is int and value.bit_length() <= 64


def _look_up(value: Any, path: _Path) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _as_text(value: object) -> str | None:
    return None if value is None else str(value)


def _as_count(value: object) -> int | None:
    return value if type(value) is int else None


def _error_of(state: State) -> ExceptionRecord | None:
    result = None if state.is_mapped() else state.result
    if isinstance(result, BaseException):
        return record_exception(result)
    return result if isinstance(result, ExceptionRecord) else None


def _summarize(error: ExceptionRecord | None) -> str | None:
    """The class of the exception and the first line of its text."""
    if error is None:
        return None
    line = error.text.strip().partition("\n")[0]
    return f"{error.type}: {line}" if line else error.type
