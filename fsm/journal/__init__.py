"""Journals: where the steps of runs are kept. One contract, several keepers."""

from __future__ import annotations

from fsm.lifecycle.store import RunJournal

from .address import Address
from .claim import Claim
from .contract import Journal
from .late import Late
from .memory import MemoryJournal
from .opening import open_journal
from .record import Record
from .renewal import Renewal
from .summary import Summary

__all__ = [
    "Address",
    "Claim",
    "Journal",
    "Late",
    "MemoryJournal",
    "Record",
    "Renewal",
    "RunJournal",
    "Summary",
    "open_journal",
]
