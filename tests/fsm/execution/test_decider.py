"""The decider: from the present state of a run to its last, without a thread."""

from __future__ import annotations

import logging
from typing import Any

import pendulum
import pytest

from fsm import CallbackError, Policy, Retry, TaskRun
from fsm.execution.commands import Execute, Expired, Raised, Recorded, Returned, Wait
from fsm.execution.decider import drive
from fsm.testing import HandClock
from states import (
    Cached,
    Cancelled,
    ClientFailed,
    Failed,
    Looped,
    Mapped,
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

START = pendulum.datetime(2020, 1, 1)


def drive_to_end(run: TaskRun, clock: HandClock, *replies: Any, lookup: Any = None) -> list[Any]:
    """Drive to the end with a reply to each command to execute; return the commands and the end."""
    left, decider, reply = list(replies), drive(run, lookup), None
    commands: list[Any] = []
    try:
        while True:
            command = decider.send(reply)
            commands.append(command)
            reply = None
            if isinstance(command, Wait):
                clock.turn_to(command.until)
            else:
                reply = left.pop(0)
                if isinstance(reply, Expired) and command.deadline is not None:
                    clock.turn_to(command.deadline)
    except StopIteration as stop:
        commands.append(stop.value)
    assert not left
    return commands


def test_a_task_that_returns_succeeds(run: TaskRun, clock: HandClock) -> None:
    commands = drive_to_end(run, clock, Returned(5))

    assert commands == [Execute(None), run.state]
    assert isinstance(run.state, Success)
    assert run.state.result == 5


def test_a_task_that_raises_is_tried_again(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=1, retry_delay=60)

    commands = drive_to_end(run, clock, Raised(ValueError("x")), Returned(1))

    assert commands == [Execute(None), Wait(START.add(seconds=60), 60.0), Execute(None), run.state]
    assert [step.event for step in run.history] == ["start", "fail", "retry", "start", "succeed"]


def test_a_task_that_returns_retrying_waits_for_its_delay(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=1)
    later = Retrying(start_time=START.add(seconds=60))

    commands = drive_to_end(run, clock, Returned(later), Returned(1))

    assert commands[1] == Wait(START.add(seconds=60), 60.0)


def test_a_retry_recorded_by_another_process_is_waited_for_once(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=1, retry_delay=60)
    decider = drive(run)
    next(decider)
    run.fail()
    run.retry()

    commands = [decider.send(Recorded())]
    clock.turn_to(START.add(seconds=60))
    commands.append(decider.send(None))

    assert commands == [Wait(START.add(seconds=60), 60.0), Execute(None)]


def test_a_task_that_keeps_raising_fails(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=1)

    drive_to_end(run, clock, Raised(ValueError("x")), Raised(ValueError("y")))

    assert type(run.state) is Failed
    assert run.state.message == "Unexpected error: ValueError('y')"
    assert run.attempts == 2


def test_a_task_is_executed_with_its_deadline(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=5)

    commands = drive_to_end(run, clock, Expired())

    assert commands[0] == Execute(START.add(seconds=5))
    assert type(run.state) is TimedOut


def test_a_result_after_the_deadline_is_a_time_out(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=5)
    decider = drive(run)
    next(decider)
    clock.advance(seconds=5)

    with pytest.raises(StopIteration):
        decider.send(Returned(1))

    assert type(run.state) is TimedOut


def test_an_error_after_the_deadline_stays_the_error(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=5)
    decider = drive(run)
    next(decider)
    clock.advance(seconds=5)

    with pytest.raises(StopIteration):
        decider.send(Raised(ValueError("x")))

    assert type(run.state) is Failed


def test_a_tasks_own_timeout_is_a_failure(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=5)

    drive_to_end(run, clock, Raised(TimeoutError("mine")))

    assert type(run.state) is Failed


def test_an_interrupt_cancels(run: TaskRun, clock: HandClock) -> None:
    drive_to_end(run, clock, Raised(KeyboardInterrupt()))

    assert type(run.state) is Cancelled
    assert run.state.message == "Interrupt signal raised, cancelling task run."


@pytest.mark.parametrize(
    "outcome",
    [Skipped("nothing to do"), Failed("m"), Cancelled(), Paused(), Success(result=3)],
    ids=repr,
)
def test_a_state_returned_is_the_outcome(clock: HandClock, outcome: State) -> None:
    run = TaskRun(clock=clock)

    drive_to_end(run, clock, Returned(outcome))

    assert type(run.state) is type(outcome)


def test_a_loop_goes_round(run: TaskRun, clock: HandClock) -> None:
    pages = [Looped(result=page, loop_count=page) for page in (1, 2)]

    drive_to_end(run, clock, *map(Returned, pages), Returned("end"))

    assert run.loop_count == 2
    assert run.state.result == "end"


@pytest.mark.parametrize("state", [Success(), Cancelled(), ClientFailed(), Cached(), Mapped()])
def test_a_run_in_its_last_state_is_left_there(state: State, clock: HandClock) -> None:
    run = TaskRun(state=state, clock=clock)

    assert drive_to_end(run, clock) == [state]
    assert run.history == ()


@pytest.mark.parametrize("state", [Failed("done"), TimedOut("done")], ids=repr)
def test_a_run_that_has_failed_for_good_is_not_executed_again(
    state: State, clock: HandClock
) -> None:
    run = TaskRun(state=state, clock=clock)

    assert drive_to_end(run, clock) == [state]


def test_a_paused_run_is_left_paused(run: TaskRun, clock: HandClock) -> None:
    run.pause()

    assert drive_to_end(run, clock) == [run.state]
    assert type(run.state) is Paused


def test_a_paused_run_whose_time_has_come_goes_on(run: TaskRun, clock: HandClock) -> None:
    run.pause(start_time=START.add(seconds=1))
    clock.advance(seconds=1)

    drive_to_end(run, clock, Returned(1))

    assert type(run.state) is Success


def test_a_resumed_run_goes_on(run: TaskRun, clock: HandClock) -> None:
    run.pause()
    run.resume()

    drive_to_end(run, clock, Returned(1))

    assert type(run.state) is Success


def test_a_run_found_running_starts_the_same_attempt_again(run: TaskRun, clock: HandClock) -> None:
    run.start()

    drive_to_end(run, clock, Returned(1))

    assert [step.event for step in run.history] == ["start", "rescue", "start", "succeed"]
    assert run.attempts == 1


def test_a_run_whose_rescues_are_used_up_has_failed(clock: HandClock) -> None:
    run = TaskRun(clock=clock, policy=Policy(Retry(max_rescues=0)))
    run.start()

    drive_to_end(run, clock)

    assert [step.event for step in run.history] == ["start", "rescue"]
    assert type(run.state) is Failed


def test_a_run_whose_rescues_are_used_up_still_has_its_retries(clock: HandClock) -> None:
    run = TaskRun(clock=clock, policy=Policy(Retry(1, max_rescues=0)))
    run.start()

    drive_to_end(run, clock, Returned(1))

    assert [step.event for step in run.history] == ["start", "rescue", "retry", "start", "succeed"]


def test_a_lost_run_without_a_rescue_event_fails(clock: HandClock) -> None:
    kind: Any = type("Lost", (TaskRun,), {"rescue": None})
    run = kind(clock=clock)
    run.start()

    drive_to_end(run, clock)

    assert type(run.state) is Failed
    assert run.state.message == "Its worker was lost."


def test_a_task_that_wants_to_be_tried_again_is_not_rescued(clock: HandClock) -> None:
    run = TaskRun(clock=clock)

    drive_to_end(run, clock, Returned(Retrying()))

    assert type(run.state) is Failed
    assert run.rescues == 0


@pytest.mark.parametrize("state", [Scheduled(start_time=START.add(hours=1)), Retrying()])
def test_a_run_that_waits_is_waited_for(state: State, clock: HandClock) -> None:
    run = TaskRun(state=state.evolve(start_time=START.add(hours=1)), clock=clock)

    assert drive_to_end(run, clock, Returned(1))[0] == Wait(START.add(hours=1))


def test_a_run_found_looped_goes_round(clock: HandClock) -> None:
    run = TaskRun(state=Looped(loop_count=3), clock=clock)

    drive_to_end(run, clock, Returned(1))

    assert [step.event for step in run.history] == ["iterate", "start", "succeed"]


def test_a_cached_result_that_has_expired_is_made_again(clock: HandClock) -> None:
    run = TaskRun(state=Cached(result=1, cached_result_expiration=START), clock=clock)

    drive_to_end(run, clock, Returned(2))

    assert [step.event for step in run.history] == ["expire", "start", "succeed"]


def test_a_cache_hit_saves_the_work(run: TaskRun, clock: HandClock) -> None:
    found = Cached("kept", result=5, cached_parameters={"a": 1})

    drive_to_end(run, clock, lookup=lambda run: found)

    assert [step.event for step in run.history] == ["cache"]
    assert run.state == found


@pytest.mark.parametrize("found", [None, Cached(result=1, cached_result_expiration=START)])
def test_a_cache_miss_or_an_expired_entry_does_not(
    run: TaskRun, clock: HandClock, found: Cached | None
) -> None:
    drive_to_end(run, clock, Returned(7), lookup=lambda run: found)

    assert run.state.result == 7


def test_a_cache_hit_does_not_end_a_pause(run: TaskRun, clock: HandClock) -> None:
    run.pause("wait for approval")

    drive_to_end(run, clock, lookup=lambda run: Cached(result=5))

    assert type(run.state) is Paused


def test_a_success_is_cached_where_the_policy_says_so(clock: HandClock) -> None:
    run = TaskRun(clock=clock, cache_for=60)

    drive_to_end(run, clock, Returned(3))

    assert isinstance(run.state, Cached)
    assert run.state.cached_result_expiration == START.add(seconds=60)
    assert run.state.result == 3


def test_a_skip_is_not_cached(clock: HandClock) -> None:
    run = TaskRun(clock=clock, cache_for=60)

    drive_to_end(run, clock, Returned(Skipped()))

    assert type(run.state) is Skipped


def test_a_listener_that_fails_is_logged(
    run: TaskRun, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    @run.after
    def fails(run: object, step: object) -> None:
        raise ValueError("listener")

    with caplog.at_level(logging.ERROR):
        drive_to_end(run, clock, Returned(1))

    assert type(run.state) is Success
    assert all(
        record.exc_info is not None and record.exc_info[0] is CallbackError
        for record in caplog.records
    )
    assert len(caplog.records) == 2


@pytest.mark.parametrize("outcome", [Pending(), Running(), Mapped()], ids=repr)
def test_an_outcome_that_is_not_legal_fails_the_run(
    run: TaskRun, clock: HandClock, outcome: State
) -> None:
    drive_to_end(run, clock, *[Returned(outcome)] * 3)

    assert type(run.state) is Failed


def test_an_error_whose_repr_fails_fails_the_run(run: TaskRun, clock: HandClock) -> None:
    class Mute(Exception):
        def __repr__(self) -> str:
            raise ValueError("mute")

    drive_to_end(run, clock, Raised(Mute()), Raised(Mute()), Raised(Mute()))

    assert type(run.state) is Failed


@pytest.mark.parametrize("gone", [("retry",), ("cache", "expire"), ("time_out",)], ids=repr)
def test_a_subclass_may_lack_events_that_the_decider_uses(
    clock: HandClock, gone: tuple[str, ...]
) -> None:
    kind: Any = type("Less", (TaskRun,), dict.fromkeys(gone))
    run = kind(clock=clock, cache_for=60, timeout=60)

    drive_to_end(run, clock, Returned(1))

    assert run.state.is_successful()


@pytest.mark.parametrize("gone", [("pause", "resume"), ("loop", "iterate"), ("skip",), ("map",)])
def test_a_subclass_may_leave_out_what_it_does_not_need(
    clock: HandClock, gone: tuple[str, ...]
) -> None:
    kind: Any = type("Less", (TaskRun,), dict.fromkeys(gone))
    run = kind(clock=clock)

    drive_to_end(run, clock, Returned(1))

    assert run.state.is_successful()
