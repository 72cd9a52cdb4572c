"""Our states as dicts in the wire format, written field by field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pendulum

from states import NoResult, Pending, Result, Retrying, Running, Success

__all__ = ["read", "write"]

_VERSION = "0.10.7"
_CLASSES: dict[str, Any] = {
    "Pending": Pending,
    "Running": Running,
    "Success": Success,
    "Retrying": Retrying,
}


def write(state: Any) -> dict[str, Any]:
    """Write a state as a dict; its values must be plain JSON values."""
    wire = {
        "type": type(state).__name__,
        "__version__": _VERSION,
        "message": state.message,
        "context": dict(state._context) if state._context else {},
        "cached_inputs": _inputs(state._cached_inputs) if state._cached_inputs else {},
        "_result": _result(state._result),
    }
    if type(state) is Retrying:
        wire["start_time"] = state.start_time.isoformat()
        wire["run_count"] = state.run_count
    return wire


def _result(result: Any) -> dict[str, Any]:
    if result is NoResult:
        return {"type": "NoResultType", "__version__": _VERSION}
    return _valued(result.value, "Result")


def _inputs(inputs: Any) -> dict[str, Any]:
    return {name: _valued(value, "value") for name, value in inputs.items()}


def _valued(value: Any, kind: str) -> dict[str, Any]:
    return {
        "type": "SafeResult",
        "__version__": _VERSION,
        "value": value,
        "result_handler": {"type": "JSONResultHandler", "__version__": _VERSION},
        "kind": kind,
    }


def read(wire: dict[str, Any]) -> Any:
    """Read a state from such a dict."""
    cls = _CLASSES[wire["type"]]
    said = wire["_result"]
    result = NoResult if said["type"] == "NoResultType" else Result(said["value"])
    inputs = {name: each["value"] for name, each in wire["cached_inputs"].items()}
    if cls is Retrying:
        return Retrying(
            wire["message"],
            result,
            start_time=_moment(wire["start_time"]),
            cached_inputs=inputs or None,
            context=wire["context"] or None,
            run_count=wire["run_count"],
        )
    return cls(
        wire["message"], result, context=wire["context"] or None, cached_inputs=inputs or None
    )


def _moment(text: str) -> pendulum.DateTime:
    at = datetime.fromisoformat(text).astimezone(UTC)
    return pendulum.DateTime(
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond,
        tzinfo=pendulum.UTC,
    )  # fmt: skip
