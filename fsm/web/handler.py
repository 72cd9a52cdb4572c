"""Answer: one request to the live page, from the door to the last byte."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from importlib import resources
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import parse_qs, urlsplit

from fsm.errors import InvalidArgument, JournalError, LifecycleError, UnknownRun
from fsm.states import StateError
from fsm.text import cut

from .actions import act
from .routes import VIEWS, Asked
from .security import HEADERS
from .views import overview

if TYPE_CHECKING:
    from .server import Server

__all__ = ["Answer", "markup", "script", "style"]

_SCRIPTS = (  # each may use those before it
    "source.js", "draw.js", "list.js", "story.js", "run.js", "location.js", "events.js", "page.js",
)  # fmt: skip


def markup() -> str:
    """Return the page without its style and its script, which it asks for."""
    return _read("index.html")


def style() -> str:
    """Return the style sheet of the page."""
    return _read("page.css")


def script() -> str:
    """Return the scripts of the page as one."""
    return "\n".join(map(_read, _SCRIPTS))


def _read(name: str) -> str:
    return resources.files("fsm.web").joinpath("static", name).read_text("utf-8")


_FILES = {
    "/": (markup, "text/html; charset=utf-8"),
    "/page.css": (style, "text/css; charset=utf-8"),
    "/page.js": (script, "text/javascript; charset=utf-8"),
}
_JSON = "application/json"
_LARGEST = 65_536  # bytes of a request's body
_DIGITS = 10  # of how many bytes they are
_BEAT = 5.0  # seconds after which who listens is told that there is no news; the page waits for it
_LOOK = 0.5  # seconds between two looks whether who listens is still there


class Answer(BaseHTTPRequestHandler):
    """Answers one request, then closes the connection."""

    server_version = "fsm"
    sys_version = ""
    # Seconds that a browser may say nothing in the middle of a request.
    timeout: ClassVar[float | None] = 30

    @property
    def _served(self) -> Server:
        return cast("Server", self.server)

    def do_GET(self) -> None:
        """Answer with a file, with JSON, or with what happens from now on."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Do something to a run."""
        self._body = self._read()  # even if it is refused: unread, it would cut the answer off
        self._answer(self._post)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no request, or none of ours, as anything else that is refused."""
        status = HTTPStatus(code)
        self._fail(status, ": ".join(filter(None, (message or status.phrase, explain))))

    def log_message(self, format: str, *args: Any) -> None:  # as it is called
        """Write nothing: the terminal is no place for what strangers ask for."""

    def _answer(self, answer: Callable[[str, Asked], None]) -> None:
        try:
            parts = urlsplit(self.path)
            refusal = self._served.door.refusal(self.command, parts, self.headers)
            if refusal is not None:
                self._fail(HTTPStatus.FORBIDDEN, refusal)
                return
            asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            answer(parts.path, asked)
        except (UnknownRun, UnicodeEncodeError) as error:  # no journal keeps an id that is no text
            self._fail(HTTPStatus.NOT_FOUND, error)
        except JournalError as error:
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, error)
        except (InvalidArgument, ValueError) as error:
            self._fail(HTTPStatus.BAD_REQUEST, error)
        except (LifecycleError, StateError) as error:
            self._fail(HTTPStatus.CONFLICT, error)
        except OSError:  # the browser has gone
            raise
        except Exception as error:  # ours: who asks is told, and so is the terminal
            said = f"a fault of the page, told where it is served: {type(error).__name__}: {error}"
            self._fail(HTTPStatus.INTERNAL_SERVER_ERROR, said)
            raise

    def _get(self, path: str, asked: Asked) -> None:
        if path in _FILES:
            read, kind = _FILES[path]
            self._send(kind, read().encode())
        elif path in VIEWS:
            self._put(VIEWS[path](self._served, asked))
        elif path == "/api/events":
            self._tell()
        else:
            self._fail(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _post(self, path: str, _: Asked) -> None:
        if path != "/api/act":
            self._fail(HTTPStatus.NOT_FOUND, "there is nothing here")
        elif self.headers.get_content_type() != _JSON:  # a form on another page sends none
            self._fail(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"an action comes as {_JSON}")
        elif self._body is None:
            said = f"an action says how long it is, at most {_LARGEST} bytes"
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
        else:
            wanted = _parsed(self._body)
            with self._served.acting.journal() as journal:
                became = act(journal, wanted, self._served.catalog)
            self._served.watch.hurry()
            self._put(became)

    def _read(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < _DIGITS):
            return None
        return self.rfile.read(int(length)) if int(length) <= _LARGEST else None

    def _tell(self) -> None:
        """Say how things stand, now and whenever that changes: server-sent events."""
        watch = self._served.watch
        # A place that somebody has left is free after a look.
        if not self._served.listeners.acquire(timeout=2 * _LOOK):
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, "too many pages are open")
            return
        try:
            self._begin(HTTPStatus.OK, "text/event-stream")
            self.wfile.write(b"retry: 1000\n\n")
            version, told = 0, time.monotonic()
            while not watch.stopped and not self._has_left():
                snapshot = watch.after(version, _LOOK)
                if snapshot is not None:
                    version = snapshot.version
                    data = json.dumps(overview(snapshot, self._served.catalog))
                    self.wfile.write(f"data: {data}\n\n".encode())
                elif time.monotonic() - told < _BEAT or watch.stuck:
                    continue
                else:
                    self.wfile.write(b"event: beat\ndata:\n\n")
                told = time.monotonic()
        finally:
            self._served.listeners.release()

    def _has_left(self) -> bool:
        """Whether the browser has closed its end. What else it may say now, nobody reads."""
        self.connection.settimeout(0)
        try:
            return not self.connection.recv(_LARGEST)
        except BlockingIOError:
            return False
        finally:
            self.connection.settimeout(self.timeout)

    def _put(self, data: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(_JSON, json.dumps(data).encode(), status)

    def _fail(self, status: HTTPStatus, said: object) -> None:
        self._put({"error": cut(said)}, status)

    def _send(self, kind: str, body: bytes, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._begin(status, kind, {"Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin(self, status: HTTPStatus, kind: str, more: Mapping[str, str] = HEADERS) -> None:
        self.request_version: str = self.protocol_version  # HTTP/0.9 has no headers, so no policy
        self.send_response(status)
        for name, value in {"Content-Type": kind, **HEADERS, **more}.items():
            self.send_header(name, value)
        self.end_headers()


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except RecursionError:
        raise InvalidArgument("an action is not nested as deep as this") from None
