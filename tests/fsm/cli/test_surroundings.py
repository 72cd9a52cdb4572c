"""Poor surroundings: dumb terminals, pipes, readers that leave, narrow encodings, bad files."""

from __future__ import annotations

import os
import pty
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fsm import TaskRun, open_journal

from .conftest import Invoke, Program, command

Screen = Callable[..., str]

LOOKS = [
    ["show"],
    ["show", "--markdown"],
    ["diagram"],
    ["diagram", "--format", "dot"],
    ["runs"],
    ["history", "etl/load"],
    ["story", "etl/load"],
    ["why", "etl/report", "resume"],
    ["timeline"],
    ["top", "--once"],
    ["verify"],
    ["--help"],
    ["completion", "bash"],
]
ids = [" ".join(args) for args in LOOKS]

POOR = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}


@pytest.fixture
def screen(journal: str, here: Path) -> Screen:
    """What a real terminal is sent."""

    def sent(*args: str, **environment: str) -> str:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            command(*args),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=here,
            env=os.environ | {"FSM_JOURNAL": journal, "TERM": "xterm"} | environment,
        ) as process:
            os.close(theirs)
            found = b""
            while part := _read(ours):
                found += part
            assert process.wait(60) == 0
        os.close(ours)
        return found.decode()

    return sent


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so when the other end is closed
        return b""


def test_a_terminal_has_colors(screen: Screen) -> None:
    assert "\x1b[32m●" in screen("runs")


def test_no_color_is_respected(screen: Screen) -> None:
    text = screen("runs", NO_COLOR="1")

    assert "●" in text
    assert "\x1b[3" not in text


def test_a_dumb_terminal_is_sent_no_command(screen: Screen) -> None:
    assert "\x1b" not in screen("runs", TERM="dumb")


def test_color_can_be_forced_into_a_pipe(journal: str, program: Program) -> None:
    assert "\x1b[32m●" in program("runs", "--journal", journal, FORCE_COLOR="1").stdout


@pytest.mark.parametrize("args", LOOKS, ids=ids)
def test_a_pipe_is_sent_plain_text(args: list[str], journal: str, fsm: Invoke) -> None:
    result = fsm(*args, FSM_JOURNAL=journal)

    assert (result.exit_code, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("args", [["runs"], ["history"], ["story"]], ids=lambda args: args[0])
def test_a_line_in_a_pipe_is_whole(args: list[str], journal: str, program: Program) -> None:
    long = f"{'x' * 90}/{'y' * 90}"
    with open_journal(journal) as kept:
        TaskRun(long, journal=kept).start(message="m" * 150)
    if args != ["runs"]:
        args = [*args, long]

    lines = program(*args, FSM_JOURNAL=journal, COLUMNS="80").stdout.splitlines()

    assert any("m" * 150 in line for line in lines)


@pytest.mark.parametrize("args", LOOKS[4:], ids=ids[4:])
def test_a_reader_that_leaves_is_not_reported(args: list[str], journal: str, here: Path) -> None:
    read, write = os.pipe()
    os.close(read)

    result = subprocess.run(
        command(*args),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        cwd=here,
        env=os.environ | {"FSM_JOURNAL": journal},
        timeout=60,
    )

    os.close(write)
    assert (result.returncode, result.stderr) == (1, "")


@pytest.mark.parametrize("args", LOOKS[:-2], ids=ids[:-2])
def test_the_poorest_locale_takes_everything(
    args: list[str], journal: str, program: Program
) -> None:
    with open_journal(journal) as kept:
        TaskRun("größe/日本", journal=kept).start(message="läuft 🎉")
    result = program(*args, FSM_JOURNAL=journal, **POOR)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout


def test_errors_are_readable_in_the_poorest_locale(journal: str, program: Program) -> None:
    result = program("history", "größe", FSM_JOURNAL=journal, **POOR)

    assert result.returncode == 1
    assert result.stderr.startswith("error: no run ")
    assert result.stderr.isascii()


# Journals that are in the way.


def test_a_similar_journal_is_named(journal: str, fsm: Invoke) -> None:
    assert fsm("runs", "--journal", "rns.db").stderr == (
        "error: no journal is at 'rns.db' (did you mean 'runs.db'?)\n"
    )
    assert "(did you mean 'runs.db'?)" in fsm("verify", "sqlite:///runs.sqlite").stderr


def test_what_sqlite_keeps_beside_a_journal_is_not_meant(journal: str, fsm: Invoke) -> None:
    Path("other.db-wal").touch()

    assert fsm("runs", "--journal", "othr.db").stderr == "error: no journal is at 'othr.db'\n"


def test_a_journal_that_another_program_holds_can_be_waited_for(
    journal: str, fsm: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsm.journal.sqlite.file.as_seconds", lambda _patience, _name: 0.0)
    holder = sqlite3.connect(journal, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")

    result = fsm("runs", "--journal", journal)

    holder.close()
    assert result.exit_code == 1
    assert result.stderr == (
        "error: cannot open the journal in runs.db: database is locked\n"
        "note: another program has locked it; try again when that has finished\n"
    )


@pytest.mark.parametrize(
    ("url", "way_out"),
    [
        ("none/runs.db", "create its directory first"),
        (".", "name a file in it"),
        ("text.db", "it is damaged or was never a journal"),
    ],
)
def test_a_worker_without_a_journal_says_what_to_do(
    url: str, way_out: str, here: Path, fsm: Invoke
) -> None:
    (here / "text.db").write_text("no journal" * 100)
    (here / "jobs.py").write_text("from fsm.flow.task import task\n@task\ndef load(): ...\n")

    result = fsm("work", "jobs", "--journal", url, "--once")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[1].startswith(f"note: {way_out}")


@pytest.mark.parametrize("args", [["runs", "--journal", "runs.db"], ["verify", "runs.db"]])
def test_a_journal_that_may_not_be_read_is_named(
    args: list[str], journal: str, fsm: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may read everything, so a stand-in refuses.
    monkeypatch.setattr("fsm.journal.opening.may_read", lambda _: False)

    assert fsm(*args).stderr == "error: cannot read 'runs.db': Permission denied\n"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hunter2@127.0.0.1:1/x",
        "postgresql//ada:hunter2@host/x",
        "postgresql:ada:hunter2@host/x",
        "mysql://ada:hunter2@host/x",
        "sqlite://ada:hunter2@host/x",
        "ada:hunter2@host/x",
        "ada:hunt@hunter2@host/x",
    ],
)
@pytest.mark.parametrize("args", [["runs", "--journal"], ["verify"]], ids=lambda args: args[0])
def test_a_password_is_never_echoed(args: list[str], url: str, here: Path, fsm: Invoke) -> None:
    result = fsm(*args, url, "--json")

    assert result.exit_code == 1
    assert "hunter2" not in result.output


@pytest.mark.parametrize("url", ["sqlite://runs.db", "sqlite:runs.db", "sqlite:///", "sqlite:"])
def test_a_url_with_too_few_slashes_is_an_error_that_shows_the_form(
    url: str, journal: str, fsm: Invoke
) -> None:
    assert "use memory:, sqlite:///FILE" in fsm("runs", "--journal", url).stderr


# Files that are in the way.


@pytest.mark.parametrize(
    "args",
    [["report", "runs.db"], ["timeline"], ["diagram", "--run", "etl/load"]],
    ids=lambda args: args[0],
)
def test_a_journal_is_never_written_over(
    args: list[str], journal: str, here: Path, fsm: Invoke
) -> None:
    before = (here / journal).read_bytes()

    asked = [] if "runs.db" in args else ["--journal", journal]
    result = fsm(*args, *asked, "-o", journal)

    assert result.exit_code == 1
    assert result.stderr == (
        "error: cannot write 'runs.db': it is a database, perhaps a journal; name another file\n"
    )
    assert (here / journal).read_bytes() == before


def test_another_file_is_written_over(journal: str, here: Path, fsm: Invoke) -> None:
    (here / "runs.svg").write_text("yesterday's")

    assert fsm("timeline", "--journal", journal, "-o", "runs.svg").exit_code == 0
    assert (here / "runs.svg").read_text().startswith("<svg")
