"""Lifecycle: the table as data, and the checks when its class is made."""

from __future__ import annotations

import sys
from collections.abc import Callable

import attrs
import pytest

from fsm import Lifecycle, Run, TaskRun, either, event, internal
from fsm.errors import InvalidLifecycle
from states import (
    Cached,
    Cancelled,
    Failed,
    Finished,
    Paused,
    Pending,
    Retrying,
    Running,
    Scheduled,
    Skipped,
    State,
    Success,
    TimedOut,
)


def never(run: Run, step: object) -> bool:
    """Say no."""
    return False


def test_a_state_that_cannot_be_reached_is_refused() -> None:
    with pytest.raises(InvalidLifecycle, match=r"Lost can never reach Success, Cached"):

        class Lost(Run):
            start = event(Running, source=Pending)
            cache = event(Cached, source=Success)
            redo = event(Success, source=Cached)


def test_a_row_from_where_no_run_can_be_is_refused() -> None:
    with pytest.raises(InvalidLifecycle, match="leads from Failed, where a run of Odd can never"):

        class Odd(Run):
            start = event(Running, source=Pending)
            retry = event(Retrying, source=Failed)


def test_a_row_behind_an_unguarded_one_is_refused() -> None:
    with pytest.raises(InvalidLifecycle, match="can never be taken: an unguarded row stands"):

        class Shadowed(Run):
            end = event(Success, source=Pending) | event(Failed, source=Pending)


def test_a_row_behind_a_guarded_one_is_fine() -> None:
    class Fork(Run):
        end = event(Success, source=Pending, conditions=[never]) | event(Failed, source=Pending)

    assert Fork.lifecycle.dests("end", Pending) == (Success, Failed)


def test_a_row_that_is_shadowed_in_one_place_only_is_fine() -> None:
    class Partly(Run):
        schedule = event(Scheduled, source=Pending)
        end = event(Success, source=Scheduled) | event(Failed, source=Pending)

    assert type(Partly().end()) is Failed


def test_a_row_joined_with_itself_is_refused() -> None:
    row = event(Running, source=Pending)
    with pytest.raises(InvalidLifecycle):

        class Twice(Run):
            go = row | row


def test_two_states_of_one_name_are_refused() -> None:
    @attrs.frozen
    class Twin(Pending):
        """One."""

    first = Twin

    @attrs.frozen
    class Twin(Pending):  # type: ignore[no-redef]
        """The other."""

    with pytest.raises(InvalidLifecycle, match="two states called Twin"):

        class Both(Run):
            one = event(first, source=Pending)
            two = event(Twin, source=Pending)


@pytest.mark.parametrize("initial", [int, State, None, Pending()], ids=repr)
def test_the_initial_state_is_a_state_class(initial: object) -> None:
    with pytest.raises(InvalidLifecycle):
        type("Odd", (Run,), {"initial": initial})


def test_a_run_may_begin_elsewhere() -> None:
    class Late(Run):
        initial = Running
        end = event(Success, source=Running)

    assert type(Late().state) is Running
    assert Late.lifecycle.initial is Running


def test_the_nearest_ancestors_row_comes_first() -> None:
    class Near(Run):
        pause = event(Paused, source=Pending)
        go = event(Failed, source=Pending) | event(Running, source=Scheduled)

    run = Near()
    run.pause()

    assert type(run.go()) is Running
    assert type(Near().go()) is Failed


def test_a_near_guard_that_says_no_leaves_it_to_the_family() -> None:
    class Near(Run):
        pause = event(Paused, source=Pending)
        go = event(Failed, source=Pending) | event(Running, source=Paused, conditions=[never])

    run = Near()
    run.pause()

    assert type(run.go()) is Failed


def test_what_is_excluded_takes_its_subclasses_along() -> None:
    class Without(Run):
        schedule = event(Scheduled, source=Pending)
        pause = event(Paused, source=Pending)
        go = event(Running, source=Pending, excluding=Scheduled)

    assert [Without.lifecycle.rows("go", node) != () for node in (Pending, Scheduled, Paused)] == [
        True,
        False,
        False,
    ]


def test_the_nearest_of_a_rows_sources_counts() -> None:
    class Near(Run):
        schedule = event(Scheduled, source=Pending)
        pause = event(Paused, source=Pending)
        go = event(Failed, source=Scheduled) | event(Running, source=[Paused, Pending])

    assert Near.lifecycle.dests("go", Paused) == (Running, Failed)


def test_finals_are_computed() -> None:
    class Short(Run):
        start = event(Running, source=Pending)
        end = event(Success, source=Running)

    assert Short.lifecycle.finals == (Success,)
    assert set(TaskRun.lifecycle.finals) == {Finished, Skipped, Cancelled}


def test_a_state_with_an_internal_row_is_not_final() -> None:
    class Noted(Run):
        end = event(Success, source=Pending)
        note = internal(source=Success)

    assert Noted.lifecycle.finals == ()


def test_nodes_come_in_the_order_of_the_family() -> None:
    family = [cls for cls in State.children() if cls in TaskRun.lifecycle.nodes]

    assert list(TaskRun.lifecycle.nodes) == family


def test_an_edge_is_a_row_seen_from_one_source() -> None:
    lifecycle = TaskRun.lifecycle
    into_retrying = {edge.source for edge in lifecycle.edges if edge.dest is Retrying}

    assert into_retrying >= {Failed, TimedOut, Running}
    assert all(edge.row in lifecycle.rows(edge.event, edge.source) for edge in lifecycle.edges)
    assert {edge.row.label for edge in lifecycle.edges if edge.event == "retry"} == {
        "[attempts left, error retried, time left]"
    }


def test_labels_tell_conditions_from_their_opposites() -> None:
    class Two(Run):
        go = event(Running, source=Pending, conditions=[lambda run, step: True], unless=[never])

    (edge,) = Two.lifecycle.edges

    assert edge.row.label == "[lambda, not never]"
    assert edge.row.guarded


def test_leading_names_the_events_that_may_go_there() -> None:
    assert TaskRun.lifecycle.leading(Running, Failed) == ("fail",)
    assert TaskRun.lifecycle.leading(Cancelled, Pending) == ()


def test_leading_leaves_out_what_is_fired_by_name_only() -> None:
    class Lost(Run):
        start = event(Running, source=Pending)
        lose = event(Running, source=Pending, explicit_only=True)
        guess = either(
            event(Failed, source=Pending, explicit_only=True, conditions=[never]),
            event(Running, source=Pending),
        )

    assert Lost.lifecycle.leading(Pending, Running) == ("start",)
    assert Lost.lifecycle.allowed(Pending) == ("start", "lose", "guess")


def test_a_table_shows_itself_in_a_line() -> None:
    class Short(Run):
        start = event(Running, source=Pending)

    assert repr(Short.lifecycle) == "<Lifecycle Short: 2 states, 1 events>"


def calls_of(work: Callable[[], object]) -> int:
    """How many functions are called: a measure of work that no busy machine can blur."""
    counted = 0

    def count(_frame: object, kind: str, _function: object) -> None:
        nonlocal counted
        counted += kind.endswith("call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


@pytest.mark.parametrize("shape", ["a chain", "a star", "one event", "one row from all"])
def test_the_work_of_making_a_table_grows_with_its_rows(shape: str) -> None:
    def made(size: int) -> Callable[[], object]:
        states = [
            type(f"{shape} {size} {place}", (State,), {"__slots__": ()}) for place in range(size)
        ]
        first, *rest = states
        steps = [
            event(state, source=first if shape == "a star" else before)
            for before, state in zip(states, rest, strict=False)
        ]
        table = {f"go_{place}": step for place, step in enumerate(steps)}
        if shape == "one event":
            joined = steps[0]
            for step in steps[1:]:
                joined |= step
            table = {"go": joined}
        if shape == "one row from all":
            table["stay"] = internal(source=states)
        return lambda: type("Made", (Run,), {"initial": first, **table}).machine

    assert calls_of(made(200)) < 6 * calls_of(made(50))


def test_a_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        TaskRun.lifecycle.events["x"] = TaskRun.retry  # type: ignore[index]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        TaskRun.lifecycle.name = "x"  # type: ignore[misc]


def test_the_matrix_marks_guards_choices_and_stays() -> None:
    class Small(Run):
        go = event(Success, source=Pending, conditions=[never]) | event(Failed, source=Pending)
        note = internal(source=Failed)

    lines = Small.lifecycle.matrix().splitlines()

    assert lines[0].split() == ["go", "note"]
    assert lines[1].split() == ["Pending", "Success?", "or", "Failed", "·"]
    assert lines[3].split() == ["Failed", "·", "(stays)"]


def test_run_itself_has_a_table_of_one_state() -> None:
    assert Run.lifecycle.nodes == (Pending,)
    assert Run().allowed == ()


def test_node_finds_by_name() -> None:
    assert TaskRun.lifecycle.node("Retrying") is Retrying
    assert TaskRun.lifecycle.node("State") is None


def test_a_lifecycle_may_be_made_of_events_alone() -> None:
    made = Lifecycle.of("Named", Pending, [TaskRun.start])

    assert made.nodes == (Pending, Running)
    assert made.kind == "Named"


def test_the_kind_of_a_lifecycle_is_the_module_and_qualified_name_of_its_class() -> None:
    class Mine(TaskRun):
        pass

    assert Mine.lifecycle.kind == f"{__name__}:{Mine.__qualname__}"
    assert Run.lifecycle.kind == f"{Run.__module__}:Run"


def test_edge_names_are_source_event_and_destination() -> None:
    class Small(Run):
        start = event(Running, source=Pending)

    assert Small.lifecycle.edge_names() == {("Pending", "start", "Running")}


@pytest.mark.parametrize("length", [1, 200, 201, 10_000])
@pytest.mark.parametrize("what", ["kind", "state", "event"])
def test_names_of_kinds_states_and_events_have_at_most_200_characters(
    what: str, length: int
) -> None:
    name = "X" * length
    state = type(name, (Running,), {}) if what == "state" else Running
    events = {name if what == "event" else "start": event(state, source=Pending)}

    def make() -> type[Run]:
        named = {"__qualname__": name, "__module__": ""} if what == "kind" else {}
        return type("Mine", (Run,), {**events, **named})

    if length + (what == "kind") <= 200:
        assert make().lifecycle.events
    else:
        with pytest.raises(
            InvalidLifecycle, match=rf"^the {what} .* of Mine has [0-9]+ .* 1 to 200$"
        ):
            make()


def test_parents_join_their_tables() -> None:
    class Left(Run):
        start = event(Running, source=Pending)

    class Right(Run):
        cancel = event(Cancelled, source=Pending)

    class Both(Left, Right):
        pass

    assert set(Both.lifecycle.events) == {"start", "cancel"}
