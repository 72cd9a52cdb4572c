"""What the page shows of a journal that another program has damaged."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from fsm import MemoryJournal, TaskRun, open_journal
from fsm.journal import Journal
from fsm.web import Server, Source, Watch, report

NEVER = 2**63 - 1  # microseconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "runs.db"
    with open_journal(path) as kept:
        for name in ("load", "spoilt"):
            run = TaskRun(name, journal=kept)
            run.start()
            run.fail(message="no")
    return path


def spoil(path: Path, statement: str) -> None:
    """Write past all rules."""
    with closing(sqlite3.connect(path)) as connection, connection:
        rules = "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        for (rule,) in connection.execute(rules).fetchall():
            connection.execute(f"DROP TRIGGER {rule}")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement)


@contextmanager
def opened(path: Path) -> Iterator[Journal]:
    with closing(open_journal(path, make=False)) as journal:
        yield journal


@contextmanager
def served(source: Any) -> Iterator[Server]:
    with Server(source, TaskRun, port=0, period=0.05) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            server.watch.look()
            yield server
        finally:
            server.shutdown()
            thread.join()


def asked(server: Server, target: str) -> tuple[int, Any]:
    with closing(HTTPConnection("127.0.0.1", server.server_port, timeout=30)) as connection:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


SPOILT = [
    f"UPDATE runs SET moved = {NEVER} WHERE id = 'spoilt'",
    f"UPDATE runs SET began = -{NEVER} WHERE id = 'spoilt'",
    f"UPDATE steps SET micros = {NEVER} WHERE run = 'spoilt' AND seq = 2",
    "UPDATE steps SET payload = '{\"message\": 5}' WHERE run = 'spoilt'",
    f"UPDATE steps SET payload = '{{\"message\": {'9' * 5000}}}' WHERE run = 'spoilt'",
    "DELETE FROM steps WHERE run = 'spoilt'",
]


@pytest.mark.parametrize("statement", SPOILT)
def test_a_run_that_is_spoilt_spoils_no_list(path: Path, statement: str) -> None:
    spoil(path, statement)

    with served(partial(opened, path)) as server:
        status, found = asked(server, "/api/runs")

    assert status == 200
    assert {run["run"] for run in found["runs"]} >= {"load"}
    assert all(isinstance(run["message"], str | None) for run in found["runs"])


@pytest.mark.parametrize("statement", SPOILT)
def test_a_run_that_is_spoilt_spoils_no_timeline(path: Path, statement: str) -> None:
    spoil(path, statement)

    with served(partial(opened, path)) as server:
        status, found = asked(server, "/api/timeline")

    assert status == 200
    assert "load" in found["diagram"]


@pytest.mark.parametrize("statement", SPOILT)
def test_a_run_that_is_spoilt_spoils_no_report(path: Path, statement: str) -> None:
    spoil(path, statement)

    with opened(path) as journal:
        written = report(journal, TaskRun)

    found = re.search(r'id="data">(.*?)</script>', written, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert [step["event"] for step in data["histories"]["load"]["steps"]] == ["start", "fail"]
    assert "load" in data["timeline"]


def test_a_report_says_which_run_it_could_not_read(path: Path) -> None:
    spoil(path, "DELETE FROM steps WHERE run = 'spoilt'")

    with opened(path) as journal:
        written = report(journal, TaskRun)

    assert "no run 'spoilt' in" in written


class Broken(MemoryJournal):
    """A journal with a fault of its own."""

    broken = True

    def runs(self, *args: Any, **given: Any) -> Any:
        """Fail as no journal should."""
        if self.broken:
            raise ZeroDivisionError("a fault")
        return super().runs(*args, **given)

    def summary(self, run: str) -> Any:
        """Fail as no journal should."""
        raise ZeroDivisionError("a fault")


def test_a_fault_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    with served(lambda: nullcontext(Broken())) as server:
        status, found = asked(server, "/api/run?run=load")

    assert status == 500
    assert "ZeroDivisionError: a fault" in found["error"]
    assert "Traceback" in capsys.readouterr().err  # it is for whoever mends us


class Slow(MemoryJournal):
    """A journal that answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let = threading.Event(), threading.Event()

    def changes(self) -> None:
        """Say nothing until it is let."""
        self.asked.set()
        self.let.wait()


def test_a_look_that_does_not_end_is_stuck() -> None:
    journal = Slow()
    watch = Watch(Source(lambda: nullcontext(journal)), patience=0.0)
    looking = threading.Thread(target=watch.look)
    assert not watch.stuck

    looking.start()
    journal.asked.wait()
    assert watch.stuck

    journal.let.set()
    looking.join()
    assert not watch.stuck


def test_a_watch_outlives_a_fault() -> None:
    journal = Broken()
    watch = Watch(Source(lambda: nullcontext(journal)))
    assert "ZeroDivisionError: a fault" in (watch.look().trouble or "")

    journal.broken = False

    assert watch.look().trouble is None
