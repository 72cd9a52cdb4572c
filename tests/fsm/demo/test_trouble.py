"""What may go wrong around a demo, on small records."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from fsm import LifecycleError, MemoryJournal, TaskRun, open_journal
from fsm.demo import faults, pipeline
from fsm.demo.dataset import Dataset
from fsm.demo.faults import Faults
from fsm.demo.flight_tasks import Tasks
from fsm.demo.folder import DemoUnderWay, Folder
from fsm.demo.pipeline import DemoRun
from fsm.errors import JournalError, MissingExtra
from fsm.testing import HandClock

from .conftest import flight, perform, write_records


def test_without_the_extra_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(MissingExtra, match=r"runstates\[demo\]"):
        perform(tmp_path / "demo")

    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    ("executor", "package"), [("process", "cloudpickle"), ("dask", "distributed")]
)
def test_without_what_the_executor_needs_nothing_happens(
    executor: str, package: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else 1)

    with pytest.raises(MissingExtra, match=rf"--executor {executor} .*runstates\[{executor}\]"):
        perform(tmp_path / "demo", executor=executor)

    assert not (tmp_path / "demo").exists()


def test_runs_that_a_killed_demo_has_claimed_are_taken_over(small: Path, tmp_path: Path) -> None:
    with open_journal(tmp_path / "demo.db") as journal:
        for id in ("demo-1", "demo-1/load"):
            DemoRun(id, journal=journal, max_retries=2).start()
        journal.claim(run="demo-1/load", owner="gone", lease=3600)

    performed = perform(tmp_path, executor="process")

    events = " ".join(step.event for step in performed.run("demo-1/load").history)
    assert performed.code == 0
    assert events == "start rescue start fail retry start succeed"


def test_names_in_the_records_are_no_markup(small: Path, tmp_path: Path) -> None:
    performed = perform(tmp_path / "demo")

    assert performed.code == 0
    assert "AA American [bold]Airlines[/bold]" in performed.text


def test_a_failed_generation_prints_why(small: Path, tmp_path: Path) -> None:
    (small / "flights.csv.zip").write_bytes(b"no archive")

    performed = perform(tmp_path / "demo")

    assert performed.code == 1
    assert "demo-1 failed: demo-1/load is Failed: Unexpected error: BadZipFile" in performed.text
    assert re.search("^Verdict: 5 runs finished, 0 lost, ", performed.text, re.M)
    assert performed.run("demo-1").state.is_failed()
    assert performed.run("demo-1/load").attempts == 3


def test_after_a_failed_generation_a_new_one_begins(small: Path, tmp_path: Path) -> None:
    write_records(small, [flight(1, dep_delay="soon")])
    failed = perform(tmp_path / "demo")
    write_records(small, [flight(month) for month in range(1, 13)])

    performed = perform(tmp_path / "demo")

    assert "demo-1 failed: demo-1/clean[0] is Failed" in failed.text
    assert (failed.code, performed.code) == (1, 0)
    assert performed.run("demo-2").state.is_successful()


def test_lost_flights_are_noticed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)

    state = Tasks(Dataset(tmp_path), folder, Faults(folder)).check(
        3, [{"flights": 1}, {"flights": 1}]
    )

    assert type(state).__name__ == "ValidationFailed"
    assert "3 flights were loaded, but then there are [2]" in str(state.message)


def test_two_demos_do_not_share_a_directory(small: Path, tmp_path: Path) -> None:
    busy = pytest.raises(DemoUnderWay, match="another `fsm demo` runs")

    with Folder.create(tmp_path / "demo").lock(), busy:
        perform(tmp_path / "demo", fresh=True)

    assert not (tmp_path / "demo" / "demo.db").exists()


def test_a_file_is_no_directory(small: Path, tmp_path: Path) -> None:
    (tmp_path / "demo").touch()

    with pytest.raises(LifecycleError, match=r"cannot use .*File exists; choose another"):
        perform(tmp_path / "demo")


def test_a_journal_that_is_none_is_left_alone(small: Path, tmp_path: Path) -> None:
    (tmp_path / "demo.db").write_text("my diary")

    with pytest.raises(JournalError):
        perform(tmp_path, fresh=True)

    assert (tmp_path / "demo.db").read_text() == "my diary"


def test_a_journal_that_others_use_is_not_removed(small: Path, tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "demo.db")
    TaskRun("mine", journal=journal).start()
    journal.close()

    with pytest.raises(LifecycleError, match="has runs of others, such as 'mine'"):
        perform(tmp_path, fresh=True)

    assert (tmp_path / "demo.db").exists()


def test_beginning_anew_removes_what_demos_made_only(small: Path, tmp_path: Path) -> None:
    perform(tmp_path)
    perform(tmp_path)
    mine = [tmp_path / "notes.txt", tmp_path / "x.tmp", tmp_path / "demo-2" / "notes.txt"]
    for path in mine:
        path.touch()

    performed = perform(tmp_path, fresh=True)

    assert {id.split("/")[0] for id in performed.runs()} == {"demo-1"}
    assert all(path.exists() for path in mine)
    assert not (tmp_path / "demo-2" / "report.csv").exists()


def test_a_relative_directory_with_a_colon_is_no_url(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert perform(Path("http:")).code == 0


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    rows = (["1"] if number else 1 / number for number in (1, 0))

    with pytest.raises(ZeroDivisionError):
        Folder(tmp_path).write_rows("half.csv", rows)  # type: ignore[arg-type]  # it never gets that far

    (draft,) = tmp_path.iterdir()
    assert draft.match("half.csv.*.tmp")
    assert Folder(tmp_path).remove("half.csv") > 0


def test_without_graphviz_there_is_no_svg(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)

    performed = perform(tmp_path / "demo")

    assert performed.code == 0
    assert (tmp_path / "demo" / "lifecycle.mmd").exists()
    assert "lifecycle.svg" not in performed.text


def test_an_expired_entry_is_not_found() -> None:
    journal = MemoryJournal()
    earlier = TaskRun("demo-1/airlines", journal=journal, clock=HandClock(), cache_for=3600)
    earlier.start()
    earlier.succeed(result={})
    earlier.cache()

    assert pipeline.lookup(TaskRun("demo-2/airlines", journal=journal, cache_for=3600)) is None


def test_a_stalled_attempt_that_is_not_cancelled_ends_by_itself(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "_PATIENCE", 0.0)

    performed = perform(tmp_path / "demo")

    assert performed.run("demo-1/airports").state.is_successful()
