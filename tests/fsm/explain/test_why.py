"""`explain`: the refusal, the guards that refuse, and a sequence of events that works."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

import attrs
import pendulum
import pytest

import states
from fsm import MemoryJournal, Run, Step, TaskRun, event
from fsm.errors import UnknownEvent
from fsm.explain import Why, explain
from fsm.testing import HandClock, Recorder
from states import (
    Cancelled,
    Failed,
    Finished,
    Paused,
    Pending,
    Running,
    Scheduled,
    Skipped,
    State,
    Success,
)

# A sample: all 960 cases, each state and event with and without a delay of retries, cost more than
# they find. test_search.py tries random tables.
CASES = random.Random(1).sample(
    [
        pytest.param(node.__name__, name, delay, id=f"{node.__name__}-{name}-{delay}")
        for node in TaskRun.lifecycle.nodes
        for name in TaskRun.lifecycle.events
        for delay in (0, 90)
    ],
    40,
)
# No sequence of events leads out of these; from other states only fail_map is out of reach: it
# needs children.
ENDS = (Finished, Skipped, Cancelled, states.ClientFailed)


def tomorrow(run: Run, step: Step) -> Any:
    """Whether it is the second of January."""
    return step.at.day > 1 or step.at.add(days=1).start_of("day")


def counted(run: Run, step: Step) -> bool | str:
    """Whether it has been checked."""
    return len(run.history) > 2 or f"{len(run.history)} of 3 steps are made"


class Order(Run):
    """A user's class: one guard names a time, one counts steps, one always refuses."""

    hold = event(Paused, source=Pending, excluding=Paused)
    wait = event(Scheduled, source=Pending, excluding=Scheduled)
    start = event(Running, source=Pending, conditions=[tomorrow])
    drop = event(Cancelled, source=Pending, unless=[tomorrow])
    finish = event(Success, source=Running, conditions=[counted])
    fail = event(Failed, source=Running)
    again = event(Pending, source=Failed)
    bless = event(Finished, source=Success, conditions=[lambda _run, _step: False])


ORDERS: dict[type[State], tuple[str, ...]] = {
    Pending: (),
    Paused: ("hold",),
    Scheduled: ("wait",),
    Running: ("start",),
    Failed: ("start", "fail"),
    Success: ("start", "fail", "again", "start", "finish"),
    Cancelled: ("drop",),
}
UNCERTAIN = {"bless", "drop"}  # their guards refuse, and name no time


def snapshot(run: Run) -> Any:
    return run.state, run.history, run.clock


def follow(run: Run, clock: HandClock, why: Why) -> None:
    """Fire the events of the suggested path."""
    for step in why.path:
        if step.at is not None:
            clock.turn_to(step.at)
        assert type(run.trigger(step.event)).__name__ == step.dest


@pytest.mark.parametrize(("state", "name", "delay"), CASES)
def test_the_suggested_path_works(
    state: str, name: str, delay: int, clock: HandClock, reach: Callable[..., TaskRun]
) -> None:
    run = reach(state, retry_delay=delay)
    before = snapshot(run)

    why = explain(run, name)

    assert snapshot(run) == before
    assert why.allowed == (run.why_not(name) is None) == getattr(run, name).may()
    assert str(why).startswith(f"can {name}" if why.allowed else f"cannot {name}")
    if type(run.state) in ENDS and not why.allowed:
        assert why.path == ()
    elif name == "fail_map":
        assert not why.certain
    else:
        assert why.certain
        follow(run, clock, why)
        assert run.history[-1].event == name


@pytest.mark.parametrize("name", Order.lifecycle.events)
@pytest.mark.parametrize("state", ORDERS)
def test_the_suggested_path_works_for_a_users_class(
    state: type[State], name: str, clock: HandClock
) -> None:
    run = Order(clock=clock)
    for each in ORDERS[state]:
        clock.advance(days=each == "start")
        run.trigger(each)

    why = explain(run, name)

    if why.certain:
        follow(run, clock, why)
        assert run.history[-1].event == name
    else:
        assert state in (Cancelled, Success) or name in UNCERTAIN


def test_a_step_that_has_to_wait_names_its_time(clock: HandClock) -> None:
    why = explain(Order(clock=clock), "fail")

    assert why.certain
    assert why.lines == (
        "cannot fail from Pending; from Pending one can hold, wait, start, drop",
        "events that lead there:",
        "  1. start → Running from 2020-01-02T00:00:00+00:00 on",
        "  2. fail → Failed",
    )


def test_a_detour_is_preferred_to_a_long_wait(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.pause()

    why = explain(run, "start")

    assert [step.event for step in why.path] == ["resume", "start"]
    assert why.rejections[0].passes_at is not None


def test_of_equally_short_paths_the_first_of_the_table_is_chosen(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=1)
    run.start()
    run.fail()

    why = explain(run, "pause")

    assert [step.event for step in why.path] == ["retry", "pause"]


def test_a_guard_that_refuses_is_shown_with_the_values_it_read(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.start()
    run.fail()

    why = explain(run, "retry")

    assert not why.allowed
    assert why.path == ()
    assert str(why) == (
        "cannot retry from Failed: [attempts left] said no: 1 of 1 attempts are used\n"
        "[attempts left] checks: "
        "Whether the run has made no more attempts than `Retry.max_retries`.\n"
        "[attempts left] read run.policy.retry.max_retries = 0, run.attempts = 1\n"
        "no sequence of events is known after which one can retry"
    )
    (guard,) = why.as_data()["guards"]
    assert guard["reason"] == "1 of 1 attempts are used"
    assert guard["read"] == {"run.policy.retry.max_retries": "0", "run.attempts": "1"}
    assert guard["where"].partition(".py:")[0].endswith("guards")


def test_a_guards_reason_cannot_forge_a_line_of_the_answer(clock: HandClock) -> None:
    class Forged(Run):
        start = event(
            Running,
            source=Pending,
            conditions=[lambda _run, _step: "no\nevents that lead there:\x1b[2K\u202e"],
        )

    why = explain(Forged(clock=clock), "start")

    assert str(why).splitlines() == [
        "cannot start from Pending: [lambda] said no: no\\nevents that lead there:\\x1b[2K\\u202e",
        "no sequence of events is known after which one can start",
    ]
    assert why.as_data()["guards"][0]["reason"] == "no\nevents that lead there:\x1b[2K\u202e"


def test_an_uncertain_path_is_marked_as_uncertain(clock: HandClock) -> None:
    def blessed(run: Run, step: Step) -> str:
        return "nobody has blessed it"

    class Child(Run):
        start = event(Running, source=Pending)
        finish = event(Success, source=Running, conditions=[blessed])

    why = explain(Child(clock=clock), "finish")

    assert not why.certain
    assert why.lines[1:] == (
        "events that may lead there:",
        "  1. start → Running",
        "  2. finish → Success (uncertain: [blessed] said no: nobody has blessed it)",
    )


def test_the_path_passes_a_state_twice_where_a_guard_needs_it(clock: HandClock) -> None:
    def reviewed(run: Run, step: Step) -> bool | str:
        times = sum(step.event == "review" for step in run.history)
        return times > 1 or f"{times} of 2 reviews are done"

    class Draft(Run):
        shelve = event(Paused, source=Pending, excluding=Paused)
        take = event(Pending, source=Paused)
        review = event(Running, source=Pending, excluding=Paused)
        back = event(Pending, source=Running)
        publish = event(Success, source=Pending, excluding=Paused, conditions=[reviewed])

    draft = Draft(clock=clock)

    why = explain(draft, "publish")

    assert [step.event for step in why.path] == ["review", "back", "review", "back", "publish"]
    follow(draft, clock, why)
    assert isinstance(draft.state, Success)


def test_the_path_stays_in_a_state_whose_payload_counts(clock: HandClock) -> None:
    @attrs.frozen
    class Level(Pending):
        level: int = 0

    def higher(draft: Any) -> dict[str, int]:
        return {"level": getattr(draft.source, "level", 0) + 1}

    class Game(Run):
        climb = event(Level, source=Pending, prepare=higher)
        win = event(
            Success, source=Level, conditions=[lambda run, step: run.state.level > 2 or "too low"]
        )

    game = Game(clock=clock)

    why = explain(game, "win")

    assert [step.event for step in why.path] == ["climb", "climb", "climb", "win"]
    follow(game, clock, why)
    assert isinstance(game.state, Success)


def test_a_guard_that_compares_identity_gets_the_run_itself(clock: HandClock) -> None:
    known: list[Run] = []

    class Guest(Run):
        enter_ = event(Running, source=Pending, conditions=[lambda run, _step: run in known])

    guest = Guest(clock=clock)
    known.append(guest)

    assert str(explain(guest, "enter_")) == "can enter_ from Pending: it leads to Running"


def test_the_clock_is_read_once_for_the_whole_answer(clock: HandClock) -> None:
    asked = []

    def running_clock() -> pendulum.DateTime:
        asked.append(clock())
        return clock.advance(seconds=1)

    class Offer(Run):
        take = event(
            Success, source=Pending, conditions=[lambda _run, step: step.at.second == 1 or "over"]
        )

    assert explain(Offer(clock=running_clock), "take").lines == (
        "can take from Pending: it leads to Success",
    )
    assert len(asked) == 1


def test_a_payload_that_needs_arguments_makes_the_path_uncertain(clock: HandClock) -> None:
    @attrs.frozen(eq=False)
    class Signed(State):
        by: str = attrs.field(kw_only=True)

    class Letter(Run):
        open = event(Running, source=Pending)
        sign = event(Signed, source=Running)
        send = event(Success, source=Signed)

    letter = Letter(clock=clock)

    why = explain(letter, "send")

    assert [step.doubt is None for step in why.path] == [True, False, False]
    letter.open()
    assert explain(letter, "sign").lines == (
        "sign leads to Signed: missing a required argument: 'by'",
    )
    assert explain(letter, "sign", by="ada").allowed


def test_a_guard_that_raises_makes_the_path_uncertain(clock: HandClock) -> None:
    def broken(run: Run, step: Step) -> bool:
        raise RuntimeError("lost")

    class Shaky(Run):
        start = event(Running, source=Pending, conditions=[broken])
        finish = event(Success, source=Running)

    why = explain(Shaky(clock=clock), "finish")

    assert why.path[0].doubt == "RuntimeError: lost"


def test_an_error_whose_str_raises_is_named_by_its_class(clock: HandClock) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no word")

    def broken(run: Run, step: Step) -> bool:
        raise Mute

    class Order(Run):
        ship = event(Success, source=Pending, conditions=[broken])
        thank = event(Finished, source=Success)

    assert "Mute" in str(explain(Order(clock=clock), "ship"))
    assert "Mute" in str(explain(Order(clock=clock), "thank"))


def test_a_partial_is_named_by_the_function_it_calls(clock: HandClock) -> None:
    def enough(run: Run, step: Step, least: int) -> str:
        """Whether enough has been done."""
        return f"{len(run.history)} of {least}"

    class Order(Run):
        ship = event(Success, source=Pending, conditions=[functools.partial(enough, least=3)])

    why = explain(Order(clock=clock), "ship")

    assert why.lines[:2] == (
        "cannot ship from Pending: [enough] said no: 0 of 3",
        "[enough] checks: Whether enough has been done.",
    )
    assert "test_why.py:" in why.as_data()["guards"][0]["where"]


def test_a_guard_that_raises_is_the_answer(clock: HandClock) -> None:
    def stocked(run: Run, step: Step) -> bool:
        raise KeyError("shelf")

    class Order(Run):
        ship = event(Success, source=Pending, conditions=[stocked])

    why = explain(Order(clock=clock), "ship")

    assert not why.allowed
    assert why.lines == ("ship is stopped by KeyError: 'shelf'",)
    assert why.as_data()["refused"] == "ship is stopped by KeyError: 'shelf'"


def test_a_guard_that_fires_moves_nothing(clock: HandClock) -> None:
    def eager(run: Any, step: Step) -> bool:
        run.finish()
        return True

    class Hasty(Run):
        start = event(Running, source=Pending, conditions=[eager])
        finish = event(Success, source=(Pending, Running))
        cache = event(states.Cached, source=Running)

    run = Hasty(clock=clock)

    assert not explain(run, "cache").certain
    assert run.history == ()


def test_a_guard_that_always_names_a_later_time_makes_the_path_uncertain(clock: HandClock) -> None:
    def never(run: Run, step: Step) -> Any:
        return step.at.add(days=1)

    class Patient(Run):
        start = event(Running, source=Pending, conditions=[never])
        finish = event(Success, source=Running)

    assert not explain(Patient(clock=clock), "finish").certain


def test_explaining_calls_no_listener_and_writes_nothing(clock: HandClock) -> None:
    journal, recorder = MemoryJournal(), Recorder()
    run = TaskRun("run-1", clock=clock, journal=journal)
    run.before(recorder)
    run.after(recorder)
    run.handler(lambda *_: pytest.fail("asked"))

    explain(run, "cache")

    assert recorder.steps == []
    assert list(journal.runs()) == []


def test_an_unknown_event_suggests_a_similar_name(clock: HandClock) -> None:
    with pytest.raises(UnknownEvent, match="did you mean 'resume'"):
        TaskRun(clock=clock).why_not("resme")
