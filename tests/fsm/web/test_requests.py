"""Requests that no browser sends, connections that break, and texts of any length."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, nullcontext
from typing import Any, BinaryIO

import attrs
import pytest

from fsm import MemoryJournal, TaskRun
from fsm.journal import Journal
from fsm.web import Server, handler
from fsm.web.security import HEADERS

POLICY = {f"{name}: {value}" for name, value in HEADERS.items()}


@attrs.frozen
class Answered:
    """What came back over a connection."""

    status: int
    headers: set[str]
    body: bytes

    @property
    def error(self) -> str:
        """The words of the refusal."""
        return str(json.loads(self.body)["error"])


@pytest.fixture
def journal() -> Journal:
    journal = MemoryJournal()
    TaskRun("deploy", journal=journal).pause()
    return journal


@pytest.fixture
def server(journal: Journal, capsys: pytest.CaptureFixture[str]) -> Iterator[Server]:
    """A server that says nothing on its terminal."""
    with Server(lambda: nullcontext(journal), TaskRun, port=0, period=0.05) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.watch.look()
        yield server
        server.shutdown()
        thread.join()
    assert capsys.readouterr() == ("", "")


def connected(server: Server, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.server_port), timeout=30)
    connection.sendall(sent)
    return connection


def answered(server: Server, sent: bytes) -> Answered:
    with closing(connected(server, sent)) as connection:
        came = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = came.partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    return Answered(int(line.split()[1]), set(headers), body)


def request(server: Server, line: str, *headers: str, body: bytes = b"") -> bytes:
    host = f"Host: 127.0.0.1:{server.server_port}"
    return "\r\n".join([line, host, *headers, "", ""]).encode("latin-1") + body


def post(server: Server, body: bytes) -> Answered:
    headers = (
        f"X-FSM-Token: {server.access.token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return answered(server, request(server, "POST /api/act HTTP/1.1", *headers, body=body))


# Requests as no browser sends them.


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET http://[ HTTP/1.1", 400),
        ("GET http://[/api/runs?run=x HTTP/1.1", 400),
        ("POST http://]:x/api/act HTTP/1.1", 400),
        ("GET / HTTP/x", 400),
        ("GET / / HTTP/1.1", 400),
        ("nonsense", 400),
        ("GET / HTTP/2.0", 505),
        ("PUT /api/act HTTP/1.1", 501),
        ("OPTIONS * HTTP/1.1", 501),
        ("<script> / HTTP/1.1", 501),
        (f"GET /{'x' * 70_000} HTTP/1.1", 414),
    ],
)
def test_what_is_no_request_is_answered_as_any_other(
    line: str, status: int, server: Server
) -> None:
    found = answered(server, request(server, line))

    assert found.status == status
    assert found.headers >= POLICY | {"Content-Type: application/json"}
    assert 0 < len(found.error) < 2100


def test_headers_have_an_end(server: Server) -> None:
    for headers in ([f"X: {'x' * 70_000}"], [f"X-{n}: x" for n in range(200)]):
        found = answered(server, request(server, "GET / HTTP/1.1", *headers))

        assert found.status == 431
        assert found.headers >= POLICY
        assert found.error


@pytest.mark.parametrize(
    ("target", "more"),
    [
        ("/api/overview", ["Host: elsewhere"]),
        ("/api/overview", ["Origin: http://127.0.0.1:{port}", "Origin: http://elsewhere"]),
        ("/api/overview", ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"]),
        ("http://elsewhere/api/overview", []),
    ],
)
def test_a_repeated_header_is_refused(target: str, more: list[str], server: Server) -> None:
    given = [each.format(port=server.server_port) for each in more]

    found = answered(server, request(server, f"GET {target} HTTP/1.1", *given))

    assert found.status == 403
    assert found.error


def test_zeros_make_no_body_shorter(server: Server) -> None:
    length = f"Content-Length: {'0' * 20}99999999"

    found = answered(server, request(server, "POST /api/act HTTP/1.1", length))

    assert found.status == 403


def test_a_head_request_gets_no_body(server: Server) -> None:
    found = answered(server, request(server, "HEAD / HTTP/1.1"))

    assert (found.status, found.body) == (501, b"")
    assert found.headers >= POLICY


@pytest.mark.parametrize("line", ["GET /", "GET / HTTP/0.9"])
def test_the_oldest_browser_gets_the_policy_too(line: str, server: Server) -> None:
    assert answered(server, request(server, line)).headers >= POLICY


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 50_000,
        b'{"run":' * 8_000,
        b"[",
        b"\xff\xfe",
        b"1" * 60_000,
        b'"deploy"',
    ],
)
def test_a_body_without_an_action_is_refused(body: bytes, server: Server) -> None:
    found = post(server, body)

    assert found.status == 400
    assert found.error


# Words without an end.


def asked(**words: Any) -> bytes:
    return json.dumps({"action": "approve", "run": "deploy", "by": "ada", **words}).encode()


@pytest.mark.parametrize("word", ["by", "message"])
def test_texts_of_an_action_are_bounded(word: str, server: Server, journal: Journal) -> None:
    found = post(server, asked(**{word: "x" * 201}))

    assert (found.status, found.error) == (400, "by and message have at most 200 characters each")
    assert journal.summary("deploy").state == "Paused"


def test_what_the_page_lets_one_say_is_taken(server: Server, journal: Journal) -> None:
    assert post(server, asked(by="\N{WAVING HAND SIGN}" * 200, message="x" * 200)).status == 200
    assert journal.summary("deploy").message == "x" * 200


# Browsers that go away.


def listening(server: Server) -> socket.socket:
    return connected(server, request(server, "GET /api/events HTTP/1.1"))


def status_of(connection: socket.socket) -> int:
    return int(connection.recv(12).split()[1])


def total(told: BinaryIO) -> int:
    line = next(line for line in told if line.startswith(b"data: "))
    return int(json.loads(line.removeprefix(b"data: "))["total"])


def test_a_page_that_has_gone_leaves_its_place(server: Server) -> None:
    server.listeners = threading.Semaphore(1)
    with closing(listening(server)) as first, first.makefile("rb") as told:
        assert total(told) == 1  # and there is nothing more to be told

    assert any(_is_let_in(server) for _ in range(10))


def _is_let_in(server: Server) -> bool:
    with closing(listening(server)) as page:
        return status_of(page) == 200


def test_a_page_that_is_there_keeps_its_place(server: Server) -> None:
    server.listeners = threading.Semaphore(1)
    with closing(listening(server)) as first, closing(listening(server)) as second:
        assert sorted(map(status_of, (first, second))) == [200, 503]


def test_a_page_hears_that_there_is_no_news(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "_BEAT", 0.0)
    with closing(listening(server)) as page, page.makefile("rb") as told:
        assert total(told) == 1

        assert b"event: beat\n" in (line for line in told)


def test_a_client_that_keeps_sending_still_receives_events(
    server: Server, journal: Journal
) -> None:
    with closing(listening(server)) as page, page.makefile("rb") as told:
        page.sendall(b"x" * 1000)
        before = total(told)

        TaskRun("new", journal=journal).start()

        assert (before, total(told)) == (1, 2)
