"""The handler of one HTTP request to the live page."""

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
from .routes import VIEWS, Parameters
from .security import HEADERS
from .views import overview

if TYPE_CHECKING:
    from .server import Server

__all__ = ["RequestHandler", "markup", "script", "style"]

_SCRIPTS = (  # in the order in which they run
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
_DIGITS = 10  # digits of Content-Length; int() of very long texts is slow
_BEAT = 5.0  # seconds of silence after which a stream says that it is alive; the page expects it
_POLL = 0.5  # seconds between two checks whether a listener is still connected


class RequestHandler(BaseHTTPRequestHandler):
    """Answers one request, then closes the connection."""

    server_version = "fsm"
    sys_version = ""
    timeout: ClassVar[float | None] = 30  # seconds that a browser may pause within a request

    @property
    def _page(self) -> Server:
        return cast("Server", self.server)

    def do_GET(self) -> None:
        """Answer with a file, with JSON, or with a stream of events."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Take an action on a run."""
        self._body = self._read()  # even if refused: an unread body would reset the connection
        self._answer(self._post)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer malformed requests and unknown methods with JSON, like any other error."""
        status = HTTPStatus(code)
        self._fail(status, ": ".join(filter(None, (message or status.phrase, explain))))

    def log_message(self, format: str, *args: Any) -> None:  # the name of the base class
        """Write nothing: a request is text of others, and not for the terminal."""

    def _answer(self, answer: Callable[[str, Parameters], None]) -> None:
        try:
            parts = urlsplit(self.path)
            refusal = self._page.access.refusal(self.command, parts, self.headers)
            if refusal is not None:
                self._fail(HTTPStatus.FORBIDDEN, refusal)
                return
            parameters = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            answer(parts.path, parameters)
        except (UnknownRun, UnicodeEncodeError) as error:  # an id with lone surrogates
            self._fail(HTTPStatus.NOT_FOUND, error)
        except JournalError as error:
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, error)
        except (InvalidArgument, ValueError) as error:
            self._fail(HTTPStatus.BAD_REQUEST, error)
        except (LifecycleError, StateError) as error:
            self._fail(HTTPStatus.CONFLICT, error)
        except OSError:  # the browser closed the connection
            raise
        except Exception as error:  # a bug: the terminal shows the traceback
            problem = f"internal error, see the server's terminal: {type(error).__name__}: {error}"
            self._fail(HTTPStatus.INTERNAL_SERVER_ERROR, problem)
            raise

    def _get(self, path: str, parameters: Parameters) -> None:
        if path in _FILES:
            read, kind = _FILES[path]
            self._send(kind, read().encode())
        elif path in VIEWS:
            self._send_json(VIEWS[path](self._page, parameters))
        elif path == "/api/events":
            self._stream()
        else:
            self._fail(HTTPStatus.NOT_FOUND, "no such address")

    def _post(self, path: str, _: Parameters) -> None:
        if path != "/api/act":
            self._fail(HTTPStatus.NOT_FOUND, "no such address")
        elif self.headers.get_content_type() != _JSON:  # a form on another page cannot send it
            self._fail(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"an action must be sent as {_JSON}")
        elif self._body is None:
            problem = f"an action needs a Content-Length of at most {_LARGEST} bytes"
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, problem)
        else:
            request = _parse(self._body)
            with self._page.control.journal() as journal:
                outcome = act(journal, request, self._page.known)
            self._page.watch.wake()
            self._send_json(outcome)

    def _read(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < _DIGITS):
            return None
        return self.rfile.read(int(length)) if int(length) <= _LARGEST else None

    def _stream(self) -> None:
        """Send the overview now and at every change, as server-sent events."""
        watch = self._page.watch
        # A listener that disconnected is noticed after one poll.
        if not self._page.listeners.acquire(timeout=2 * _POLL):
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, "too many pages are open")
            return
        try:
            self._send_head(HTTPStatus.OK, "text/event-stream")
            self.wfile.write(b"retry: 1000\n\n")
            version, sent = 0, time.monotonic()
            while not watch.stopped and not self._is_disconnected():
                snapshot = watch.wait_after(version, _POLL)
                if snapshot is not None:
                    version = snapshot.version
                    data = json.dumps(overview(snapshot, self._page.known))
                    self.wfile.write(f"data: {data}\n\n".encode())
                elif time.monotonic() - sent < _BEAT or watch.stuck:
                    continue
                else:
                    self.wfile.write(b"event: beat\ndata:\n\n")
                sent = time.monotonic()
        finally:
            self._page.listeners.release()

    def _is_disconnected(self) -> bool:
        """Whether the browser closed the connection. Other data that it sends is discarded."""
        self.connection.settimeout(0)
        try:
            return not self.connection.recv(_LARGEST)
        except BlockingIOError:
            return False
        finally:
            self.connection.settimeout(self.timeout)

    def _send_json(self, data: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(_JSON, json.dumps(data).encode(), status)

    def _fail(self, status: HTTPStatus, problem: object) -> None:
        self._send_json({"error": cut(problem)}, status)

    def _send(self, kind: str, body: bytes, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send_head(status, kind, {"Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_head(self, status: HTTPStatus, kind: str, more: Mapping[str, str] = HEADERS) -> None:
        self.request_version: str = self.protocol_version  # headers even for HTTP/0.9
        self.send_response(status)
        for name, value in {"Content-Type": kind, **HEADERS, **more}.items():
            self.send_header(name, value)
        self.end_headers()


def _parse(body: bytes) -> object:
    try:
        return json.loads(body)
    except RecursionError:
        raise InvalidArgument("the action is nested too deeply") from None
