"""Server: the live page on a port of this machine, from the standard library alone."""

from __future__ import annotations

import sys
import threading
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from fsm.run.run import Run

from .classes import Catalog
from .handler import Answer
from .heat import Heat
from .security import Door
from .source import Opening, Source
from .watch import Watch

__all__ = ["Server"]

_MOST_LISTENERS = 32  # each has a thread of its own


class Server(ThreadingHTTPServer):
    """Serves the page of one journal on 127.0.0.1 until it is closed.

    Args:
        opening: Opens the journal, or raises `JournalError` while it is not there.
        classes: Whose lifecycles are drawn, and whose listeners are told of what is done on the
            page; the first stands for runs at large.
        port: 0 takes a free one.
        period: Seconds between two looks into the journal.
    """

    daemon_threads = True
    request_queue_size = 128  # a browser opens many pages at once

    def __init__(
        self, opening: Opening, *classes: type[Run], port: int = 8000, period: float = 1.0
    ) -> None:
        self.catalog: Catalog = Catalog(classes)
        self.source: Source = Source(opening)
        # A source of its own: an action that waits for another writer does not delay reading.
        self.acting: Source = Source(opening)
        self.watch: Watch = Watch(self.source, period)
        self._counting = Source(opening)  # nobody waits until a million steps are counted
        self.heat: Heat = Heat(self._counting, self.catalog)
        super().__init__(("127.0.0.1", port), Answer)  # closes all of it where the port is taken
        self.door: Door = Door(self.server_port)
        self.listeners: threading.Semaphore = threading.Semaphore(_MOST_LISTENERS)
        threading.Thread(target=self.watch.run, name="fsm watch", daemon=True).start()

    @property
    def url(self) -> str:
        """Where the page is; what follows the `#` is the token, and is never sent."""
        return f"http://127.0.0.1:{self.server_port}/#{self.door.token}"

    def server_bind(self) -> None:
        """Bind without asking the name service what our address is called."""
        TCPServer.server_bind(self)
        self.server_name: str = "127.0.0.1"
        self.server_port: int = int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Stop looking, and let go of port and journal."""
        self.watch.stop()
        super().server_close()
        for source in (self.source, self.acting, self._counting):
            source.close()
