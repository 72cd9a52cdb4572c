"""Children: those of a mapped run are rows, each with its parent and place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fsm import CorruptJournal, MemoryJournal, Runner, Step, TaskRun
from fsm.journal.sqlite import SQLiteJournal
from states import Success


@pytest.fixture
def mapped(journal: Any) -> TaskRun:
    """A run mapped over more children than a page has."""
    run = TaskRun("squares", journal=journal)
    with Runner(workers=4) as runner:
        runner.map(run, lambda n: n * n, range(7))
    return run


def test_they_come_in_their_order(mapped: TaskRun, journal: Any) -> None:
    assert [(each.run, each.parent, each.child) for each in journal.children("squares")] == [
        (f"squares[{index}]", "squares", index) for index in range(7)
    ]


def test_their_states_are_not_written_a_second_time(mapped: TaskRun, journal: Any) -> None:
    if isinstance(journal, MemoryJournal):
        pytest.skip("memory writes nothing")

    last = list(journal.records("squares"))[-1]

    assert json.loads(last.payload)["map_states"] == [None] * 7
    assert last.children == 7


def test_the_restored_parent_has_them(mapped: TaskRun, journal: Any) -> None:
    again = TaskRun.restore("squares", journal)

    assert again.state == mapped.state
    assert again.state.result == [n * n for n in range(7)]
    assert [step.dest for step in again.history] == [step.dest for step in mapped.history]
    assert journal.holds(mapped.history[-1])


def test_more_than_a_page_of_them_are_read(journal: Any) -> None:
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


def test_states_that_no_row_says_are_written_out(journal: Any) -> None:
    TaskRun("odd[0]", journal=journal).start()
    parent = TaskRun("odd", journal=journal)

    parent.map(map_states=[Success("not what the row says")])

    again = TaskRun.restore("odd", journal)
    assert again.state == parent.state
    assert again.state.map_states[0].message == "not what the row says"


def test_children_that_are_gone_are_corrupt(tmp_path: Any) -> None:
    path = tmp_path / "runs.db"
    with SQLiteJournal(path) as journal:
        Runner(workers=1).map(TaskRun("few", journal=journal), str, [1, 2])
        journal._connection.execute("DROP TRIGGER runs_follow")
        journal._connection.execute("UPDATE runs SET parent = 'x' WHERE id = 'few[1]'")

        with pytest.raises(CorruptJournal, match="had 2 children; 1 are there"):
            TaskRun.restore("few", journal)
