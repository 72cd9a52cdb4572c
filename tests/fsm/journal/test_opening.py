"""Opening: journals are opened by URLs and paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fsm import JournalError, MemoryJournal, TaskRun, open_journal
from fsm.errors import InvalidArgument, UnknownRun
from fsm.journal.sqlite.journal import SQLiteJournal


def test_memory_ends_with_the_process() -> None:
    assert isinstance(open_journal("memory:"), MemoryJournal)


def test_a_path_is_a_file(path: Path) -> None:
    for url in (path, str(path), f"sqlite:///{path}"):
        journal = open_journal(url)
        assert isinstance(journal, SQLiteJournal)
        assert journal.path == path
        journal.close()


def test_three_slashes_are_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    open_journal("sqlite:///here.db").close()

    assert (tmp_path / "here.db").exists()


@pytest.mark.parametrize(
    "url",
    ["", b"", b"runs.db", "sqlite:", "sqlite://", "sqlite:///", "http://x/y", "mysql:///x", ":x"],
)
def test_a_url_of_no_journal_is_refused(url: Any) -> None:
    with pytest.raises(InvalidArgument):
        open_journal(url)


@pytest.mark.parametrize("url", [None, 5, []], ids=repr)
def test_another_thing_than_a_path_is_an_error_of_ours(url: Any) -> None:
    with pytest.raises(InvalidArgument):
        open_journal(url)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot open the journal"):
        open_journal(tmp_path / "no" / "runs.db")


def test_a_file_that_sqlite_would_not_take_for_one_is_kept_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        journal = open_journal("sqlite:///:memory:")
    except (InvalidArgument, JournalError):
        return

    TaskRun("r", journal=journal).start()
    journal.close()
    try:
        again = TaskRun.restore("r", journal)
    except UnknownRun:
        pytest.fail("an acknowledged step is lost")

    assert len(again.history) == 1


def test_no_journal_is_made_where_make_is_false(tmp_path: Any, database: str) -> None:
    path = tmp_path / "runs.db"

    for url in (path, database):
        with pytest.raises(JournalError, match="no journal is"):
            open_journal(url, make=False)

    assert not path.exists()
    open_journal(database).close()
    open_journal(database, make=False).close()
