"""TaskRun: its table row by row, its counts, and the payloads that pass on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pendulum
import pytest

import states
from fsm import GuardRejected, Policy, Retry, TaskRun, Timeout, TransitionNotAllowed, open_journal
from fsm.errors import InvalidArgument
from fsm.states import ambient
from fsm.testing import HandClock
from states import (
    Cached,
    ClientFailed,
    Failed,
    Looped,
    Mapped,
    NoResult,
    Pending,
    Queued,
    Retrying,
    Running,
    State,
    Submitted,
    Success,
    TimedOut,
)

START = pendulum.datetime(2020, 1, 1)

WAITING = {"Pending", "Scheduled", "Paused", "Resume", "Retrying"}
READY = WAITING | {"Submitted", "Queued"}
FAILED = {"Failed", "TimedOut", "TriggerFailed", "ValidationFailed"}
UNFINISHED = READY | {"ClientFailed", "Running"}

TABLE = {
    "schedule": ("Scheduled", READY - {"Paused"}),
    "submit": ("Submitted", WAITING | {"Queued"}),
    "queue": ("Queued", WAITING | {"Submitted"}),
    "start": ("Running", READY),
    "succeed": ("Success", {"Running"}),
    "finish": ("Finished", {"Running"}),
    "fail": ("Failed", READY | {"Running"}),
    "time_out": ("TimedOut", {"Running"}),
    "fail_trigger": ("TriggerFailed", READY | {"Running"}),
    "fail_validation": ("ValidationFailed", {"Running"}),
    "fail_client": ("ClientFailed", UNFINISHED),
    "retry": ("Retrying", FAILED | {"Running"}),
    "rerun": ("Retrying", FAILED),
    "rescue": ("Retrying or Failed", {"Running"}),
    "pause": ("Paused", READY | {"Running"}),
    "resume": ("Resume", {"Paused"}),
    "map": ("Mapped", WAITING | {"Mapped"}),
    "fail_map": ("Failed", {"Mapped"}),
    "cache": ("Cached", WAITING | {"Success", "Cached", "Mapped"}),
    "expire": ("Pending", {"Cached"}),
    "loop": ("Looped", {"Running"}),
    "iterate": ("Pending", {"Looped"}),
    "skip": ("Skipped", READY | {"Running"}),
    "cancel": ("Cancelled", UNFINISHED | {"Mapped"}),
}

EXITS_OF_THE_FINISHED = {
    ("Success", "cache", "Cached"),
    ("Mapped", "cache", "Cached"),
    ("Mapped", "map", "Mapped"),
    ("Mapped", "fail_map", "Failed"),
    ("Mapped", "cancel", "Cancelled"),
    ("Cached", "cache", "Cached"),
    ("Cached", "expire", "Pending"),
    ("Looped", "iterate", "Pending"),
    *((failed, "retry", "Retrying") for failed in FAILED),
    *((failed, "rerun", "Retrying") for failed in FAILED),
}
GUARDED = {  # what a guard refuses of a run that has only just got there
    ("Paused", "start"),
    ("Paused", "submit"),
    ("Mapped", "fail_map"),
    ("Mapped", "cancel"),
}


def edges() -> set[tuple[str, str, str]]:
    return {
        (edge.source.__name__, edge.event, edge.dest.__name__) for edge in TaskRun.lifecycle.edges
    }


def test_the_table_has_these_events() -> None:
    assert list(TaskRun.lifecycle.events) == list(TABLE)


@pytest.mark.parametrize("event", TABLE)
def test_a_row_leads_from_and_to_where_it_is_written(event: str) -> None:
    dest, sources = TABLE[event]

    assert {edge for edge in edges() if edge[1] == event} == {
        (source, event, each) for source in sources for each in dest.split(" or ")
    }


def test_only_these_events_lead_from_finished_states() -> None:
    finished = {
        (edge.source.__name__, edge.event, edge.dest.__name__)
        for edge in TaskRun.lifecycle.edges
        if issubclass(edge.source, states.Finished)
    }

    assert finished == EXITS_OF_THE_FINISHED


def test_every_class_of_the_reference_is_a_state(reach: Callable[..., TaskRun]) -> None:
    public = {
        name
        for name in states.__all__
        if isinstance(cls := getattr(states, name), type) and issubclass(cls, State)
    }
    nodes = {node.__name__ for node in TaskRun.lifecycle.nodes}

    assert nodes == public - {"State"}
    for name in nodes:
        assert type(reach(name).state).__name__ == name


@pytest.mark.parametrize("node", TaskRun.lifecycle.nodes, ids=lambda node: node.__name__)
@pytest.mark.parametrize("event", TABLE)
def test_every_event_from_every_state_does_what_the_table_says(
    node: type[State], event: str, reach: Callable[..., TaskRun]
) -> None:
    run = reach(node.__name__)
    dest, sources = TABLE[event]
    before = run.state, run.history

    if node.__name__ not in sources:
        with pytest.raises(TransitionNotAllowed):
            run.trigger(event)
        assert (run.state, run.history) == before
    elif (node.__name__, event) in GUARDED:
        with pytest.raises(GuardRejected):
            run.trigger(event)
        assert (run.state, run.history) == before
    else:
        assert type(run.trigger(event)).__name__ == dest.split(" or ")[0]
        assert len(run.history) == len(before[1]) + 1


MESSAGES = {
    "submit": "Submitted for execution.",
    "start": "Starting task run.",
    "succeed": "Task run succeeded.",
    "time_out": "Task timed out during execution.",
    "fail_trigger": "Trigger failed",
    "retry": "Retrying Task (after attempt 1 of 3)",
    "map": "Preparing to submit 0 mapped tasks.",
    "loop": "Task is looping (1)",
    "iterate": "Looping task (on loop index 1)",
    "expire": "Cache was invalid; ready to run.",
}


@pytest.mark.parametrize(
    ("event", "source"),
    [
        ("submit", "Pending"),
        ("start", "Pending"),
        ("succeed", "Running"),
        ("time_out", "Running"),
        ("fail_trigger", "Pending"),
        ("retry", "Failed"),
        ("map", "Pending"),
        ("loop", "Running"),
        ("iterate", "Looped"),
        ("expire", "Cached"),
    ],
)
def test_messages_are_those_of_the_reference(
    event: str, source: str, reach: Callable[..., TaskRun]
) -> None:
    run = reach(source)

    assert run.trigger(event).message == MESSAGES[event]


@pytest.mark.parametrize("event", ["submit", "start", "skip"])
def test_a_given_message_is_kept(event: str) -> None:
    assert TaskRun().trigger(event, message="mine").message == "mine"


def test_the_message_of_a_failure_names_the_error(run: TaskRun) -> None:
    run.start()

    failed = run.fail(result=ZeroDivisionError("by zero"))

    assert failed.message == "Unexpected error: ZeroDivisionError('by zero')"
    assert isinstance(failed.result, ZeroDivisionError)


def test_a_failure_without_an_error_has_no_message(run: TaskRun) -> None:
    assert run.fail(result="not an error").message is None


def test_a_map_counts_its_children(run: TaskRun) -> None:
    first = run.map(map_states=[Pending(), Pending()])
    second = run.map()

    assert first.message == "Preparing to submit 2 mapped tasks."
    assert second.message == "Mapped tasks submitted for execution."
    assert second.n_map_states == 2


def test_context_and_inputs_pass_on(run: TaskRun) -> None:
    run.schedule(context={"tags": ["a"]}, cached_inputs={"x": 1})

    for event in ("start", "fail", "retry", "start", "succeed", "cache"):
        state = run.trigger(event)
        assert dict(state.context) == {"tags": ["a"]}
        assert (
            state.cached_inputs["x"].value == 1
            if hasattr(state.cached_inputs["x"], "value")
            else state.cached_inputs["x"] == 1
        )


def test_context_given_anew_replaces_what_passed_on(run: TaskRun) -> None:
    run.schedule(context={"tags": ["a"]})

    assert dict(run.start(context={"b": 1}).context) == {"b": 1}


def test_a_result_passes_on_into_the_cache_only(run: TaskRun) -> None:
    run.start()
    run.succeed(result=42, message="well")

    cached = run.cache()

    assert (cached.result, cached.message) == (42, "well")
    assert run.expire()._result is NoResult


def test_a_result_is_cached_for_as_long_as_the_policy_says(clock: HandClock) -> None:
    run = TaskRun(clock=clock, cache_for=60)
    run.start()
    run.succeed(result=1)

    cached = run.cache()
    clock.advance(seconds=30)
    again = run.cache()
    clock.advance(seconds=30)

    assert cached.cached_result_expiration == START.add(seconds=60)
    assert again.cached_result_expiration == START.add(seconds=60)
    with pytest.raises(GuardRejected, match="expired"):
        run.cache()


def test_a_paused_run_cannot_start_by_being_queued(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.pause()
    run.queue()

    assert [event for event in ("schedule", "submit", "start") if run.why_not(event) is None] == []


def test_the_start_time_of_a_queued_run_is_kept_when_it_is_submitted(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.queue(start_time=START.add(hours=1))
    run.submit()

    assert run.start.may() is False
    clock.advance(hours=1)
    assert run.start.may() is True


def test_a_count_in_the_context_that_is_not_an_integer_is_ignored(clock: HandClock) -> None:
    run = TaskRun(state=states.Scheduled(context={"task_run_count": "x"}), clock=clock)

    assert run.attempts == 0


def test_a_result_of_none_is_cached_as_given(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.start()
    run.succeed(result=3)

    assert run.cache(result=None).result is None


def test_a_very_long_error_message_is_cut(tmp_path: Any) -> None:
    with open_journal(tmp_path / "runs.db") as journal:
        run = TaskRun("r", journal=journal)
        run.start()
        run.fail(result=ValueError("x" * 17_000_000))

        assert TaskRun.restore("r", journal).state.is_failed()


def test_a_cache_hit_has_its_own_result(run: TaskRun) -> None:
    hit = run.cache(result=5, cached_parameters={"p": 1})

    assert (hit.result, hit.cached_parameters) == (5, {"p": 1})


def test_caching_again_keeps_the_parameters(run: TaskRun) -> None:
    run.cache(result=5, cached_parameters={"p": 1}, cached_result_expiration=START.add(years=1))

    again = run.cache()

    assert again.cached_parameters == {"p": 1}
    assert again.cached_result_expiration == START.add(years=1)


def test_a_mapped_run_caches_its_childrens_results(run: TaskRun) -> None:
    run.map(map_states=[Success(result=1), Success(result=2)])

    assert run.cache().result == [1, 2]


def test_meta_states_wrap_their_source(run: TaskRun) -> None:
    scheduled = run.schedule(start_time=START)

    submitted = run.submit()
    queued = run.queue()
    failed = run.fail_client()

    assert isinstance(submitted, Submitted)
    assert submitted.state is scheduled
    assert isinstance(queued, Queued)
    assert queued.state is scheduled  # one level deep
    assert isinstance(failed, ClientFailed)
    assert failed.state is scheduled


def test_the_inputs_of_a_wrapped_state_pass_on(run: TaskRun) -> None:
    run.schedule(start_time=START, context={"a": 1})
    run.submit()

    assert dict(run.start().context) == {"a": 1}


def test_a_payload_field_of_the_wrapped_state_passes_on() -> None:
    inner = Pending(context={"a": 1}, cached_inputs={"x": 1})
    bare = Submitted(state=inner, context={}, cached_inputs={})

    started = TaskRun(state=bare).start()

    assert (dict(started.context), dict(started.cached_inputs)) == ({"a": 1}, {"x": 1})


def test_the_payload_of_a_meta_state_comes_before_that_of_its_wrapped_state() -> None:
    inner = Pending(context={"a": 1}, cached_inputs={"x": 1})
    laden = Submitted(state=inner, context={"b": 2}, cached_inputs={"y": 2})

    started = TaskRun(state=laden).start()

    assert (dict(started.context), dict(started.cached_inputs)) == ({"b": 2}, {"y": 2})


def test_a_meta_state_may_wrap_a_given_state(run: TaskRun) -> None:
    run.start()

    assert isinstance(run.fail_client(state=Success(result=1)).state, Success)


def test_the_counts_agree_with_one_another_and_with_the_payloads(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=2, retry_delay=10)
    assert (run.attempts, run.run_count, run.loop_count) == (0, 0, 0)

    run.start()
    assert run.attempts == run.run_count == 1
    run.fail()
    retrying = run.retry()

    assert retrying.run_count == run.attempts == 1
    assert retrying.start_time == START.add(seconds=10)
    assert retrying.message == "Retrying Task (after attempt 1 of 3)"
    clock.advance(seconds=10)
    run.start()
    assert run.attempts == 2
    run.pause(start_time=clock())
    run.resume()
    run.start()
    assert run.attempts == 2, "a pause is no new attempt"
    run.loop(result="page 1")
    run.iterate()
    run.start()
    assert run.attempts == 2, "nor is an iteration"
    run.time_out()
    assert run.retry().run_count == 2


def test_loops_are_counted(run: TaskRun) -> None:
    for count in (1, 2, 3):
        run.start()
        looped = run.loop(result=f"page {count}")
        assert (looped.loop_count, run.loop_count) == (count, count)
        assert looped.message == f"Task is looping ({count})"
        assert run.loop_result == f"page {count}"
        assert run.iterate().message == f"Looping task (on loop index {count})"

    run.start()
    run.succeed()
    assert run.loop_count == 3


def test_given_counts_are_kept(run: TaskRun) -> None:
    run.start()
    assert run.loop(loop_count=7).loop_count == 7
    run.iterate()
    run.start()
    assert run.loop().loop_count == 8


def test_a_run_that_begins_retrying_continues_its_count() -> None:
    run = TaskRun(state=Retrying(run_count=2, start_time=START), max_retries=5)

    assert run.attempts == 2
    run.start()
    assert run.attempts == 3


def test_a_run_that_begins_looped_continues_its_count() -> None:
    run = TaskRun(state=Looped(loop_count=4, result="x"))

    assert (run.loop_count, run.loop_result) == (4, "x")


def test_a_run_that_begins_running_is_in_its_first_attempt() -> None:
    assert TaskRun(state=Running()).attempts == 1


def test_no_loop_has_no_result() -> None:
    assert TaskRun().loop_result is None


def test_the_count_in_the_first_context_is_used() -> None:
    run = TaskRun(state=states.Scheduled(context={"task_run_count": 2}), max_retries=1)

    assert run.attempts == 2
    run.fail()
    assert run.why_not("retry") is not None


def lost(run: TaskRun, times: int) -> None:
    """Let it lose its worker so many times, and get another each time."""
    for _ in range(times):
        run.rescue()
        run.start()


def test_a_rescue_is_not_an_attempt(run: TaskRun) -> None:
    run.start()
    run.fail()
    run.retry()
    run.start(context={"a": 1})

    rescued = run.rescue()

    assert isinstance(rescued, Retrying)
    assert rescued.message == "Its worker was lost (rescue 1 of 3)"
    assert dict(rescued.context) == {"a": 1}
    run.start()
    assert (run.attempts, run.rescues) == (2, 1)


def test_a_rescued_run_may_start_at_once(clock: HandClock) -> None:
    run = TaskRun(clock=clock, max_retries=1, retry_delay=60)
    run.start()

    assert run.rescue().start_time == clock()
    assert type(run.start()) is Running


def test_rescues_have_a_budget_of_their_own(clock: HandClock) -> None:
    run = TaskRun(clock=clock, policy=Policy(Retry(1, max_rescues=2)))
    run.start()
    lost(run, 2)
    assert (run.attempts, run.rescues) == (1, 2)

    failed = run.rescue()

    assert type(failed) is Failed
    assert failed.message == "Its worker was lost once more, after 2 rescues"
    run.retry()
    run.start()
    assert (run.attempts, run.rescues) == (2, 2), "lost workers have eaten no retry"
    assert type(run.rescue()) is Failed, "a retry brings no new rescues"
    with pytest.raises(GuardRejected, match="2 of 2 attempts are used"):
        run.retry()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_run_is_rescued_as_often_as_its_policy_says(count: int, clock: HandClock) -> None:
    run = TaskRun(clock=clock, policy=Policy(Retry(max_rescues=count)))
    run.start()
    lost(run, count)

    assert type(run.rescue()) is Failed
    assert run.rescues == count


def test_a_run_is_rescued_three_times_by_default() -> None:
    assert Policy().retry.max_rescues == 3


def test_a_restored_run_remembers_its_rescues(journal: Any, clock: HandClock) -> None:
    run = TaskRun("r", journal=journal, clock=clock, policy=Policy(Retry(max_rescues=1)))
    run.start()
    lost(run, 1)

    again = TaskRun.restore("r", journal, clock=clock)

    assert (again.rescues, again.attempts, again.policy.retry.max_rescues) == (1, 1, 1)
    assert type(again.rescue()) is Failed


def test_a_rescued_attempt_has_a_new_time_limit(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=60)
    run.start()
    clock.advance(seconds=50)
    lost(run, 1)

    assert run.deadline == clock().add(seconds=60)


def test_a_policy_has_the_settings_that_a_run_leaves_out(clock: HandClock) -> None:
    class Eager(TaskRun):
        default_policy = Policy(Retry(4), Timeout(60))

    run = Eager(clock=clock, timeout=5)

    assert (run.max_retries, run.policy.timeout) == (4, Timeout(5))


def test_a_deadline_is_that_of_the_current_attempt(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=5, max_retries=1)
    assert run.deadline is None
    run.start()
    assert run.deadline == START.add(seconds=5)
    clock.advance(seconds=5)
    assert type(run.time_out()) is TimedOut
    assert run.deadline is None
    run.retry()
    run.start()

    assert run.deadline == START.add(seconds=10)


def test_a_run_that_begins_cached_may_expire() -> None:
    run = TaskRun(state=Cached(result=1))

    assert type(run.expire()) is Pending


def test_a_run_that_begins_mapped_may_be_mapped_again() -> None:
    run = TaskRun(state=Mapped(map_states=[Success(result=1)]))

    assert run.map().result == [1]


def test_a_run_begins_with_the_ambient_context(clock: HandClock) -> None:
    with ambient.using(task_tags=["blue"]):
        run = TaskRun(clock=clock)

    assert run.state.context["tags"] == ["blue"]


def test_a_retry_after_the_year_9999_is_refused() -> None:
    end = pendulum.datetime(9999, 12, 31, 23)
    run = TaskRun(clock=lambda: end, max_retries=1, retry_delay=1e6)
    run.start()
    run.fail()

    with pytest.raises(InvalidArgument, match="beyond the year 9999"):
        run.retry()


def test_an_operator_may_rerun_a_failed_run(run: TaskRun, clock: HandClock) -> None:
    for _ in range(3):
        run.start()
        run.fail()
        if run.retry.may():
            run.retry()
    clock.advance(hours=1)

    again = run.rerun()

    assert (again.start_time, again.run_count) == (clock(), 3)
    assert again.message == "Rerun on demand (after attempt 3)"
    run.start()
    assert run.attempts == 4
    run.fail()
    with pytest.raises(GuardRejected, match="4 of 3 attempts are used"):
        run.retry()


def test_enter_does_not_choose_a_rerun() -> None:
    run = TaskRun()
    run.fail()

    with pytest.raises(GuardRejected, match="attempts"):
        run.enter(Retrying())


def test_a_delay_grows_with_the_attempts(clock: HandClock) -> None:
    run = TaskRun("r", clock=clock, policy=Policy(Retry(3, 10, backoff=2, cap=30, jitter=0.1)))
    waits = []
    for _ in range(3):
        run.start()
        run.fail()
        waits.append((run.retry().start_time - clock()).total_seconds())
        clock.advance(minutes=1)

    assert waits == pytest.approx(
        [run.policy.retry.delay_before(nth, "r") for nth in (1, 2, 3)], abs=1e-6
    )
    assert waits[0] != 10


def test_a_delay_never_exceeds_a_century(clock: HandClock) -> None:
    run = TaskRun(clock=clock, policy=Policy(Retry(5000, 1, backoff=1000)))
    run.start()
    run.fail()

    assert run.retry(run_count=1000).start_time == clock().add(days=366 * 100)


def test_a_total_limit_spans_all_attempts(clock: HandClock) -> None:
    run = TaskRun(clock=clock, policy=Policy(Retry(5), Timeout(attempt=40, total=60)))
    run.start()
    assert run.deadline == START.add(seconds=40)
    clock.advance(seconds=40)
    run.time_out()
    run.retry()
    run.start()

    assert run.deadline == START.add(seconds=60)
    clock.advance(seconds=20)
    assert type(run.time_out()) is TimedOut
    with pytest.raises(GuardRejected, match="its total time ends at 2020-01-01 00:01:00"):
        run.retry()


def test_a_total_limit_alone_is_a_deadline(clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=Timeout(total=60))
    run.start()
    clock.advance(seconds=10)
    run.rescue()
    run.start()

    assert run.deadline == START.add(seconds=60)


@pytest.mark.parametrize("event", ["rerun", "expire"])
def test_a_total_limit_begins_anew(event: str, clock: HandClock) -> None:
    run = TaskRun(clock=clock, timeout=Timeout(total=60))
    for each in ("start", "fail") if event == "rerun" else ("start", "succeed", "cache"):
        run.trigger(each)
    clock.advance(hours=1)

    run.trigger(event)
    run.start()

    assert run.deadline == clock().add(seconds=60)


def test_no_retry_starts_after_the_time_for_retries(clock: HandClock) -> None:
    run = TaskRun(clock=clock, policy=Policy(Retry(5, delay=30, within=60)))
    run.start()
    clock.advance(seconds=30)
    run.fail()
    assert run.retry().start_time == START.add(seconds=60)
    clock.advance(seconds=30)
    run.start()
    run.fail()

    with pytest.raises(GuardRejected, match="time for retries ends at 2020-01-01 00:01:00"):
        run.retry()
    assert run.retry.may(start_time=START.add(seconds=60))
    assert type(run.rerun()) is Retrying


@pytest.mark.parametrize("error", [ConnectionResetError("x"), OSError("x")], ids=repr)
def test_a_listed_exception_is_retried_after_a_restart_too(
    error: Exception, journal: Any, clock: HandClock
) -> None:
    run = TaskRun("r", journal=journal, clock=clock, policy=Policy(Retry(1, on=["OSError"])))
    run.start()
    run.fail(result=error)

    assert run.retry.may()
    assert TaskRun.restore("r", journal, clock=clock).retry.may()


def test_an_exception_that_is_not_listed_is_not_retried(journal: Any, clock: HandClock) -> None:
    policy = Policy(Retry(1, on=[OSError, "requests.exceptions.Timeout"]))
    run = TaskRun("r", journal=journal, clock=clock, policy=policy)
    run.start()
    run.fail(result=ValueError("x"))

    for each in (run, TaskRun.restore("r", journal, clock=clock)):
        with pytest.raises(GuardRejected, match="ValueError is not among what it is retried on"):
            each.retry()


def test_a_failure_without_an_exception_is_not_among_those_listed() -> None:
    run = TaskRun(policy=Policy(Retry(1, on=[Exception])))
    run.fail_trigger()

    with pytest.raises(GuardRejected, match="a failure without an exception is not among"):
        run.retry()


def test_a_time_out_counts_as_a_timeout_error() -> None:
    runs = [TaskRun(policy=Policy(Retry(1, on=on))) for on in (TimeoutError, ConnectionError)]
    for run in runs:
        run.start()
        run.time_out()

    assert [run.retry.may() for run in runs] == [True, False]


def test_a_running_task_can_ask_for_a_retry(run: TaskRun) -> None:
    asking = TaskRun(policy=Policy(Retry(1, on=[OSError])))
    asking.start()

    assert type(asking.retry(message="not yet there")) is Retrying


BAD, GOOD = Failed("bad"), Success("good")


@pytest.mark.parametrize(
    ("children", "fails", "cancels"),
    [
        ([], False, False),
        ([GOOD, GOOD], False, False),
        ([GOOD, BAD], True, False),
        ([GOOD, None], False, True),
        ([BAD, None], True, True),
        ([GOOD, Running()], False, True),
        ([GOOD, Retrying()], False, True),
        ([states.Cancelled()], True, False),
        ([states.Skipped(), Cached()], False, False),
        ([Looped()], False, True),
        ([Submitted(state=BAD)], False, True),
        ([Mapped(map_states=[BAD])], False, False),
    ],
    ids=str,
)
def test_the_end_of_a_mapped_run_depends_on_its_children(
    children: Any, fails: bool, cancels: bool, run: TaskRun
) -> None:
    run.map(map_states=children)

    assert (run.fail_map.may(), run.cancel.may()) == (fails, cancels)


def test_the_message_of_a_failed_map_counts_its_failed_children(run: TaskRun) -> None:
    run.map(map_states=[GOOD, BAD, None, states.Cancelled(), Running()])

    assert run.fail_map().message == "2 of 5 mapped tasks have ended without success."
    assert type(run.retry()) is Retrying
    assert type(run.map()) is Mapped


def test_the_guards_of_a_mapped_run_say_why_they_refuse(run: TaskRun) -> None:
    run.map(map_states=[GOOD])

    with pytest.raises(GuardRejected, match="none of 1 children has ended without success"):
        run.fail_map()
    with pytest.raises(GuardRejected, match="all 1 children have ended"):
        run.cancel()


def test_a_run_knows_that_it_was_resumed(run: TaskRun, clock: HandClock) -> None:
    seen = [run.resumed]
    for event in ("pause", "resume", "queue", "start", "fail", "retry"):
        if event == "start":
            clock.advance(seconds=1)
        run.trigger(event)
        seen.append(run.resumed)
    run.start()

    assert seen == [False, False, True, True, True, True, True]
    assert run.resumed, "who let it go on is not asked again for each attempt"
    run.pause()
    assert not run.resumed


def test_a_resumed_run_whose_worker_was_stopped_is_still_resumed(
    run: TaskRun, clock: HandClock
) -> None:
    run.pause()
    run.resume()
    run.start()
    run.pause(start_time=clock())

    assert run.resumed


def test_a_run_whose_pause_ran_out_was_not_resumed(run: TaskRun, clock: HandClock) -> None:
    run.pause(start_time=clock())
    run.start()

    assert not run.resumed


def test_a_resumed_run_is_resumed_before_it_starts(run: TaskRun) -> None:
    run.start()
    run.pause()
    assert not run.resumed
    run.resume()

    assert run.resumed


def test_a_run_that_begins_in_a_resume_was_resumed() -> None:
    run = TaskRun(state=states.Resume())
    assert run.resumed
    run.start()

    assert run.resumed


@pytest.mark.parametrize("resumed", [True, False])
def test_the_payload_context_says_whether_the_run_was_resumed(resumed: bool) -> None:
    run, seen = TaskRun(state=states.Resume() if resumed else None), []

    @run.handler
    def look(run: Any, old: State, new: State) -> None:
        seen.append(ambient.context()["resume"])

    run.start()

    assert seen == [resumed]
