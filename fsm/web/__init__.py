"""Page: runs as a browser shows them, live from a journal or as one file to mail around."""

from __future__ import annotations

from .report import report
from .server import Server
from .source import Source
from .watch import Snapshot, Watch

__all__ = ["Server", "Snapshot", "Source", "Watch", "report"]
