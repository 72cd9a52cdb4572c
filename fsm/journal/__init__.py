"""Journals: append-only logs of the steps of runs, with claims on runs and leases.

One contract, `Journal`, and three stores: in memory, in a SQLite file, in PostgreSQL.
`open_journal` opens each of them by its URL.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .arguments import HasLifecycle, LifecycleLike
    from .base import Journal
    from .claims import Claim
    from .heartbeat import Heartbeat
    from .memory.journal import MemoryJournal
    from .opening import Address, open_journal
    from .records import LateResult, Record, Summary
    from .traffic import Stay, Traffic

__all__ = [
    "Address",
    "Claim",
    "HasLifecycle",
    "Heartbeat",
    "Journal",
    "LateResult",
    "LifecycleLike",
    "MemoryJournal",
    "Record",
    "Stay",
    "Summary",
    "Traffic",
    "open_journal",
]

# Names are imported on demand: a run without a journal does not load any.
_MODULES = {
    "Address": "fsm.journal.opening",
    "Claim": "fsm.journal.claims",
    "HasLifecycle": "fsm.journal.arguments",
    "Heartbeat": "fsm.journal.heartbeat",
    "Journal": "fsm.journal.base",
    "LateResult": "fsm.journal.records",
    "LifecycleLike": "fsm.journal.arguments",
    "MemoryJournal": "fsm.journal.memory.journal",
    "Record": "fsm.journal.records",
    "Stay": "fsm.journal.traffic",
    "Summary": "fsm.journal.records",
    "Traffic": "fsm.journal.traffic",
    "open_journal": "fsm.journal.opening",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
