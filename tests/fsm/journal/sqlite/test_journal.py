"""SQLiteJournal: one file, across processes and crashes."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fsm import CorruptJournal, JournalError, StaleRun, Step, TaskRun
from fsm.errors import UnknownRun
from fsm.journal.records import Record, read_steps
from fsm.journal.relational.inserts import Insert
from fsm.journal.sqlite.journal import SQLiteJournal
from states import NotSerializable, Pending, Running

Spoil = Callable[..., None]

LINUX = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def kept(path: Path) -> Path:
    """A closed journal with one run of two steps."""
    journal = SQLiteJournal(path)
    run = TaskRun("r", journal=journal, max_retries=1)
    run.start()
    run.fail(message="broken", result=ValueError("x"))
    journal.close()
    return path


def test_only_the_owner_may_read_the_file_and_its_side_files(path: Path) -> None:
    umask = os.umask(0)
    try:
        journal = SQLiteJournal(path)
        TaskRun("r", journal=journal).start()
    finally:
        os.umask(umask)

    files = sorted(path.parent.iterdir())

    assert [file.name for file in files] == ["runs.db", "runs.db-shm", "runs.db-wal"]
    assert {mode(file) for file in files} == {0o600}
    journal.close()


def test_it_writes_through_to_the_disk(path: Path) -> None:
    journal = SQLiteJournal(path)
    connection = journal._connect()

    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    journal.close()


def test_a_symbolic_link_is_refused(kept: Path) -> None:
    link = kept.with_name("link.db")
    link.symlink_to(kept)

    with pytest.raises(JournalError, match="cannot open"):
        SQLiteJournal(link)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot open"):
        SQLiteJournal(tmp_path)


def test_a_file_that_is_no_database_is_refused_untouched(path: Path) -> None:
    path.write_text("dear diary\n" * 100)

    with pytest.raises(JournalError, match="cannot open"):
        SQLiteJournal(path)

    assert path.read_text() == "dear diary\n" * 100


def test_a_database_of_someone_else_is_refused(path: Path, spoil: Spoil) -> None:
    spoil(path, "CREATE TABLE steps (a)")

    with pytest.raises(JournalError, match="is a database, but not a journal"):
        SQLiteJournal(path)

    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("steps",)]
    connection.close()


def test_a_newer_version_is_refused(kept: Path, spoil: Spoil) -> None:
    spoil(kept, "PRAGMA user_version = 99")

    with pytest.raises(JournalError, match="is a journal of version 99; this release reads"):
        SQLiteJournal(kept)


def test_an_empty_file_becomes_a_journal(path: Path) -> None:
    path.touch()

    TaskRun("r", journal=SQLiteJournal(path)).start()

    assert len(list(SQLiteJournal(path).steps("r"))) == 1


def test_a_path_with_a_nul_is_an_error_of_ours() -> None:
    with pytest.raises(JournalError):
        SQLiteJournal("a\0b")


def test_a_relative_path_means_the_same_file_after_a_change_of_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    journal = SQLiteJournal("runs.db")
    TaskRun("r", journal=journal).start()
    journal.close()
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")

    try:
        steps = list(journal.steps("r"))
    except UnknownRun:
        steps = []

    assert len(steps) == 1


def test_a_step_is_not_acknowledged_into_a_file_that_was_deleted(path: Path) -> None:
    journal = SQLiteJournal(path)
    run = TaskRun("r", journal=journal)
    run.start()
    for file in list(path.parent.iterdir()):
        file.unlink()

    with pytest.raises(JournalError):
        run.succeed()


def test_a_step_is_not_acknowledged_into_a_log_that_was_removed(path: Path) -> None:
    journal = SQLiteJournal(path)
    run = TaskRun("r", journal=journal)
    run.start()
    path.read_bytes()  # closes the file: with that, SQLite's locks on it are gone
    program(path, "journal.close()").communicate()

    with pytest.raises(JournalError, match="was replaced while it was open"):
        run.succeed()

    journal.close()
    run.succeed()
    last = program(path, "print(journal.summary('r').state)").communicate()[0]
    assert last == "Success\n"
    journal.close()


def test_a_second_journal_in_this_process_keeps_the_log_of_the_first(path: Path) -> None:
    journal = SQLiteJournal(path)
    run = TaskRun("r", journal=journal)
    run.start()

    SQLiteJournal(path).close()
    program(path, "journal.close()").communicate()
    run.succeed()

    last = program(path, "print(journal.summary('r').state)").communicate()[0]
    assert last == "Success\n"
    journal.close()


def test_a_payload_that_cannot_be_written_leaves_no_trace(path: Path) -> None:
    journal = SQLiteJournal(path)

    with pytest.raises(NotSerializable):
        TaskRun("r", journal=journal).start(result=object())

    assert list(journal.runs()) == []
    journal.close()


def test_an_interrupted_transaction_leaves_nothing(path: Path, step: Callable[..., Step]) -> None:
    journal = SQLiteJournal(path)

    def interrupted() -> None:
        with journal._writing("keep it") as connection:
            journal._insert(connection, Insert(step(), None))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    journal.append(step())
    assert len(list(journal.steps("r"))) == 1
    journal.close()


def test_the_wait_for_another_writer_has_an_end(path: Path, step: Callable[..., Step]) -> None:
    journal = SQLiteJournal(path, patience=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(JournalError, match=r"cannot keep #1 start.*locked"):
        journal.append(step())

    other.execute("ROLLBACK")
    other.close()
    journal.append(step())
    journal.close()


@pytest.mark.parametrize("column", ["payload", "origin"])
@pytest.mark.parametrize("text", ["{}", "null", "[]", '{"type": "Nope"}', '"x"', '{"source": 5}'])
def test_a_corrupt_record_is_named(kept: Path, column: str, text: str, spoil: Spoil) -> None:
    spoil(kept, f"UPDATE steps SET {column} = '{text}' WHERE seq = 1")

    with pytest.raises(CorruptJournal, match="run 'r'"):
        TaskRun.restore("r", SQLiteJournal(kept))


@pytest.mark.parametrize(
    "change", ["source = 'Paused'", "dest = 'Success'", "event = 'resume'", "event = 'x'"]
)
def test_a_record_that_contradicts_its_payload_is_corrupt(
    kept: Path, change: str, spoil: Spoil
) -> None:
    spoil(kept, f"UPDATE steps SET {change} WHERE seq = 2")

    with pytest.raises(CorruptJournal):
        TaskRun.restore("r", SQLiteJournal(kept))


def test_a_missing_record_is_corrupt(kept: Path, spoil: Spoil) -> None:
    spoil(kept, "DELETE FROM steps WHERE seq = 1")

    with pytest.raises(CorruptJournal):
        TaskRun.restore("r", SQLiteJournal(kept))


@pytest.mark.parametrize("settings", ["5", "[1]", '"x"', '{"max_retries": -1}', '{"x": 1}'])
def test_odd_settings_are_corrupt(kept: Path, settings: str, spoil: Spoil) -> None:
    spoil(
        kept,
        "UPDATE steps SET origin = json_set(origin, '$.settings', json(?)) WHERE seq = 1",
        settings,
    )

    with pytest.raises(CorruptJournal):
        TaskRun.restore("r", SQLiteJournal(kept))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO steps SELECT * FROM steps WHERE seq = 1",
        "UPDATE steps SET payload = 'no json'",
        "UPDATE steps SET run = '' WHERE seq = 1",
        "UPDATE steps SET origin = NULL WHERE seq = 1",
        "UPDATE steps SET micros = 'now'",
        "UPDATE steps SET phase = 'asleep'",
        "UPDATE runs SET owner = 'w'",
    ],
)
def test_the_tables_have_their_constraints(kept: Path, statement: str, spoil: Spoil) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=r"constraint|cannot store"):
        spoil(kept, statement, checks=True)


def test_a_first_record_needs_its_origin() -> None:
    record = Record(
        "r", 1, "start", "Pending", "Running", 0, '{"type": "Running"}', None, "running"
    )

    with pytest.raises(CorruptJournal):
        list(read_steps([record]))


def test_records_are_plain_json_for_other_programs(kept: Path) -> None:
    connection = sqlite3.connect(kept)
    rows = connection.execute(
        "SELECT seq, event, source, dest, json_extract(payload, '$.message') FROM steps"
    ).fetchall()
    connection.close()

    assert rows == [
        (1, "start", "Pending", "Running", "Starting task run."),
        (2, "fail", "Running", "Failed", "broken"),
    ]


def program(path: Path, body: str) -> subprocess.Popen[str]:
    head = "import sys; from fsm import *; from fsm.errors import UnknownRun\n"
    head += "from fsm.journal.sqlite.journal import SQLiteJournal\n"
    head += "from states import *\njournal = SQLiteJournal(sys.argv[1])\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + body, str(path)], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_share_a_file(path: Path) -> None:
    body = """
for number in range(60):
    try:
        run = TaskRun.restore("shared", journal)
    except UnknownRun:
        run = TaskRun("shared", journal=journal, max_retries=10**6)
    try:
        event = "start" if "start" in run.allowed else "fail" if "fail" in run.allowed else "retry"
        run.trigger(event)
        print(len(run.history), flush=True)
    except StaleRun:
        pass
"""
    SQLiteJournal(path).close()
    children = [program(path, body) for _ in range(2)]
    told = [child.communicate(timeout=60)[0] for child in children]
    acknowledged = [int(line) for line in " ".join(told).split()]

    assert [child.returncode for child in children] == [0, 0]
    steps = list(SQLiteJournal(path).steps("shared"))
    assert sorted(acknowledged) == [step.seq for step in steps]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_twenty_kills_lose_nothing_acknowledged(path: Path) -> None:
    body = """
try:
    run = TaskRun.restore("r", journal)
except UnknownRun:
    run = TaskRun("r", journal=journal, max_retries=10**6)
while True:
    event = "start" if "start" in run.allowed else "fail" if "fail" in run.allowed else "retry"
    run.trigger(event, message="x" * 200)
    print(run.history[-1].seq, flush=True)
"""
    chance = random.Random(7)
    last = 0
    for _ in range(20):
        child = program(path, body)
        assert child.stdout is not None
        for _ in range(chance.randint(1, 40)):
            last = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        more = child.stdout.read().split()
        child.stdout.close()
        child.wait()
        last = max([last, *(int(line) for line in more if line.isdigit())])

        kept = TaskRun.restore("r", SQLiteJournal(path))

        assert len(kept.history) in (last, last + 1), "one step may be kept but not yet told"
        last = len(kept.history)

    assert last > 100


@LINUX
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_and_its_parent_write_side_by_side(path: Path) -> None:
    journal = SQLiteJournal(path)
    run = TaskRun("r", journal=journal)
    run.start()

    inherited = journal._connection

    child = os.fork()
    if child == 0:
        status = 1
        try:
            TaskRun("child", journal=journal).start()
            run.fail("by the child")
            status = 2 if journal._connection is inherited else 0
            journal.close()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)

    assert status == 0
    with pytest.raises(StaleRun, match="fail: Running → Failed"):
        run.succeed()
    TaskRun("parent", journal=journal).start()
    journal.close()
    assert {summary.run for summary in journal.runs()} == {"r", "child", "parent"}
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    journal.close()


@LINUX
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_goes_on_writing_after_its_parent_has_closed(path: Path) -> None:
    journal = SQLiteJournal(path)
    TaskRun("parent", journal=journal).start()
    (hear, tell), (closed, close) = os.pipe(), os.pipe()

    child = os.fork()
    if child == 0:
        status = 1
        try:
            run = TaskRun("child", journal=journal)
            run.start()
            os.write(tell, b".")
            os.read(closed, 1)
            run.succeed()
            status = 0
        finally:
            os._exit(status)
    os.read(hear, 1)
    journal.close()
    os.write(close, b".")
    _, status = os.waitpid(child, 0)
    for end in (hear, tell, closed, close):
        os.close(end)

    assert status == 0
    assert journal.summary("child").state == "Success"
    journal.close()


def test_a_closed_connection_does_not_disturb_a_fork(path: Path) -> None:
    journal = SQLiteJournal(path)
    journal._connect().close()

    journal.before_fork()

    journal.close()
    TaskRun("r", journal=journal).start()
    journal.close()


@LINUX
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_while_another_thread_writes_does_not_hang_the_child(path: Path) -> None:
    journal = SQLiteJournal(path)
    held, done = threading.Event(), threading.Event()

    def write() -> None:
        with journal._lock:
            held.set()
            done.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    held.wait()

    child = os.fork()
    if child == 0:
        signal.alarm(1)
        try:
            TaskRun("child", journal=journal).start()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    done.set()
    writer.join()
    journal.close()

    assert status == 0


def test_a_full_disk_leaves_the_run_where_it_was(path: Path) -> None:
    journal = SQLiteJournal(path)
    (pages,) = journal._connect().execute("PRAGMA page_count").fetchone()
    journal._connect().execute(f"PRAGMA max_page_count = {pages + 4}")
    run = TaskRun("r", journal=journal, max_retries=10**6)

    def fill() -> None:
        while True:
            run.start(result="x" * 2_000)
            run.fail()
            run.retry()

    with pytest.raises(JournalError, match="full"):
        fill()

    assert [step.seq for step in journal.steps("r")] == [step.seq for step in run.history]
    journal._connect().execute("PRAGMA max_page_count = 1000")
    run.trigger(next(event for event in ("start", "fail", "retry") if event in run.allowed))
    assert len(list(journal.steps("r"))) == len(run.history)
    journal.close()


def test_a_long_history_is_restored(path: Path) -> None:
    journal = SQLiteJournal(path)
    run = TaskRun("r", journal=journal, max_retries=10**6)
    for _ in range(100):
        run.start()
        run.fail()
        run.retry()

    assert len(TaskRun.restore("r", journal).history) == 300
    journal.close()


def test_a_large_payload_is_kept(path: Path) -> None:
    journal = SQLiteJournal(path)
    run = TaskRun("r", journal=journal)

    run.start(result=list(range(10_000)))

    assert TaskRun.restore("r", journal).state.result == list(range(10_000))
    journal.close()


def test_a_huge_payload_is_kept_or_refused_whole(path: Path) -> None:
    journal = SQLiteJournal(path)
    run = TaskRun("r", journal=journal)

    try:
        run.start(result="x" * 30_000_000)
    except NotSerializable:
        assert run.state == Pending()
        assert list(journal.runs()) == []
    else:
        assert type(TaskRun.restore("r", journal).state) is Running
    journal.close()


def test_its_repr_names_the_file(path: Path) -> None:
    journal = SQLiteJournal(path)

    assert str(journal) == str(path)
    assert repr(journal) == f"<SQLiteJournal {str(path)!r}>"
    journal.close()


def test_the_edges_of_a_class_are_written_once_in_a_batch(path: Path) -> None:
    written: list[str] = []
    journal = SQLiteJournal(path)
    assert journal._connection is not None
    journal._connection.set_trace_callback(written.append)
    runs = [TaskRun(f"r{number}") for number in range(3)]
    for run in runs:
        run.start()

    journal.extend([step for run in runs for step in run.history], TaskRun)

    edges = [each for each in written if each.startswith("INSERT INTO edges")]
    assert len(edges) == len(set(edges)) > 0
