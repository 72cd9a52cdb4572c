"""Answer: one request to the live page, from the door to the last byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

from fsm.diagrams.drawing import graph
from fsm.errors import InvalidArgument, JournalError, LifecycleError, UnknownRun
from states import StateError

from .action import act, why_not
from .brief import brief
from .door import HEADERS
from .files import markup, script, style
from .recorded import trail
from .told import story
from .view import MOST_RUNS, Query, history, lifecycle, overview, page, picture, timeline
from .writing import reason

if TYPE_CHECKING:
    from .server import Server

__all__ = ["Answer"]

_FILES = {
    "/": (markup, "text/html; charset=utf-8"),
    "/page.css": (style, "text/css; charset=utf-8"),
    "/page.js": (script, "text/javascript; charset=utf-8"),
}
_JSON = "application/json"
_LARGEST = 65_536  # bytes of a request's body
_HEARTBEAT = 15.0  # seconds; who has gone is noticed when something is written to them
_Asked = Mapping[str, str]


class Answer(BaseHTTPRequestHandler):
    """Answers one request, then closes the connection."""

    server_version = "fsm"
    sys_version = ""
    timeout = 30  # seconds that a browser may say nothing in the middle of a request

    @property
    def _served(self) -> Server:
        return cast("Server", self.server)

    def do_GET(self) -> None:
        """Answer with a file, with JSON, or with what happens from now on."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Do something to a run."""
        self._body = (
            self._read()
        )  # also of one that is refused: unread, it would cut the answer off
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:  # as it is called
        """Write nothing: the terminal is no place for what strangers ask for."""

    def _answer(self, answer: Callable[[str, _Asked], None]) -> None:
        parts = urlsplit(self.path)
        refusal = self._served.door.refusal(self.command, parts.path, self.headers)
        if refusal is not None:
            self._fail(HTTPStatus.FORBIDDEN, refusal)
            return
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            answer(parts.path, asked)
        except (UnknownRun, UnicodeEncodeError) as error:  # no journal keeps an id that is no text
            self._fail(HTTPStatus.NOT_FOUND, error)
        except JournalError as error:
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, error)
        except (InvalidArgument, ValueError) as error:
            self._fail(HTTPStatus.BAD_REQUEST, error)
        except (LifecycleError, StateError) as error:
            self._fail(HTTPStatus.CONFLICT, error)

    def _get(self, path: str, asked: _Asked) -> None:
        if path in _FILES:
            read, kind = _FILES[path]
            self._send(kind, read().encode())
        elif path in _VIEWS:
            self._put(_VIEWS[path](self._served, asked))
        elif path == "/api/events":
            self._tell()
        else:
            self._fail(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _post(self, path: str, _: _Asked) -> None:
        if path != "/api/act":
            self._fail(HTTPStatus.NOT_FOUND, "there is nothing here")
        elif self.headers.get_content_type() != _JSON:  # a form on another page sends none
            self._fail(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"an action comes as {_JSON}")
        elif self._body is None:
            said = f"an action says how long it is, at most {_LARGEST} bytes"
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
        else:
            with self._served.source.journal() as journal:
                became = act(journal, json.loads(self._body), self._served.catalog)
            self._served.watch.hurry()
            self._put(became)

    def _read(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length[:10]) > _LARGEST:
            return None
        return self.rfile.read(int(length))

    def _tell(self) -> None:
        """Say how things stand, now and whenever that changes: server-sent events."""
        watch = self._served.watch
        if not self._served.listeners.acquire(blocking=False):
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, "too many pages are open")
            return
        try:
            self._begin(HTTPStatus.OK, "text/event-stream")
            self.wfile.write(b"retry: 1000\n\n")
            version = 0
            while not watch.stopped:
                snapshot = watch.after(version, _HEARTBEAT)
                if snapshot is None:
                    self.wfile.write(b": still here\n\n")
                    continue
                version = snapshot.version
                data = json.dumps(overview(snapshot, self._served.catalog))
                self.wfile.write(f"data: {data}\n\n".encode())
        finally:
            self._served.listeners.release()

    def _put(self, data: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(_JSON, json.dumps(data).encode(), status)

    def _fail(self, status: HTTPStatus, said: object) -> None:
        self._put({"error": reason(said)}, status)

    def _send(self, kind: str, body: bytes, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._begin(status, kind, {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def _begin(self, status: HTTPStatus, kind: str, more: Mapping[str, str] = HEADERS) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **HEADERS, **more}.items():
            self.send_header(name, value)
        self.end_headers()


def _overview(server: Server, _: _Asked) -> object:
    return overview(server.watch.snapshot, server.catalog)


def _page(server: Server, asked: _Asked) -> object:
    return page(server.watch.snapshot, _query(asked))


def _history(server: Server, asked: _Asked) -> object:
    with server.source.journal() as journal:
        return history(journal, asked.get("run", ""), int(asked.get("after", "0")))


def _story(server: Server, asked: _Asked) -> object:
    with server.source.journal() as journal:
        return story(journal, asked.get("run", ""))


def _why(server: Server, asked: _Asked) -> object:
    with server.source.journal() as journal:
        return why_not(journal, asked.get("run", ""), server.catalog)


def _lifecycle(server: Server, asked: _Asked) -> object:
    with server.source.journal() as journal:
        drawn = server.catalog.drawn(journal, _kind(server, asked))
    return lifecycle(drawn)


def _heat(server: Server, asked: _Asked) -> object:
    return server.heat.drawn(_kind(server, asked), server.watch.snapshot.version)


def _kind(server: Server, asked: _Asked) -> str:
    """The kind that `brief` calls so."""
    wanted = asked.get("kind", "")
    kinds = (run.kind for run in server.watch.snapshot.runs if brief(run.kind) == wanted)
    return next(kinds, wanted)


def _picture(server: Server, asked: _Asked) -> object:
    """The run's own way; in the whole of its lifecycle, if asked and if that is known."""
    id = asked.get("run", "")
    with server.source.journal() as journal:
        run = server.catalog.restored(journal, id) if "whole" in asked else None
        way = trail(journal.records(id)) if run is None else graph(run)
    return {"diagram": picture(way)}


def _timeline(server: Server, asked: _Asked) -> object:
    """Of one page of the runs; of all that match where it asks for no end of them."""
    query, snapshot = _query(asked), server.watch.snapshot
    found = query.found(snapshot)
    shown = found if "all" in asked else query.shown(found)
    width = max(600, min(int(asked.get("width", "1200")), 3000))
    with server.source.journal() as journal:
        return {"diagram": timeline(journal, shown, width)}


def _query(asked: _Asked) -> Query:
    return Query(
        state=asked.get("state", ""),
        kind=asked.get("kind", ""),
        search=asked.get("search", ""),
        offset=max(0, int(asked.get("offset", "0"))),
        limit=max(1, min(int(asked.get("limit", "50")), MOST_RUNS)),
    )


_VIEWS: Mapping[str, Callable[[Server, _Asked], object]] = {
    "/api/overview": _overview,
    "/api/runs": _page,
    "/api/run": _history,
    "/api/story": _story,
    "/api/why": _why,
    "/api/picture": _picture,
    "/api/lifecycle": _lifecycle,
    "/api/heat": _heat,
    "/api/timeline": _timeline,
}
