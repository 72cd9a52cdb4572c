"""Read-only: a file that this user may read, and not write."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fsm import JournalError, TaskRun, TransitionNotAllowed
from fsm.journal.sqlite import file as sqlite_file
from fsm.journal.sqlite.journal import SQLiteJournal

from .another import FORK, Another, open_folder

pytestmark = FORK

Turn = Callable[[], None]

# Modes of the file and of its folder: one of them takes what a writer needs.
LOCKED = pytest.mark.parametrize(
    ("file", "folder"), [(0o444, 0o777), (0o666, 0o555), (0o444, 0o555)], ids=oct
)


@pytest.fixture
def path() -> Iterator[Path]:
    """Where a journal may be made, in a folder that others may enter."""
    folders = open_folder()
    yield next(folders) / "runs.db"
    next(folders, None)


@pytest.fixture
def kept(path: Path) -> Path:
    """A closed journal with one run of two steps, for all to read."""
    return make(path)


def make(path: Path) -> Path:
    with SQLiteJournal(path) as journal:
        run = TaskRun("r", journal=journal, max_retries=1)
        run.start()
        run.fail(message="broken")
    path.chmod(0o444)
    return path


def seen(journal: SQLiteJournal) -> list[Any]:
    return [[run.run, run.state, run.message] for run in journal.runs()]


def files(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.parent.iterdir()}


def refused(path: Path) -> str:
    """The error when it is opened."""
    try:
        SQLiteJournal(path)
    except JournalError as error:
        return str(error)
    return "nothing"


@LOCKED
def test_a_file_that_may_not_be_written_is_read(kept: Path, file: int, folder: int) -> None:
    kept.chmod(file)
    kept.parent.chmod(folder)

    def work(_turn: Turn) -> Any:
        with SQLiteJournal(kept) as journal:
            run = TaskRun.restore("r", journal)
            told = [step.event for step in journal.steps("r")]
            return [seen(journal), told, type(run.state).__name__, list(journal.faults())]

    with Another(work) as another:
        assert another.result == [
            [["r", "Failed", "broken"]],
            ["start", "fail"],
            "Failed",
            [],
        ]


@LOCKED
def test_no_file_is_made_and_none_is_changed(kept: Path, file: int, folder: int) -> None:
    kept.chmod(file)
    kept.parent.chmod(folder)
    before = files(kept)

    def work(_turn: Turn) -> Any:
        with SQLiteJournal(kept) as journal:
            seen(journal)
            return sorted(each.name for each in kept.parent.iterdir())

    with Another(work) as another:
        assert another.result == ["runs.db"]
    assert files(kept) == before


@LOCKED
def test_a_refused_write_leaves_the_run_where_it_was(kept: Path, file: int, folder: int) -> None:
    kept.chmod(file)
    kept.parent.chmod(folder)

    def work(_turn: Turn) -> Any:
        with SQLiteJournal(kept) as journal:
            run, said = TaskRun.restore("r", journal), []
            for write in (
                run.retry,
                TaskRun("new", journal=journal).start,
                lambda: journal.claim(owner="w", run="r"),
                lambda: journal.extend(TaskRun.restore("r", journal).history),
            ):
                try:
                    write()
                except JournalError as error:
                    said.append(str(error))
            return [said, type(run.state).__name__, len(run.history), seen(journal)]

    with Another(work) as another:
        said, *stands = another.result
    assert len(said) == 4
    assert all(each.startswith(f"{kept} may only be read: cannot ") for each in said)
    assert "keep #3 retry" in said[0]
    assert stands == ["Failed", 2, [["r", "Failed", "broken"]]]


def test_a_refusal_that_cannot_be_noted_is_raised_as_ever(kept: Path) -> None:
    def work(_turn: Turn) -> Any:
        with SQLiteJournal(kept) as journal:
            try:
                TaskRun.restore("r", journal).resume()
            except TransitionNotAllowed as error:
                return [str(error), list(journal.refusals())]
            return None

    with Another(work) as another:
        said, noted = another.result
    assert said.startswith("cannot resume from Failed")
    assert noted == []


def test_a_file_is_written_by_a_process_that_may(kept: Path) -> None:
    def work(turn: Turn) -> Any:
        with SQLiteJournal(kept) as journal:
            seen(journal)
            turn()
        with SQLiteJournal(kept) as journal:
            TaskRun.restore("r", journal).retry()
            return seen(journal)[0][:2]

    with Another(work) as another:
        kept.chmod(0o666)
        another.turn()
        assert another.result == ["r", "Retrying"]


@pytest.mark.parametrize("name", ["a b?mode=rwc#c%41&.db", "é;'\".db", "%", "?", "#"])
def test_a_file_of_any_name_is_read(path: Path, name: str) -> None:
    make(path.with_name(name))

    def work(_turn: Turn) -> Any:
        with SQLiteJournal(path.with_name(name)) as journal:
            return seen(journal)

    with Another(work) as another:
        assert another.result == [["r", "Failed", "broken"]]
    assert [each.name for each in path.parent.iterdir()] == [name]


# Others write meanwhile.


@pytest.mark.parametrize("folder", [0o777, 0o555], ids=oct)
def test_a_reader_sees_what_a_writer_does(kept: Path, folder: int) -> None:
    kept.chmod(0o644)  # what is beside it gets the same

    def work(turn: Turn) -> Any:
        turn()  # SQLite is not to be carried over a fork with the file open
        with SQLiteJournal(kept) as reader:
            found = [len(seen(reader))]
            turn()
            return [*found, len(seen(reader)), list(reader.faults())]

    with Another(work) as another, SQLiteJournal(kept) as journal:
        TaskRun("second", journal=journal).start()
        kept.chmod(0o444)
        kept.parent.chmod(folder)
        another.turn()
        TaskRun("third", journal=journal).start()
        another.turn()

        assert another.result == [2, 3, []]


@pytest.mark.parametrize("stays", [True, False])
def test_a_writer_may_open_the_file_while_it_is_read(kept: Path, stays: bool) -> None:
    def work(turn: Turn) -> Any:
        with SQLiteJournal(kept) as reader:
            found, before = [len(seen(reader))], reader.changes()
            same = before == reader.changes()
            turn()
            return [*found, same, before == reader.changes(), len(seen(reader))]

    with Another(work) as another, contextlib.ExitStack() as open_until:
        kept.chmod(0o644)
        journal = open_until.enter_context(SQLiteJournal(kept))
        TaskRun("second", journal=journal).start()
        if not stays:
            journal.close()
        kept.chmod(0o444)
        another.turn()

        assert another.result == [1, True, False, 2]


def test_a_reader_that_stays_open_costs_a_writer_nothing(kept: Path) -> None:
    def work(turn: Turn) -> Any:
        turn()
        with SQLiteJournal(kept) as reader:
            found = [len(seen(reader))]
            turn()
            found.append(len(seen(reader)))
            turn()
            return [*found, len(seen(reader))]

    kept.chmod(0o644)
    with Another(work) as another:
        with SQLiteJournal(kept) as journal:
            TaskRun("second", journal=journal).start()
            kept.chmod(0o444)
            another.turn()
        another.turn()
        kept.chmod(0o644)
        with SQLiteJournal(kept) as again:
            TaskRun("third", journal=again).start()
        another.turn()

        assert another.result == [2, 2, 3]
    with SQLiteJournal(kept) as again:
        assert len(seen(again)) == 3
        assert list(again.faults()) == []


def test_a_reader_sees_what_a_crashed_writer_left(kept: Path) -> None:
    kept.chmod(0o644)
    with SQLiteJournal(kept) as journal:
        TaskRun("second", journal=journal).start()
        left = files(kept)
    for name, said in left.items():
        kept.with_name(name).write_bytes(said)
        kept.with_name(name).chmod(0o444)
    kept.parent.chmod(0o555)

    def work(_turn: Turn) -> Any:
        with SQLiteJournal(kept) as reader:
            return len(seen(reader))

    assert sorted(left) == ["runs.db", "runs.db-shm", "runs.db-wal"]
    with Another(work) as another:
        assert another.result == 2
    assert files(kept) == left


def test_a_log_without_its_index_is_not_touched_by_a_reader(kept: Path) -> None:
    kept.chmod(0o644)
    with SQLiteJournal(kept) as journal:
        TaskRun("second", journal=journal).start()
        left = files(kept)
    del left["runs.db-shm"]
    for name, said in left.items():
        kept.with_name(name).write_bytes(said)
        kept.with_name(name).chmod(0o444)

    with Another(lambda _turn: refused(kept)) as another:
        assert another.result.startswith(f"cannot open the journal in {kept}: ")
    assert files(kept) == left


def test_side_files_that_may_not_be_read_are_named(path: Path) -> None:
    def work(turn: Turn) -> Any:
        turn()
        return refused(path)

    with Another(work) as another, SQLiteJournal(path) as journal:
        TaskRun("r", journal=journal).start()
        path.chmod(0o444)
        for side in path.parent.glob("runs.db-*"):
            side.chmod(0o000)
        another.turn()

        assert "runs.db-wal may not be read; it needs the mode of the journal" in another.result


def test_a_reader_never_sees_half_a_write(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as barred:
        kept.chmod(0o644)
        barred.setattr(sqlite_file, "may_write", lambda path: path != kept)
        reader = SQLiteJournal(kept)
        assert reader._connection is not None

        def overtaken(_cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> tuple[Any, ...]:
            barred.undo()
            with SQLiteJournal(kept) as journal:
                TaskRun("second", journal=journal).start()
            barred.setattr(sqlite_file, "may_write", lambda path: path != kept)
            return row

        reader._connection.row_factory = overtaken  # once: what is opened again has none

        found = seen(reader)

    reader.close()
    assert [run for run, *_ in found] == ["r", "second"]


# What is no journal of this version.


def test_version_2_has_to_be_upgraded_by_a_writer(path: Path) -> None:
    SQLiteJournal(path).close()
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE refusals; PRAGMA user_version = 2; VACUUM")
    connection.close()
    path.chmod(0o444)
    before = files(path)

    with Another(lambda _turn: refused(path)) as another:
        assert another.result == (
            f"{path} is a journal of version 2; a process that may write to it has to open it once"
        )
    assert files(path) == before


def test_an_empty_file_does_not_become_a_journal(path: Path) -> None:
    path.touch()
    path.chmod(0o444)

    with Another(lambda _turn: refused(path)) as another:
        assert another.result == (
            f"{path} is empty; a process that may write to it has to open it once"
        )
    assert path.read_bytes() == b""


def test_a_foreign_database_is_refused(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE steps (a)")
    path.chmod(0o444)

    with Another(lambda _turn: refused(path)) as another:
        assert "is a database, but not a journal" in another.result


def test_a_file_that_may_not_be_read_is_refused(kept: Path) -> None:
    kept.chmod(0o000)

    with Another(lambda _turn: refused(kept)) as another:
        assert another.result.startswith(f"cannot open the journal in {kept}: ")


def test_a_missing_file_in_a_read_only_directory_is_an_error(path: Path) -> None:
    path.parent.chmod(0o555)

    with Another(lambda _turn: refused(path)) as another:
        assert another.result.startswith(f"cannot open the journal in {path}: ")
    assert files(path) == {}
