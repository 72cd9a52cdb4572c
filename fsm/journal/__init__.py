"""Journals: where the steps of runs are kept. One contract, several keepers."""

from __future__ import annotations

from fsm.journal.memory.journal import MemoryJournal
from fsm.lifecycle.store import StepStore

from .address import Address
from .base import Journal
from .claims import Claim
from .heartbeat import Renewal
from .late import Late
from .opening import open_journal
from .records import Record
from .summary import Summary

__all__ = [
    "Address",
    "Claim",
    "Journal",
    "Late",
    "MemoryJournal",
    "Record",
    "Renewal",
    "StepStore",
    "Summary",
    "open_journal",
]
