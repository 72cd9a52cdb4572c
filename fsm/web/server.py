"""The live page on a port of this machine, served by the standard library."""

from __future__ import annotations

import sys
import threading
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from fsm.run.run import Run

from .classes import KnownClasses
from .handler import RequestHandler
from .heat import HeatPictures
from .security import AccessPolicy
from .source import Opening, Source
from .watch import Watch

__all__ = ["Server"]

_MOST_LISTENERS = 32  # open event streams; each has a thread


class Server(ThreadingHTTPServer):
    """Serves the page of one journal on 127.0.0.1 until it is closed.

    Args:
        opening: Opens the journal, or raises `JournalError` while it is not there.
        classes: Their lifecycles are drawn, and their listeners are called for actions on the
            page; at least one. The first stands for all kinds together.
        port: 0 takes a free one.
        period: Seconds between two reads of the journal.
    """

    daemon_threads = True
    request_queue_size = 128  # a browser opens many connections at once

    def __init__(
        self, opening: Opening, *classes: type[Run], port: int = 8000, period: float = 1.0
    ) -> None:
        self.known: KnownClasses = KnownClasses(classes)
        self.source: Source = Source(opening)
        # A source of its own: an action that waits for another writer does not delay reading.
        self.control: Source = Source(opening)
        self.watch: Watch = Watch(self.source, period)
        self._counting = Source(opening)  # apart: counting a million steps takes long
        self.heat: HeatPictures = HeatPictures(self._counting, self.known)
        super().__init__(("127.0.0.1", port), RequestHandler)  # if the port is taken, it closes all
        self.access: AccessPolicy = AccessPolicy(self.server_port)
        self.listeners: threading.Semaphore = threading.Semaphore(_MOST_LISTENERS)
        threading.Thread(target=self.watch.run, name="fsm watch", daemon=True).start()

    @property
    def url(self) -> str:
        """The address of the page. The token follows the `#`, so a browser never sends it."""
        return f"http://127.0.0.1:{self.server_port}/#{self.access.token}"

    def server_bind(self) -> None:
        """Bind without asking the name service for the host name."""
        TCPServer.server_bind(self)
        self.server_name: str = "127.0.0.1"
        self.server_port: int = int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the error, unless the browser closed the connection."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Stop reading the journal, and release it and the port."""
        self.watch.stop()
        super().server_close()
        for source in (self.source, self.control, self._counting):
            source.close()
