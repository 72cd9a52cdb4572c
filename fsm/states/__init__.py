"""What a run is, and what it carries: one class per state.

Nothing here knows how a run moves: that is `fsm`. The module is also importable as `states`.

    State
    ├── Pending, Scheduled, Paused, Resume, Retrying    the run waits
    ├── Submitted, Queued, ClientFailed                 meta states, which wrap another state
    ├── Running                                         the run is being executed
    └── Finished, Success, Failed, Cancelled, ...       the run has ended

`dumps` and `loads` write and read a state as JSON. `ambient` holds the clock and the context that
constructors read. All errors are `StateError`s.
"""

from __future__ import annotations

# The order of these four is the order of `State.children()`.
from .pending import Paused, Pending, Resume, Retrying, Scheduled  # isort: skip
from .meta import ClientFailed, Queued, Submitted, _MetaState  # noqa: F401  # isort: skip  # pickles
from .running import Running  # isort: skip
from .finished import (  # isort: skip
    Cached,
    Cancelled,
    Failed,
    Finished,
    Looped,
    Mapped,
    Skipped,
    Success,
    TimedOut,
    TriggerFailed,
    ValidationFailed,
)

from . import ambient
from .base import State
from .codec.json_text import dumps, loads
from .errors import (
    DuplicateState,
    InvalidPayload,
    NotDeserializable,
    NotSerializable,
    StateError,
    UnknownState,
)
from .exceptions import ExceptionRecord
from .result import NoResult, NoResultType, Result, SafeResult

__all__ = [
    "Cached",
    "Cancelled",
    "ClientFailed",
    "DuplicateState",
    "ExceptionRecord",
    "Failed",
    "Finished",
    "InvalidPayload",
    "Looped",
    "Mapped",
    "NoResult",
    "NoResultType",
    "NotDeserializable",
    "NotSerializable",
    "Paused",
    "Pending",
    "Queued",
    "Result",
    "Resume",
    "Retrying",
    "Running",
    "SafeResult",
    "Scheduled",
    "Skipped",
    "State",
    "StateError",
    "Submitted",
    "Success",
    "TimedOut",
    "TriggerFailed",
    "UnknownState",
    "ValidationFailed",
    "ambient",
    "dumps",
    "loads",
]
