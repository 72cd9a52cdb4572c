"""What the tests of the command line share: a journal, a directory with a module, a program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fsm import TaskRun, open_journal
from fsm.cli import main
from fsm.testing import HandClock

SHOP = '''
from fsm import Run, event
from states import Finished, Pending, Running


def is_paid(run, step):
    """Whether it is."""
    return True


class Order(Run):
    start = event(Running, source=Pending, conditions=[is_paid])
    finish = event(Finished, source=Running)


def pack():
    pass
'''

HOSTILE = ("[red]x[/red]", "\x1b[31mred\x1b[0m", "two\nlines", ":smile:", "rtl\u202eabc", "--help")

Invoke = Callable[..., Result]
Program = Callable[..., "subprocess.CompletedProcess[str]"]
Spoil = Callable[..., None]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "FSM_JOURNAL", "FSM_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of the user's own, with the module `shop` in it."""
    (tmp_path / "shop.py").write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def journal(here: Path) -> str:
    """A journal of three runs: one retried, one cancelled, one running."""
    clock = HandClock()
    kept = open_journal("runs.db")
    load = TaskRun("etl/load", journal=kept, clock=clock, max_retries=1)
    load.start()
    clock.advance(seconds=1.5)
    load.fail(result=ValueError("no such file"))
    load.retry()
    load.start()
    load.succeed(result=42)
    clock.advance(seconds=1)
    TaskRun("etl/clean", journal=kept, clock=clock).cancel()
    clock.advance(seconds=1)
    TaskRun("etl/report", journal=kept, clock=clock).start()
    kept.close()
    return "runs.db"


@pytest.fixture
def hostile_journal(journal: str, spoil: Spoil) -> str:
    """The same, and what another program wrote there: its states are no classes of ours."""
    payload = '{"message": "[red]A[/red] \\u001b[2J\\nB \\u009b31m"}'
    for text in HOSTILE:
        spoil(
            journal,
            "INSERT INTO runs (id, kind, state, phase, version, began, moved) "
            "SELECT ?, ?, ?, phase, 1, began, moved FROM runs WHERE id = 'etl/report'",
            *[text] * 3,
        )
        spoil(
            journal,
            "INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase) "
            "SELECT ?, 1, ?, ?, ?, micros, ?, origin, phase FROM steps WHERE run = 'etl/report'",
            *[text] * 4,
            payload,
        )
    return journal


@pytest.fixture
def fsm() -> Invoke:
    """The command line, in this process."""

    def invoke(*args: str, **environment: str) -> Result:
        return CliRunner().invoke(main, args, prog_name="fsm", env=environment)

    return invoke


@pytest.fixture
def terminal(fsm: Invoke) -> Invoke:
    """The command line, on what it takes for a terminal."""

    def invoke(*args: str, width: int = 80) -> Result:
        return fsm(*args, FORCE_COLOR="1", NO_COLOR="1", COLUMNS=str(width), LINES="50")

    return invoke


def command(*args: str) -> list[str]:
    """The command line, as a program."""
    return [sys.executable, "-m", "fsm", *args]


@pytest.fixture
def program(here: Path) -> Program:
    """The command line, in a process of its own."""

    def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*args),
            capture_output=True,
            cwd=here,
            encoding="utf-8",
            errors="backslashreplace",
            env=os.environ | environment,
            timeout=60,
        )

    return run
