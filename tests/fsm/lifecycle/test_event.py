"""Event: the declaration of rows, and what they become on a run."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from fsm import Event, Run, TaskRun, TransitionNotAllowed, either, event, internal
from fsm.errors import InvalidArgument, InvalidLifecycle
from fsm.run.bound import BoundEvent
from fsm.states.meta import _MetaState
from states import (
    Cancelled,
    Failed,
    Pending,
    Retrying,
    Running,
    Scheduled,
    State,
    StateError,
    Success,
)


@pytest.mark.parametrize("dest", [State, _MetaState, int, "Running", None, Running()], ids=repr)
def test_the_destination_is_a_state_class_a_run_can_rest_in(dest: Any) -> None:
    with pytest.raises(InvalidLifecycle, match="the destination of an event is a state class"):
        event(dest, source=Pending)


@pytest.mark.parametrize("source", [int, "Pending", [Pending, 3], [Pending()]], ids=repr)
def test_a_source_is_a_state_class(source: Any) -> None:
    with pytest.raises(InvalidLifecycle, match="the source of an event is a state class"):
        event(Running, source=source)


@pytest.mark.parametrize("source", [5, None], ids=repr)
def test_a_source_that_is_no_iterable_either_is_refused_by_our_tree(source: Any) -> None:
    with pytest.raises(InvalidLifecycle):
        event(Running, source=source)


def test_a_single_guard_without_a_list_is_refused_by_our_tree() -> None:
    with pytest.raises(InvalidLifecycle):
        event(Running, source=Pending, conditions=print)  # type: ignore[arg-type]


def test_either_leads_where_the_first_guards_that_pass_say() -> None:
    class Toss(Run):
        start = event(Running, source=Pending)
        land = either(
            event(Success, source=Running, conditions=[lambda run, step: step.dest.result == 1]),
            event(Cancelled, source=Running, conditions=[lambda run, step: step.dest.result == 2]),
            event(Failed, source=Running),
        )

    dests = []
    for result in (1, 2, 3):
        toss = Toss()
        toss.start()
        dests.append(type(toss.land(result=result)))

    assert dests == [Success, Cancelled, Failed]
    assert Toss.lifecycle.dests("land", Running) == (Success, Cancelled, Failed)
    assert [(step.event, type(step.dest)) for step in toss.history[1:]] == [("land", Failed)]


def test_either_takes_joined_events_too() -> None:
    one, two, three = (event(dest, source=Pending) for dest in (Running, Failed, Success))

    assert either(one, either(two, three)).rows == (*one.rows, *two.rows, *three.rows)


@pytest.mark.parametrize("wrong", [None, Running, "start", [event(Running, source=Pending)]])
def test_either_takes_events_only(wrong: Any) -> None:
    with pytest.raises(InvalidLifecycle, match=r"an event is made by event\(\) or internal\(\)"):
        either(event(Running, source=Pending), wrong)


def test_either_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidLifecycle, match="at least one"):
        either()


def test_either_refuses_a_row_that_can_never_be_taken() -> None:
    with pytest.raises(InvalidLifecycle, match="an unguarded row stands before it"):

        class Never(Run):
            go = either(event(Running, source=Pending), event(Failed, source=Pending))


@pytest.mark.parametrize("excluding", [int, [Pending, "x"]], ids=repr)
def test_what_is_excluded_is_a_state_class(excluding: Any) -> None:
    with pytest.raises(InvalidLifecycle, match="excluding"):
        event(Running, source=Pending, excluding=excluding)


def test_an_event_needs_a_source() -> None:
    with pytest.raises(InvalidLifecycle, match="at least one source"):
        event(Running, source=())


@pytest.mark.parametrize("role", ["conditions", "unless"])
def test_a_guard_can_be_called(role: str) -> None:
    with pytest.raises(InvalidLifecycle, match="a guard is a function"):
        event(Running, source=Pending, **{role: ["attempts_left"]})  # type: ignore[arg-type]


def test_a_prepare_can_be_called() -> None:
    with pytest.raises(InvalidLifecycle):
        event(Running, source=Pending, prepare=3)  # type: ignore[arg-type]


def test_sources_may_come_from_an_iterator() -> None:
    class Short(Run):
        go = event(Running, source=iter([Pending]))

    assert Short.lifecycle.allowed(Pending) == ("go",)


def test_on_the_class_an_event_is_itself() -> None:
    assert isinstance(TaskRun.retry, Event)
    assert TaskRun.retry.name == "retry"
    assert repr(TaskRun.retry) == "<event retry → Retrying>"


def test_on_a_run_an_event_is_ready_to_fire() -> None:
    run = TaskRun("r")

    assert isinstance(run.retry, BoundEvent)
    assert run.retry.name == "retry"
    assert repr(run.retry) == "<retry of <TaskRun 'r': Pending after 0 steps>>"


def test_an_unnamed_event_reads_as_one() -> None:
    assert repr(internal(source=Pending)) == "<event (unnamed) → (stays)>"


def test_two_rows_join_under_one_name_and_the_first_that_passes_wins() -> None:
    class Fork(Run):
        lucky = False
        end = event(Success, source=Pending, conditions=[lambda run, step: run.lucky]) | event(
            Failed, source=Pending
        )

    class Lucky(Fork):
        lucky = True

    assert type(Fork().end()) is Failed
    assert type(Lucky().end()) is Success


def test_joining_with_something_else_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        event(Running, source=Pending) | 3  # type: ignore[operator]


def test_both_rows_get_what_the_caller_gave_and_not_what_the_other_drafted() -> None:
    class Fork(Run):
        end = event(
            Success, source=Pending, conditions=[lambda run, step: False], message="first"
        ) | event(Failed, source=Pending, message="second")

    assert Fork().end(result=3).message == "second"


def test_none_removes_a_row() -> None:
    class NoPause(TaskRun):
        pause = None  # type: ignore[assignment]
        resume = None  # type: ignore[assignment]

    assert "pause" not in NoPause.lifecycle.events
    assert "pause" in TaskRun.lifecycle.events
    assert "Paused" not in {node.__name__ for node in NoPause.lifecycle.nodes}


def test_a_removed_row_may_come_back() -> None:
    class NoCancel(TaskRun):
        cancel = None  # type: ignore[assignment]

    class Cancellable(NoCancel):
        cancel = event(Cancelled, source=Pending)  # type: ignore[assignment]

    assert Cancellable.lifecycle.allowed(Running).count("cancel") == 0
    assert "cancel" in Cancellable.lifecycle.allowed(Pending)


def test_redeclaring_a_name_replaces_its_row() -> None:
    class Careful(TaskRun):
        start = event(Running, source=Scheduled)  # type: ignore[assignment]

    run = Careful()

    with pytest.raises(TransitionNotAllowed):
        run.start()
    run.schedule()
    assert type(run.start()) is Running


def test_an_event_under_a_second_name_is_refused() -> None:
    with pytest.raises(InvalidLifecycle, match="is the event 'retry' again"):

        class Twice(TaskRun):
            again = TaskRun.retry


def test_an_event_cannot_be_replaced_by_a_method() -> None:
    with pytest.raises(InvalidLifecycle, match="only None may stand here"):

        class Mine(TaskRun):
            def retry(self) -> None: ...


@pytest.mark.parametrize("name", ["state", "history", "trigger", "_lock", "before", "journal"])
def test_an_event_cannot_take_the_name_of_what_every_run_has(name: str) -> None:
    with pytest.raises(InvalidLifecycle, match="rename the event"):
        type("Clash", (TaskRun,), {name: event(Running, source=Pending)})


def test_a_users_state_is_one_class_and_one_line() -> None:
    @attrs.frozen
    class Quarantined(Failed):
        """Failed, and not to be touched until someone has looked."""

        reason: str = ""

    class CarefulRun(TaskRun):
        quarantine = event(Quarantined, source=Failed)

    run = CarefulRun(max_retries=1)
    run.start()
    run.fail()

    held = run.quarantine(reason="odd")

    assert held.reason == "odd"
    assert "retry" in run.allowed
    assert CarefulRun.lifecycle.node("Quarantined") is Quarantined
    assert TaskRun.lifecycle.node("Quarantined") is None


def test_firing_takes_the_arguments_of_the_destination() -> None:
    run = TaskRun()

    with pytest.raises(InvalidArgument, match=r"start takes no speed; it takes message, result"):
        run.start(speed=3)  # type: ignore[call-arg]

    assert run.history == ()


def test_firing_takes_positional_arguments_in_the_order_of_the_constructor() -> None:
    state = TaskRun().start("hello", 3)

    assert (state.message, state.result) == ("hello", 3)


def test_too_many_arguments_are_counted() -> None:
    with pytest.raises(InvalidArgument, match="takes at most 4 arguments"):
        TaskRun().start(1, 2, {}, {}, 5)  # type: ignore[call-arg]


def test_an_argument_given_twice_is_named() -> None:
    with pytest.raises(InvalidArgument, match="got message twice"):
        TaskRun().start("a", message="b")  # type: ignore[misc]


def test_an_ill_typed_argument_is_refused_by_its_field() -> None:
    run = TaskRun()

    with pytest.raises(StateError) as caught:
        run.schedule(start_time="tomorrow")  # type: ignore[arg-type]

    assert caught.value.field == "start_time"
    assert run.history == ()


def test_children_that_are_no_list_are_refused_by_our_tree() -> None:
    with pytest.raises(StateError):
        TaskRun().map(map_states=5)  # type: ignore[arg-type]


class Progressing(TaskRun):
    progress = internal(source=Running)
    tick = internal(source=Running, prepare=lambda draft: {"message": f"at {draft.event}"})


def test_an_internal_event_stays_but_is_a_step() -> None:
    run = Progressing()
    running = run.start(result=1)

    half = run.progress(message="half")

    assert type(half) is Running
    assert half is not running
    assert (half.message, half.result) == ("half", 1)
    assert [step.event for step in run.history] == ["start", "progress"]


def test_an_internal_event_without_changes_keeps_the_very_state() -> None:
    run = Progressing()
    running = run.start()

    assert run.progress() is running


def test_an_internal_event_may_prepare_its_changes() -> None:
    run = Progressing()
    run.start()

    assert run.tick().message == "at tick"
    assert run.tick(message="mine").message == "mine"


def test_an_internal_event_takes_keywords_only() -> None:
    run = Progressing()
    run.start()

    with pytest.raises(InvalidArgument, match="by keyword"):
        run.progress("half")


def test_an_internal_event_refuses_what_the_state_has_not() -> None:
    run = Progressing()
    run.start()

    with pytest.raises(StateError, match="Running has no speed"):
        run.progress(speed=3)


@pytest.mark.parametrize("name", ["may", "why_not"])
def test_asking_does_not_move(name: str) -> None:
    run = TaskRun()

    assert getattr(run.start, name)() in (True, None)
    assert getattr(run.retry, name)() is not True
    assert (run.state, run.history) == (Pending(), ())


def test_why_not_tells_the_refusal_that_firing_would_raise() -> None:
    answer = TaskRun().resume.why_not()

    assert answer is not None
    assert isinstance(answer.refused, TransitionNotAllowed)
    assert answer.refused.event == "resume"
    assert TaskRun().start.why_not() is None


def test_a_bound_event_returns_what_it_entered() -> None:
    run = TaskRun(max_retries=1)
    run.start()
    run.fail()

    retrying = run.retry()

    assert type(retrying) is Retrying
    assert retrying is run.state


@pytest.fixture
def explained() -> Any:
    """A run with a state that asks for an argument."""

    @attrs.frozen
    class Explained(Failed):
        """Failed, for a reason that must be given."""

        why: str = attrs.field(kw_only=True)

    class ExplainedRun(TaskRun):
        explain = event(Explained, source=Pending)

    return ExplainedRun()


def test_a_required_argument_may_be_given(explained: Any) -> None:
    assert explained.explain(why="so").why == "so"


@pytest.mark.parametrize("ask", ["__call__", "may"])
def test_a_required_argument_left_out_is_named_by_our_tree(explained: Any, ask: str) -> None:
    with pytest.raises(InvalidArgument, match="why"):
        getattr(explained.explain, ask)()


def test_an_error_of_the_constructor_leaves_the_run_where_it_was() -> None:
    @attrs.frozen
    class Bursting(Failed):
        """Never to be."""

        def __attrs_post_init__(self) -> None:
            raise ArithmeticError("burst")

    class Brittle(TaskRun):
        burst = event(Bursting, source=Pending)

    run = Brittle()
    with pytest.raises(ArithmeticError):
        run.burst()

    assert run.history == ()


def test_a_prepare_that_returns_no_mapping_is_refused_by_our_tree() -> None:
    class Odd(Run):
        go = event(Running, source=Pending, prepare=lambda draft: None)  # type: ignore[arg-type,return-value]

    with pytest.raises(InvalidArgument):
        Odd().go()


def test_a_prepare_that_returns_what_the_state_has_not_is_refused() -> None:
    class Odd(Run):
        go = event(Running, source=Pending, prepare=lambda draft: {"speed": 3})

    with pytest.raises(InvalidArgument, match="go takes no speed"):
        Odd().go()


def test_on_a_run_an_event_cannot_be_replaced() -> None:
    class Loose(TaskRun):
        pass

    run = Loose()
    with pytest.raises(AttributeError):
        run.start = print  # type: ignore[assignment, method-assign]

    assert type(run.start()) is Running


def test_an_event_may_be_called_as_a_listener_would_be() -> None:
    class Early(Run):
        before_noon = event(Running, source=Pending)

    assert type(Early().before_noon()) is Running


def test_an_event_of_a_mixin_fires_on_each_that_mixes_it_in() -> None:
    class Stops:
        stop = event(Failed, source=Pending)

    class One(Stops, Run):
        pass

    class Other(Stops, Run):
        stop = event(Success, source=Pending)

    assert type(One().stop()) is Failed
    assert type(Other().stop()) is Success


def test_an_event_of_a_run_stays_in_its_process() -> None:
    with pytest.raises(InvalidArgument, match="a run cannot be pickled"):
        pickle.dumps(TaskRun().start)
