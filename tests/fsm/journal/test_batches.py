"""Batches: steps that are kept together, and errors of one of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fsm import JournalError, StaleRun, Step, TaskRun
from fsm.errors import InvalidArgument, UnknownRun
from fsm.journal import Journal
from fsm.journal.sqlite.journal import SQLiteJournal
from states import NotSerializable, Success

Make = Callable[..., Step]


def test_many_steps_are_kept_at_once(journal: Journal, step: Make) -> None:
    journal.extend([step("a"), step("b"), step("a", 2, Success(), "succeed")], TaskRun)

    assert [(run.run, run.steps) for run in journal.runs()] == [("a", 2), ("b", 1)]


def test_an_empty_batch_is_kept(journal: Journal) -> None:
    journal.extend([])
    journal.extend(iter(()))

    assert list(journal.runs()) == []


@pytest.mark.parametrize("bad", ["taken", "ahead", "of no edge"])
def test_a_batch_is_kept_whole_or_not_at_all(bad: str, journal: Journal, step: Make) -> None:
    journal.append(step("old"), TaskRun)
    odd = {
        "taken": step("old"),
        "ahead": step("a", 3),
        "of no edge": step("b", 1, event="succeed", dest=Success()),
    }[bad]
    if bad == "of no edge" and not journal.blocking:
        pytest.skip("memory keeps no edges")

    with pytest.raises((StaleRun, JournalError)):
        journal.extend([step("a"), step("old", 2), odd], TaskRun)

    assert [(run.run, run.steps) for run in journal.runs()] == [("old", 1)]
    with pytest.raises(UnknownRun):
        journal.steps("a")


def test_a_batch_with_a_stale_step_is_not_kept(journal: Journal, step: Make) -> None:
    def made() -> Iterator[Step]:
        yield step("a")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.extend(made())

    assert list(journal.runs()) == []


@pytest.mark.parametrize("steps", [5, None, [5], ["step"], "step"], ids=repr)
def test_a_batch_of_other_things_is_refused(steps: Any, journal: Journal) -> None:
    with pytest.raises(InvalidArgument, match="step"):
        journal.extend(steps)


def test_threads_that_append_to_their_own_runs_all_succeed(journal: Journal) -> None:
    begin = threading.Barrier(20)

    def work(number: int) -> TaskRun:
        run = TaskRun(f"r{number}", journal=journal, max_retries=9)
        begin.wait(30)
        for _ in range(3):
            run.start(message="once more")
            run.fail()
            run.retry()
        return run

    with ThreadPoolExecutor(20) as pool:
        runs = list(pool.map(work, range(20)))

    for run in runs:
        assert list(journal.steps(run.id)) == list(run.history)
        assert len(run.history) == 9


# How SQLite commits what several threads ask for at once.


@pytest.fixture
def sqlite(path: Path) -> Iterator[SQLiteJournal]:
    journal = SQLiteJournal(path)
    yield journal
    journal.close()


def together(journal: SQLiteJournal, steps: list[Step], of: Any = None) -> list[Any]:
    """Append *steps* in one transaction, as threads that wait for the lock together do."""
    answers: list[Any] = [None] * len(steps)

    def append(place: int) -> None:
        try:
            journal.append(steps[place], of)
        except BaseException as error:
            answers[place] = error

    threads = [threading.Thread(target=append, args=(place,)) for place in range(len(steps))]
    with journal._lock:
        for place, thread in enumerate(threads, 1):
            thread.start()
            while len(journal._queue) < place:  # in their order
                os.sched_yield()
    for thread in threads:
        thread.join(30)
    return answers


def test_threads_that_append_at_once_share_a_transaction(sqlite: SQLiteJournal, step: Make) -> None:
    begun = []
    writing = sqlite._writing

    @contextmanager
    def counted(what: str) -> Iterator[Any]:
        begun.append(what)
        with writing(what) as connection:
            yield connection

    sqlite._writing = counted  # type: ignore[method-assign]  # to count
    answers = together(sqlite, [step(f"r{n}") for n in range(20)])

    assert answers == [None] * 20
    assert len(begun) < 20
    assert len(list(sqlite.runs())) == 20


ODD: dict[str, Callable[[Step], Step]] = {
    "a place taken": lambda step: step._replace(run="taken"),
    "a place ahead": lambda step: step._replace(seq=3),
    "an id that is no text": lambda step: step._replace(run="\ud800"),
    "an id too long": lambda step: step._replace(run="x" * 300),
    "a time beyond all": lambda step: step._replace(micros=2**62),
    "a time beyond 64 bits": lambda step: step._replace(micros=2**70),
    "a place beyond 64 bits": lambda step: step._replace(seq=2**70),
    "an event that is no text": lambda step: step._replace(event=["start"]),  # type: ignore[arg-type]  # on purpose
    "a key that is too long": lambda step: step._replace(key="k" * 300),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_error_of_one_step_does_not_fail_the_others(
    odd: str, sqlite: SQLiteJournal, step: Make
) -> None:
    sqlite.append(step("taken"), TaskRun)
    steps = [step("a"), ODD[odd](step("odd")), step("b")]

    answers = together(sqlite, steps, TaskRun)

    assert isinstance(answers[1], JournalError | StaleRun)
    assert (answers[0], answers[2]) == (None, None)
    assert [run.run for run in sqlite.runs()] == ["a", "b", "taken"]


@pytest.mark.parametrize("odd", ODD)
def test_an_error_of_a_step_is_an_error_of_ours(odd: str, journal: Journal, step: Make) -> None:
    if not journal.blocking and "place" not in odd:
        pytest.skip("memory keeps what no database could")
    journal.append(step("taken"), TaskRun)

    with pytest.raises((JournalError, StaleRun)):
        journal.append(ODD[odd](step("odd")), TaskRun)

    assert [run.run for run in journal.runs()] == ["taken"]
    journal.append(step("odd"), TaskRun)


def test_a_payload_that_cannot_be_written_is_refused_before_the_transaction(
    sqlite: SQLiteJournal, step: Make
) -> None:
    with pytest.raises(NotSerializable):
        sqlite.append(step(dest=Success(result=object())))

    assert len(sqlite._queue) == 0


@pytest.mark.parametrize("odd", [None, 5, "step", ("r", 1)], ids=repr)
def test_another_thing_than_a_step_is_refused(odd: Any, journal: Journal) -> None:
    if not journal.blocking:
        pytest.skip("memory takes a step for one: the check would cost more than the rest")
    with pytest.raises(InvalidArgument, match="a step"):
        journal.append(odd)


@pytest.mark.parametrize("of", [5, "TaskRun", TaskRun()], ids=["5", "a name", "a run"])
def test_what_is_no_class_of_runs_is_refused(of: Any, journal: Journal, step: Make) -> None:
    if not journal.blocking:
        pytest.skip("as above")
    with pytest.raises(InvalidArgument, match="class of runs"):
        journal.append(step(), of)

    assert list(journal.runs()) == []


class Interrupted(SQLiteJournal):
    """Interrupted once, at a chosen line of its own."""

    at = ""

    def _insert_each(self, connection: Any, writings: Any) -> None:
        super()._insert_each(connection, writings)
        if self.at == "before the commit":
            self.at = ""
            raise KeyboardInterrupt

    def _commit(self, connection: Any, what: str) -> None:
        super()._commit(connection, what)
        if self.at == "after the commit":
            self.at = ""
            raise KeyboardInterrupt


@pytest.mark.parametrize("at", ["before the commit", "after the commit"])
def test_an_interrupt_of_the_writing_thread_does_not_fail_the_others(
    at: str, path: Path, step: Make
) -> None:
    journal = Interrupted(path)
    journal.at = at

    answers = together(journal, [step(f"r{n}") for n in range(5)])

    interrupted = [place for place, answer in enumerate(answers) if answer is not None]
    assert [type(answers[place]) for place in interrupted] == [KeyboardInterrupt]
    kept = {run.run for run in journal.runs()}
    assert kept >= {f"r{n}" for n in range(5) if n not in interrupted}
    assert (len(kept) == 5) == (at == "after the commit")
    assert journal.holds(step(f"r{interrupted[0]}")) == (at == "after the commit")
    journal.close()


def test_an_append_that_is_interrupted_while_it_waits_writes_nothing(
    sqlite: SQLiteJournal, step: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lock:
        """Interrupts who waits for it."""

        def __enter__(self) -> None:
            raise KeyboardInterrupt

        def __exit__(self, *error: object) -> None:
            raise AssertionError("nobody got it")

    lock = sqlite._lock
    sqlite._lock = Lock()  # type: ignore[assignment]  # for one call
    with pytest.raises(KeyboardInterrupt):
        sqlite.append(step("given-up"))
    sqlite._lock = lock

    assert not sqlite.holds(step("given-up"))
    sqlite.append(step("other"))
    assert [run.run for run in sqlite.runs()] == ["other"]


def test_an_append_that_is_interrupted_before_the_queue_writes_nothing(
    sqlite: SQLiteJournal, step: Make
) -> None:
    class Queue(type(sqlite._queue)):  # type: ignore[misc]  # the class it has, whichever
        """Interrupts who has just been let in, as a signal may."""

        def append(self, item: object) -> None:
            super().append(item)
            raise KeyboardInterrupt

    queue = sqlite._queue
    sqlite._queue = Queue()
    with pytest.raises(KeyboardInterrupt):
        sqlite.append(step("given-up"))
    queue.extend(sqlite._queue)
    sqlite._queue = queue

    sqlite.append(step("other"))
    assert [run.run for run in sqlite.runs()] == ["other"]


def test_a_transaction_left_open_by_an_interrupt_is_rolled_back(
    sqlite: SQLiteJournal, step: Make
) -> None:
    connection = sqlite._connect()
    connection.execute("BEGIN IMMEDIATE")
    sqlite._insert(connection, sqlite_writing(step("open")))

    assert not sqlite.holds(step("open"))
    sqlite.append(step("other"))
    assert [run.run for run in sqlite.runs()] == ["other"]


def sqlite_writing(step: Step) -> Any:
    from fsm.journal.relational.inserts import Insert

    return Insert(step, None)


def test_edges_that_were_rolled_back_are_written_with_the_next_step(
    sqlite: SQLiteJournal, step: Make
) -> None:
    sqlite.append(step("taken"))
    refused = together(sqlite, [step("taken"), step("taken")], TaskRun)
    assert [type(answer) for answer in refused] == [StaleRun, StaleRun]

    sqlite.append(step("new"), TaskRun)

    assert sqlite.summary("new").state == "Running"
