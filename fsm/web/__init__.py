"""Runs in a browser: `Server` serves a live page of a journal, `report` writes one HTML file.

`Source` opens a journal that may disappear and come back; `Watch` reads it again and again, and
keeps the latest `Snapshot` of its runs.
"""

from __future__ import annotations

from fsm.journal import Summary  # noqa: F401  # hints of Snapshot are resolved in this module

from .report import report
from .server import Server
from .source import Source
from .watch import Snapshot, Watch

__all__ = ["Server", "Snapshot", "Source", "Watch", "report"]

for _public in (Server, Snapshot, Source, Watch, report):
    _public.__module__ = __name__  # where the name is public, for reprs, logs and `help`
