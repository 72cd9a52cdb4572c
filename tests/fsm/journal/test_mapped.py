"""Mapped runs: their children are rows, each with its parent and place."""

from __future__ import annotations

import gc
import itertools
import json
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import pytest

from fsm import CorruptJournal, MemoryJournal, Runner, Step, TaskRun
from fsm.journal import Journal, Summary
from fsm.journal.mapped import EmptyPayloads
from fsm.journal.relational.statements import PAGE
from fsm.journal.sqlite.journal import SQLiteJournal
from fsm.states import ambient
from states import Cached, Failed, Looped, Mapped, Paused, Queued, Retrying, Skipped, State, Success

Ended = Callable[[Iterable[str]], list[State]]


@pytest.fixture
def mapped(journal: Any) -> TaskRun:
    """A run mapped over more children than a page has."""
    run = TaskRun("squares", journal=journal)
    with Runner(workers=4) as runner:
        runner.map(run, lambda n: n * n, range(7))
    return run


def test_children_come_in_order(mapped: TaskRun, journal: Any) -> None:
    assert [(each.run, each.parent, each.child) for each in journal.children("squares")] == [
        (f"squares[{index}]", "squares", index) for index in range(7)
    ]


def test_states_of_children_are_not_written_a_second_time(mapped: TaskRun, journal: Any) -> None:
    if isinstance(journal, MemoryJournal):
        pytest.skip("memory writes nothing")

    last = list(journal.records("squares"))[-1]

    assert json.loads(last.payload)["map_states"] == [None] * 7
    assert last.children == 7


def test_a_restored_parent_has_the_states_of_its_children(mapped: TaskRun, journal: Any) -> None:
    again = TaskRun.restore("squares", journal)

    assert again.state == mapped.state
    assert again.state.result == [n * n for n in range(7)]
    assert [step.dest for step in again.history] == [step.dest for step in mapped.history]
    assert journal.holds(mapped.history[-1])


def test_more_than_a_page_of_children_is_read(journal: Any) -> None:
    states = [Success(str(number), result=number) for number in range(1_100)]
    steps: list[Step] = []
    for number, state in enumerate(states):
        run = TaskRun(f"many[{number}]")
        run.start()
        run.succeed(message=state.message, result=number)
        steps += run.history
    journal.extend(steps, TaskRun)
    parent = TaskRun("many", journal=journal)

    parent.map(map_states=states)

    assert TaskRun.restore("many", journal).state.result == list(range(1_100))
    assert len(list(journal.children("many"))) == 1_100


def test_states_that_differ_from_their_rows_are_written_out(journal: Any) -> None:
    TaskRun("odd[0]", journal=journal).start()
    parent = TaskRun("odd", journal=journal)

    parent.map(map_states=[Success("not what the row says")])

    again = TaskRun.restore("odd", journal)
    assert again.state == parent.state
    assert again.state.map_states[0].message == "not what the row says"


def test_missing_children_are_corrupt(tmp_path: Any) -> None:
    path = tmp_path / "runs.db"
    with SQLiteJournal(path) as journal:
        Runner(workers=1).map(TaskRun("few", journal=journal), str, [1, 2])
        journal._connection.execute("DROP TRIGGER runs_follow")
        journal._connection.execute("UPDATE runs SET parent = 'x' WHERE id = 'few[1]'")

        with pytest.raises(CorruptJournal, match="had 2 children; 1 are there"):
            TaskRun.restore("few", journal)


# EmptyPayloads: the parent of very many children knows of each how it ended, and no more.


@pytest.fixture
def empty() -> EmptyPayloads:
    """The maker of empty payloads."""
    return EmptyPayloads()


@pytest.fixture
def ended(journal: Journal) -> Ended:
    """The maker of children of run `p`, by the event that ends each; gives their states."""

    def make(events: Iterable[str]) -> list[State]:
        steps: list[Step] = []
        states: list[State] = []
        for index, name in enumerate(events):
            child = TaskRun(f"p[{index}]")
            if name not in ("pause", "start"):
                child.start()
            states.append(child.trigger(name))
            steps += child.history
        journal.extend(steps, TaskRun)
        return states

    return make


def kept(journal: Journal) -> Any:
    """The children in the last payload of run `p`, and how many of them are rows."""
    last = list(journal.records("p"))[-1]
    return json.loads(last.payload).get("map_states", "left out"), last.children


def written(states: Iterable[State | None]) -> list[Any]:
    return [None if state is None else state.serialize() for state in states]


def test_empty_children_are_read_by_the_classes_in_their_rows(
    journal: Journal, ended: Ended, empty: EmptyPayloads
) -> None:
    names = [*itertools.islice(itertools.cycle(["succeed", "fail", "skip"]), PAGE + 10)]
    states = [empty(state) for state in ended(names)]
    parent = TaskRun("p", journal=journal)

    parent.map(map_states=states)

    again = TaskRun.restore("p", journal)
    assert written(again.state.map_states) == written(states)
    assert again.state.message == parent.state.message
    assert len({id(child) for child in again.state.map_states}) == 3
    assert journal.holds(parent.history[-1])
    if not isinstance(journal, MemoryJournal):
        assert kept(journal) == ("left out", PAGE + 10)
        assert len(list(journal.records("p"))[-1].payload) < 300


def test_payloads_of_empty_children_are_not_read(
    journal: Any,
    ended: Ended,
    empty: EmptyPayloads,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if isinstance(journal, MemoryJournal):
        pytest.skip("memory reads nothing")
    states = [empty(state) for state in ended(["succeed", "pause", "fail"])]
    asked, rows = [], journal._child_rows

    def spied(run: str, unwanted: Any) -> Any:
        for name, payload in rows(run, unwanted):
            asked.append((name, payload is not None))
            yield name, payload

    monkeypatch.setattr(journal, "_child_rows", spied)
    TaskRun("p", journal=journal).map(map_states=states)

    asked.clear()
    TaskRun.restore("p", journal)

    assert asked == [("Success", False), ("Paused", True), ("Failed", False)]


def test_a_child_whose_class_reads_the_clock_is_kept_by_its_row(
    journal: Journal, ended: Ended, empty: EmptyPayloads
) -> None:
    states = [empty(state) for state in ended(["succeed", "pause", "start"])]

    TaskRun("p", journal=journal).map(map_states=states)

    assert written(TaskRun.restore("p", journal).state.map_states) == written(states)
    if not isinstance(journal, MemoryJournal):
        assert kept(journal) == ("left out", 3)


@pytest.mark.parametrize(
    "odd",
    [Success("said"), Success(result=1), Success(result=None), Success(context={"a": 1})],
    ids=["a message", "a result", "None as result", "a context"],
)
def test_children_of_which_one_is_not_empty_are_written_out(
    odd: State, journal: Journal, ended: Ended, empty: EmptyPayloads
) -> None:
    states = [*map(empty, ended(["succeed"] * 3))]
    states[1] = odd

    TaskRun("p", journal=journal).map(map_states=states)

    assert written(TaskRun.restore("p", journal).state.map_states) == written(states)


@pytest.mark.parametrize(
    "states",
    [[Success(), Success()], [Failed(), Success()], [Success(), Failed(), Failed()]],
    ids=["another class", "another order", "another count"],
)
def test_children_whose_rows_have_another_class_are_written_out(
    states: list[State], journal: Journal, ended: Ended
) -> None:
    ended(["succeed", "fail"])

    TaskRun("p", journal=journal).map(map_states=states)

    assert written(TaskRun.restore("p", journal).state.map_states) == written(states)
    if not isinstance(journal, MemoryJournal):
        assert kept(journal) == (written(states), None)


def test_a_child_without_a_state_stays_without(journal: Journal, ended: Ended) -> None:
    ended(["succeed"])

    TaskRun("p", journal=journal).map(map_states=[Success(), None])

    assert TaskRun.restore("p", journal).state.map_states == [Success(), None]


def test_missing_empty_children_are_corrupt(tmp_path: Any) -> None:
    with SQLiteJournal(tmp_path / "runs.db") as journal:
        for index in range(2):
            TaskRun(f"p[{index}]", journal=journal).skip()
        TaskRun("p", journal=journal).map(map_states=[Skipped(), Skipped()])
        assert kept(journal) == ("left out", 2)
        journal._connection.execute("DROP TRIGGER runs_follow")
        journal._connection.execute("UPDATE runs SET parent = 'x' WHERE id = 'p[1]'")

        with pytest.raises(CorruptJournal, match="had 2 children; 1 are there"):
            TaskRun.restore("p", journal)


def test_a_redacted_journal_keeps_empty_children_too(tmp_path: Any) -> None:
    with SQLiteJournal(tmp_path / "runs.db", redact=["secret"]) as journal:
        TaskRun("p[0]", journal=journal).skip(message="a secret")
        TaskRun("p", journal=journal).map("all secret", map_states=[Skipped()])

        state = TaskRun.restore("p", journal).state

        assert kept(journal) == ("left out", 1)
        assert (state.message, written(state.map_states)) == ("all ***", written([Skipped()]))


@pytest.mark.parametrize(
    ("cls", "has"),
    [(Success, True), (Mapped, True), (Looped, True), (Cached, True), (Paused, False),
     (Retrying, False), (Queued, False), (State, False)],
)  # fmt: skip
def test_a_class_that_reads_the_clock_has_no_empty_payload(
    cls: type[State], has: bool, empty: EmptyPayloads
) -> None:
    with ambient.at(0), ambient.using(task_tags=["t"], task_loop_count=7):
        made = empty.of(cls)

    assert (made is not None) == has
    assert made is None or (made.context == {} and made == cls())


def test_a_users_class_has_an_empty_payload_only_if_its_defaults_stay(
    empty: EmptyPayloads,
) -> None:
    count = itertools.count()

    @attrs.frozen
    class Kept(Success):
        shelf: str = "A"

    @attrs.frozen
    class Numbered(Success):
        number: int = attrs.field(factory=lambda: next(count))

    @attrs.frozen
    class Shipped(Success):
        to: str = attrs.field(kw_only=True)

    @attrs.frozen
    class Odd(Success):
        what: Any = attrs.field(factory=object)

    shipped = Shipped(to="Rome")

    assert empty(Kept("said", shelf="B")).serialize() == Kept().serialize()
    assert (empty.of(Numbered), empty.of(Odd)) == (None, None)
    assert empty(shipped) is shipped


def test_summaries_of_children_are_paged(journal: Journal, ended: Ended) -> None:
    def alive() -> int:
        return sum(isinstance(each, Summary) for each in gc.get_objects())

    ended(["start"] * (2 * PAGE + 1))

    most = max(alive() for index, _ in enumerate(journal.children("p")) if index % PAGE == 1)

    assert most <= PAGE + 2
