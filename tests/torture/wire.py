"""Wire: what lies between a client and PostgreSQL, to be cut where it hurts."""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

__all__ = ["Cut", "Request", "Wire"]

_NAME = ".s.PGSQL.5432"


class Cut(NamedTuple):
    """Where the wire is cut: at which request since the last cut, and how far into its answer."""

    request: int
    answered: int | None  # bytes that come through; None: the request does not either


class Request(NamedTuple):
    """What the client asked, and how long the answer was."""

    asked: bytes
    answered: int


class Wire:
    """A socket in *folder* that leads to the server of *url*. Use it in a `with`.

    A request is what a client sends until it wants an answer: up to a Query or a Sync. The first
    of each connection is its start-up.
    """

    def __init__(self, url: str, folder: Path) -> None:
        parts = urlsplit(url)
        (there,) = parse_qs(parts.query)["host"]
        self.url = parts._replace(query=f"host={folder}").geturl()
        self._there = f"{there}/{_NAME}"
        self._lock = threading.Lock()
        self._cuts: deque[Cut] = deque()
        self.unmet = 0
        self._away = self._stays_away = False
        self._requests: list[Request] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{folder}/{_NAME}")
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for thread in self._threads[1:]:
            thread.join()

    def arm(self, *cuts: Cut, stays_away: bool = False) -> None:
        """Cut here, one after the other; then perhaps stay away until armed again."""
        with self._lock:
            self.unmet = len(self._cuts)  # of those it was armed with before
            self._cuts, self._stays_away, self._away = deque(cuts), stays_away, False
            self._requests = []

    def record(self) -> list[Request]:
        """What was asked since it was armed, or cut."""
        with self._lock:
            return list(self._requests)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._away:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._there)
            except OSError:
                client.close()
                server.close()
                continue
            link = _Link(self, client, server)
            for pump in (link.ask, link.answer):
                self._threads.append(threading.Thread(target=pump))
                self._threads[-1].start()

    # What the links ask.

    def comes_through(self, asked: bytes) -> bool:
        """Whether a request comes through."""
        with self._lock:
            self._requests.append(Request(asked, 0))
            return not self._is_now(None)

    def comes_back(self, answer: bytes) -> tuple[bytes, bool]:
        """How much of an answer comes through, and whether the wire holds."""
        with self._lock:
            if not self._requests:
                return answer, True
            asked, before = self._requests[-1]
            self._requests[-1] = Request(asked, before + len(answer))
            if self._cuts and self._cuts[0].request == len(self._requests) - 1:
                wanted = self._cuts[0].answered
                if wanted is not None and before + len(answer) >= wanted:
                    self._done()
                    return answer[: wanted - before], False
            return answer, True

    def _is_now(self, answered: int | None) -> bool:
        if self._cuts and self._cuts[0] == (len(self._requests) - 1, answered):
            self._done()
            return True
        return False

    def _done(self) -> None:
        self._cuts.popleft()
        self._requests = []
        self._away = self._stays_away and not self._cuts


class _Link:
    """One connection through the wire."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket) -> None:
        self._wire, self._client, self._server = wire, client, server
        self._ended = threading.Lock()
        self._open = 2  # pumps

    def ask(self) -> None:
        waiting, request, begun = b"", b"", False
        while more := _received(self._client):
            waiting += more
            while message := _message(waiting, begun):
                waiting, begun = waiting[len(message) :], True
                request += message
                if message[:1] in b"QS\0":  # a start-up begins with its length: with a zero
                    if not self._wire.comes_through(request):
                        self._end()
                        return
                    if not _sent(self._server, request):
                        break
                    request = b""
        _sent(self._server, request)
        self._end()

    def answer(self) -> None:
        while more := _received(self._server):
            part, holds = self._wire.comes_back(more)
            _sent(self._client, part)
            if not holds:
                break
        self._end()

    def _end(self) -> None:
        for end in (self._client, self._server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:  # the other pump was first
                pass
        with self._ended:
            self._open -= 1
            if not self._open:
                self._client.close()
                self._server.close()


def _message(waiting: bytes, begun: bool) -> bytes:
    """The first whole message; none if it is not yet all there."""
    head = 1 if begun else 0
    if len(waiting) < head + 4:
        return b""
    (length,) = struct.unpack_from(">I", waiting, head)
    return waiting[: head + length] if len(waiting) >= head + length else b""


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(65_536)
    except OSError:
        return b""


def _sent(end: socket.socket, what: bytes) -> bool:
    try:
        end.sendall(what)
    except OSError:
        return False
    return True
