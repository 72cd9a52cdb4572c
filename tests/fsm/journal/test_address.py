"""Addresses, by which another process opens the same journal."""

from __future__ import annotations

import contextlib
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fsm import JournalError, MemoryJournal, TaskRun
from fsm.journal import Address, Journal
from fsm.journal.postgres.journal import SQLJournal
from fsm.journal.sqlite.journal import SQLiteJournal


def sent(address: Address | None) -> Address:
    """The address as it arrives in another process."""
    assert address is not None
    arrived = pickle.loads(pickle.dumps(address))
    assert isinstance(arrived, Address)
    assert (arrived, hash(arrived)) == (address, hash(address))
    return arrived


START = """
import pickle, sys
from fsm import TaskRun
with pickle.load(sys.stdin.buffer).open() as journal:
    TaskRun("r", journal=journal).start()
"""


def start(address: Address, id: str) -> None:
    with address.open() as journal:
        TaskRun(id, journal=journal).start(message="the password is hunter2")


def test_another_process_opens_the_same_journal(journal: Journal) -> None:
    if isinstance(journal, MemoryJournal):
        pytest.skip("no other process can")
    address = pickle.dumps(journal.address)

    subprocess.run([sys.executable, "-c", START], input=address, check=True, timeout=60)

    assert journal.summary("r").state == "Running"


def test_a_journal_in_memory_has_no_address() -> None:
    assert MemoryJournal().address is None


def test_an_address_carries_the_redaction(path: Path, empty_database: str) -> None:
    patterns = ["hunter[0-9]", re.compile("PASSWORD", re.IGNORECASE)]
    for kept in (SQLiteJournal(path, redact=patterns), SQLJournal(empty_database, redact=patterns)):
        start(sent(kept.address), "secret")

        with kept as journal:
            assert journal.summary("secret").message == "the *** is ***"


def test_a_file_is_found_from_another_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    address = sent(SQLiteJournal("runs.db").address)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    start(address, "r")

    assert [each.name for each in tmp_path.glob("**/runs.db")] == ["runs.db"]
    assert SQLiteJournal(tmp_path / "runs.db").summary("r").state == "Running"


@pytest.mark.parametrize("name", ["a b.db", "ä.db", "per%40cent?x=1#y.db", "user:x@y.db", "\udcff"])
def test_a_file_of_any_name_has_an_address(name: str, tmp_path: Path) -> None:
    journal = SQLiteJournal(tmp_path / name)

    start(sent(journal.address), "r")

    assert journal.summary("r").state == "Running"


def test_an_address_carries_the_password_and_does_not_show_it(
    postgres: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SQLJournal, "_prepare", lambda *_: None)
    monkeypatch.setattr(SQLJournal, "_transaction", lambda *_: contextlib.nullcontext())
    url = "postgresql://me:p%40ss%2Fw%3Ard%25@host:5433/name?sslpassword=hunter2"

    address = sent(SQLJournal(url, redact=["hunter3"]).address)

    assert not re.search("p@ss|p%40ss|hunter", f"{address!r} {address}")
    assert "host:5433/name" in repr(address)
    opened = address.open()
    assert isinstance(opened, SQLJournal)
    assert opened._url.password == "p@ss/w:rd%"
    assert opened._url.query["sslpassword"] == "hunter2"


def test_an_address_does_not_make_a_missing_journal(path: Path) -> None:
    journal = SQLiteJournal(path)
    address = sent(journal.address)
    journal.close()
    path.unlink()

    with pytest.raises(JournalError, match="no journal is at"):
        address.open()

    assert not path.exists()
