"""What the tests of the page share: a journal, a server, and a browser that tells all it saw."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from playwright.sync_api import expect

from fsm import Run, TaskRun, open_journal
from fsm.journal import Journal
from fsm.testing import HandClock
from fsm.web import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = [
    "HOSTILE", "Seen", "a_few", "expect", "fill", "hostile", "opened", "serving", "state_of",
    "visiting",
]  # fmt: skip

expect.set_options(timeout=20_000)  # milliseconds until it counts as never
PERIOD = 0.05  # seconds between two looks into the journal


@contextmanager
def opened(path: Path) -> Iterator[Journal]:
    """Open a journal that is there."""
    with closing(open_journal(path, make=False)) as journal:
        yield journal


@contextmanager
def serving(
    path: Path, *classes: type[Run], port: int = 0, period: float = PERIOD
) -> Iterator[Server]:
    """Serve it from a thread, as `fsm serve` does from a process."""
    with Server(
        partial(opened, path), *(classes or (TaskRun,)), port=port, period=period
    ) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@attrs.frozen
class Seen:
    """What a page did that its user does not see."""

    errors: list[str] = attrs.field(factory=list)  # on the console, or thrown
    dialogs: list[str] = attrs.field(factory=list)
    requests: list[str] = attrs.field(factory=list)

    @property
    def violations(self) -> list[str]:
        """What the policy of the page forbade."""
        return [error for error in self.errors if "Content Security Policy" in error]


@contextmanager
def visiting(browser: Browser, url: str, **context: Any) -> Iterator[tuple[Page, Seen]]:
    """Open *url* in a window of its own, and note what happens there."""
    within = browser.new_context(**context)
    page, seen = within.new_page(), Seen()
    page.on("console", lambda said: said.type == "error" and seen.errors.append(said.text))
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: seen.requests.append(request.url))
    try:
        page.goto(url)
        yield page, seen
    finally:
        within.close()


def state_of(path: Path, run: str) -> str:
    """Where the journal says that the run is."""
    with opened(path) as journal:
        return journal.summary(run).state


def fill(path: Path, runs: int) -> None:
    """Keep many runs, each with two steps or so, in one transaction."""
    clock, steps = HandClock(), []
    for place in range(runs):
        run = TaskRun(f"load/part-{place:05}", clock=clock, max_retries=1)
        run.start()
        clock.advance(seconds=0.01)
        if place % 10 < 7:
            run.succeed(result=place)
        elif place % 10 == 7:
            run.fail(result=ValueError("no such file"))
        steps += run.history
    with open_journal(path) as kept:
        kept.extend(steps, TaskRun)


def a_few(path: Path) -> None:
    """Keep a failed, a paused, a running, a finished and some more runs."""
    clock = HandClock()
    with open_journal(path) as kept:
        start: Callable[..., TaskRun] = partial(TaskRun, journal=kept, clock=clock)
        failed = start("etl/load", max_retries=1)
        failed.start()
        clock.advance(seconds=3)
        failed.fail(result=2**60)
        start("deploy").pause(message="waits for a person")
        done = start("etl/clean")
        done.start()
        clock.advance(seconds=2)
        done.succeed(result=42)
        start("etl/report").start()


HOSTILE = (
    "</script><script>window.__hit=1</script>",
    '<img src=x onerror="window.__hit=2">',
    '"><svg onload="window.__hit=3">',
    '\'><iframe srcdoc="<script>parent.__hit=4</script>">',
    "]]></style><style>*{display:none}</style>",
    "<!-- <script>",
    "\u2028\u2029\u202egnp.exe\u2066",
    "\x01\x07\x1b[31m\x7f\x9b\n\r\t",
    "${window.__hit=5}{{7*7}}",
    "javascript:window.__hit=6",
    "__proto__",
    "constructor",
    "toString",
    "&lt;b&gt;&amp;&#x3c;",
    "x" * 1_000_000,
)


def hostile(path: Path) -> None:
    """Keep runs whose every text an enemy wrote: some the engine took, some it never saw."""
    clock = HandClock()
    with open_journal(path) as kept:
        for place, text in enumerate(HOSTILE):
            name = text[:200] if text.isprintable() else f"run {place}"
            run = TaskRun(name, journal=kept, clock=clock)
            run.start(message=text, context={text: [text], "__proto__": {"x": place}})
            run.fail(message=text, result=text)
            clock.advance(seconds=1)
    connection = sqlite3.connect(path)
    with closing(connection), connection:
        for (rule,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {rule}")
        for text in HOSTILE:
            given = {"run": f"spoilt {text}"[:200], "name": text[:200], "text": text}
            for statement in (_RUN, _STEP, _EDGE):
                connection.execute(statement, given)


_RUN = """
INSERT INTO runs (id, kind, state, phase, version, began, moved, owner, epoch, lease)
SELECT :run, :name, :name, phase, 1, began, moved, :name, 1, moved FROM runs LIMIT 1
"""
_STEP = """
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase)
SELECT :run, 1, :name, :name, :name, micros, json_object('message', :text, '__proto__', :text),
       origin, phase
FROM steps WHERE seq = 1 LIMIT 1
"""
_EDGE = "INSERT INTO edges (kind, source, event, dest) VALUES (:name, :name, :name, :name)"
