"""The golden data, and the builder of what it describes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest

import states
from fsm.states import ambient
from fsm.states.meta import _MetaState
from states import NoResult, Result, SafeResult

GOLDEN = Path(__file__).parents[2] / "golden"
FROZEN = datetime(2020, 5, 14, 21, 12, 0, 123456, tzinfo=UTC)

# Other tests declare states of their own; these are the built-in ones.
OURS = [cls for cls in states.State.children() if cls.__module__.startswith("fsm.states")]
CLASSES = {cls.__name__: cls for cls in (states.State, _MetaState, *OURS)}


def _moment(tagged: dict[str, Any]) -> datetime:
    naive = datetime.fromisoformat(tagged["$dt"])
    zone = tagged["tz"]
    if tagged["lib"] == "pendulum":
        return pendulum.instance(naive.replace(fold=1), tz=zone or "UTC")
    if zone is None:
        return naive
    if zone[0] in "+-":
        hours, minutes = map(int, zone[1:].split(":"))
        offset = timedelta(hours=hours, minutes=minutes)
        return naive.replace(tzinfo=timezone(offset if zone[0] == "+" else -offset))
    return naive.replace(tzinfo=ZoneInfo(zone))


def _result(tagged: dict[str, Any]) -> Any:
    given = {name: built(value) for name, value in tagged.get("kwargs", {}).items()}
    if tagged["$result"] == "SafeResult":
        return SafeResult(**given)
    return Result(**{name: given[name] for name in ("value", "location") if name in given})


def built(tagged: Any) -> Any:
    """Make what a value of the golden data's tag language describes."""
    if isinstance(tagged, list):
        return [built(item) for item in tagged]
    if not isinstance(tagged, dict):
        return tagged
    for tag, make in _MADE.items():
        if tag in tagged:
            return make(tagged)
    return {name: built(value) for name, value in tagged.items()}


_MADE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "$dt": _moment,
    "$exc": lambda tagged: {"ValueError": ValueError, "ZeroDivisionError": ZeroDivisionError}[
        tagged["$exc"]
    ](*tagged["args"]),
    "$state": lambda tagged: CLASSES[tagged["$state"]](**built(tagged.get("kwargs", {}))),
    "$result": _result,
    "$noresult": lambda tagged: NoResult,
    "$handler": lambda tagged: {"type": tagged["$handler"], "__version__": "0.10.7"},
    "$bytes": lambda tagged: tagged["$bytes"].encode("latin-1"),
    "$set": lambda tagged: set(built(tagged["$set"])),
    "$tuple": lambda tagged: tuple(built(tagged["$tuple"])),
    "$object": lambda tagged: object(),
    "$float": lambda tagged: float(tagged["$float"]),
}


@pytest.fixture
def build() -> Callable[[Any], Any]:
    """The builder of what the golden data describes."""
    return built


@pytest.fixture
def golden() -> Callable[[str], Any]:
    """The reader of a file of golden data."""
    return lambda name: json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


@pytest.fixture
def classes() -> dict[str, Any]:
    """The 22 built-in classes by name."""
    return dict(CLASSES)


@pytest.fixture
def frozen() -> Any:
    """The clock, stopped when the golden data was recorded."""
    with ambient.clock(lambda: FROZEN):
        yield FROZEN
