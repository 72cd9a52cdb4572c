"""fsm top, on a real terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from fsm import TaskRun, open_journal

PATIENCE = 30.0  # seconds until the program counts as stuck
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
ALTERNATE, USUAL = "\x1b[?1049h", "\x1b[?1049l"  # the screens of a terminal
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"  # its cursor


@attrs.define
class Terminal:
    """What a program writes to it, and who types."""

    pid: int
    fd: int
    life: int  # which can be read from when the program has ended
    written: str = ""

    def until(self, text: str, start: int = 0) -> str:
        """Read until *text* was written, and return what was since *start*."""
        while text not in CONTROL.sub("", self.written[start:]):
            assert self._read(), f"{text!r} was not written, but {self.written[-2000:]!r}"
        return self.written[start:]

    def press(self, key: str) -> None:
        os.write(self.fd, key.encode())

    def end(self) -> int:
        """Read to the end, and return with what the program ended."""
        while self._read():
            pass
        assert select.select([self.life], [], [], 0)[0], "the program is stuck"
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    @property
    def frame(self) -> list[str]:
        """The lines of what was drawn last."""
        return CONTROL.sub("", self.written.split("\x1b[H")[-1]).split("\r\n")

    def _read(self) -> bool:
        if self.fd not in select.select([self.fd, self.life], [], [], PATIENCE)[0]:
            return False  # the program has ended, or is stuck
        self.written += os.read(self.fd, 65_536).decode(errors="replace")
        return True


@contextmanager
def top(journal: str | Path, size: tuple[int, int] = (80, 24), **env: str) -> Iterator[Terminal]:
    """Run it on a terminal of so many columns and lines."""
    columns, lines = size
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    before = termios.tcgetattr(theirs)
    command = [sys.executable, "-m", "fsm", "top", "--journal", str(journal), "--interval", "0.1"]
    environment = {**os.environ, "TERM": "xterm-256color", **env}
    environment.pop("LINES", None)  # which readline sets, wherever it was loaded
    pid = os.posix_spawn(
        sys.executable,
        command,
        environment,
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.ttyname(theirs), os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, 0, 1),
            (os.POSIX_SPAWN_DUP2, 0, 2),
        ],
    )
    terminal = Terminal(pid, ours, os.pidfd_open(pid))
    try:
        yield terminal
    finally:
        if not select.select([terminal.life], [], [], 0)[0]:
            terminal.press("q")
            terminal.end()
        os.close(terminal.life)
        assert termios.tcgetattr(theirs) == before
        os.close(theirs)
        os.close(ours)


@pytest.mark.parametrize("key", ["q", "Q", "\x03"])
def test_a_key_ends_it_with_the_terminal_as_it_was(key: str, journal: str) -> None:
    with top(journal) as terminal:
        terminal.until("3 runs")

        terminal.press(key)
        status = terminal.end()

        assert status == 0
        assert terminal.written.index(ALTERNATE) < terminal.written.rindex(USUAL)
        assert terminal.written.rindex(HIDDEN) < terminal.written.rindex(SHOWN)
        assert "Traceback" not in terminal.written


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(number: int, journal: str) -> None:
    with top(journal) as terminal:
        terminal.until("3 runs")

        os.kill(terminal.pid, number)
        status = terminal.end()

        assert status == 128 + number
        assert terminal.written.index(ALTERNATE) < terminal.written.rindex(USUAL)
        assert terminal.written.rindex(HIDDEN) < terminal.written.rindex(SHOWN)
        assert "Traceback" not in terminal.written


def test_control_z_leaves_the_screen_until_it_goes_on(journal: str) -> None:
    # It has no shell that could let it go on, so that the system does not stop it.
    with top(journal) as terminal:
        terminal.until("3 runs")
        mark = len(terminal.written)

        terminal.press("\x1a")
        terminal.until("3 runs", mark)  # which may have been on its way
        terminal.until("3 runs", len(terminal.written))

        assert terminal.written.index(USUAL, mark) < terminal.written.index(ALTERNATE, mark)
        terminal.press("q")
        assert terminal.end() == 0


def test_other_keys_do_nothing(journal: str) -> None:
    with top(journal) as terminal:
        terminal.until("3 runs")
        terminal.press("xyz\x1b[A")
        mark = len(terminal.written)

        terminal.until("3 runs", mark)

        assert USUAL not in terminal.written


def test_it_follows_what_happens(journal: str) -> None:
    with top(journal) as terminal:
        terminal.until("3 runs")

        with open_journal(journal) as kept:
            TaskRun("new", journal=kept).start()

        terminal.until("4 runs")


def test_a_journal_that_disappears_is_waited_for(journal: str, here: Path) -> None:
    path, away = here / journal, here / "away.db"
    with top(journal) as terminal:
        terminal.until("3 runs")

        path.rename(away)
        terminal.until("cannot read the journal now: no journal is at")
        assert "3 runs" in "\n".join(terminal.frame)
        away.rename(path)
        with open_journal(path) as kept:
            TaskRun("new", journal=kept).start()

        terminal.until("4 runs")
        assert not path.with_name("no.db").exists()


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 5), (200, 60)])
def test_it_fits_the_terminal(size: tuple[int, int], here: Path) -> None:
    columns, lines = size
    with open_journal("many.db") as kept:
        for place in range(30):
            run = TaskRun(f"load/part-{place}", journal=kept)
            run.start()
            if place % 2:
                run.fail(result=ValueError("no such file, " * 20))
    with top("many.db", size) as terminal:
        terminal.until("30 runs")
        terminal.until("30 runs", len(terminal.written))
        mark = len(terminal.written)
        terminal.until("30 runs", mark)

        frame = terminal.written[: terminal.written.rindex("\x1b[H")].split("\x1b[H")[-1]
        drawn = CONTROL.sub("", frame).split("\r\n")
        assert len(drawn) <= lines
        assert max(map(len, drawn)) <= columns
        assert any("Running 15" in line for line in drawn)
        assert (columns >= 40) == ("30 runs   q to quit" in drawn[0])
        assert lines < 10 or {"running", "failed"} < {line.strip() for line in drawn}
        assert columns < 40 or any("load/part-" in line for line in drawn)


def test_ten_thousand_runs_are_counted_and_few_are_sent(here: Path) -> None:
    runs = [TaskRun(f"load/part-{place:05}") for place in range(10_000)]
    for run in runs:
        run.start()
    with open_journal("many.db") as kept:
        kept.extend((run.history[0] for run in runs), TaskRun)

    with top("many.db") as terminal:
        terminal.until("Running 10,000")

        assert len([line for line in terminal.frame if "load/part-" in line]) <= 10


def test_without_colour_there_is_none(journal: str) -> None:
    with top(journal, NO_COLOR="1") as terminal:
        terminal.until("Success 1")

        assert not re.search(r"\x1b\[[0-9;]*(?:3|4|9|10)[0-7](?:;|m)|\x1b\[38", terminal.written)


def test_a_dumb_terminal_is_printed_to_once(journal: str) -> None:
    with top(journal, TERM="dumb") as terminal:
        status = terminal.end()

        assert (status, ALTERNATE in terminal.written) == (0, False)
        assert "3 runs" in terminal.written


def test_what_comes_from_a_journal_commands_no_terminal(hostile_journal: str) -> None:
    with top(hostile_journal) as terminal:
        written = terminal.until("[red]x[/red]")

        assert "\x1b[31mred" not in written
        assert "\x1b[2J" not in written.replace("\x1b[2J\x1b[H", "")
