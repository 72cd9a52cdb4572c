"""Telemetry: what is reported to a log and to OpenTelemetry."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from fsm import MemoryJournal, Run, TaskRun, event, internal, perform
from fsm.errors import MissingExtra
from fsm.telemetry import Spans, log_step, observers
from fsm.testing import HandClock
from states import Failed, Pending, Running, State

Log = pytest.LogCaptureFixture


@pytest.fixture
def log(caplog: Log) -> Log:
    caplog.set_level(logging.INFO, "fsm.steps")
    return caplog


class Telemetry:
    """A `Spans` listener, and what it has exported."""

    def __init__(self) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.spans = Spans(self.tracers, self.meters)

    @property
    def exported(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def points(self, metric: str) -> dict[tuple[Any, ...], Any]:
        """The data points of *metric*, by the values of their attributes."""
        data = self._reader.get_metrics_data()
        found = {
            each.name: each
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for each in scope.metrics
        }
        points = found[metric].data.data_points if metric in found else ()
        return {tuple(dict(point.attributes or {}).values()): point for point in points}

    def values(self, metric: str) -> dict[tuple[Any, ...], Any]:
        return {place: point.value for place, point in self.points(metric).items() if point.value}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    made = Telemetry()
    yield made
    made.tracers.shutdown()
    made.meters.shutdown()


def nanos(run: Run, seq: int) -> int:
    return run.history[seq - 1].micros * 1000


# The log.


def test_a_step_is_one_line(log: Log, clock: HandClock) -> None:
    run = TaskRun("load", clock=clock)
    run.after(log_step)

    run.start()

    assert log.messages == ["run load: #1 start: Pending -> Running: 'Starting task run.'"]


def test_a_state_without_a_message_adds_nothing_to_the_line(log: Log, clock: HandClock) -> None:
    run = TaskRun("load", clock=clock)
    run.after(log_step)

    run.skip()

    assert log.messages == ["run load: #1 skip: Pending -> Skipped"]


def test_a_log_record_has_the_details_as_attributes(log: Log, clock: HandClock) -> None:
    run = TaskRun("load", clock=clock, max_retries=2)
    run.after(log_step)

    run.start()
    clock.advance(seconds=1.5)
    run.fail()
    run.retry()
    run.start()

    names = ("run_id", "run_class", "seq", "event", "source", "dest", "attempt", "elapsed")
    assert [tuple(vars(record)[name] for name in names) for record in log.records] == [
        ("load", "TaskRun", 1, "start", "Pending", "Running", 1, None),
        ("load", "TaskRun", 2, "fail", "Running", "Failed", 1, 1.5),
        ("load", "TaskRun", 3, "retry", "Failed", "Retrying", 1, 0.0),
        ("load", "TaskRun", 4, "start", "Retrying", "Running", 2, 0.0),
    ]


@pytest.mark.parametrize(
    ("events", "level"),
    [
        (["start"], logging.INFO),
        (["start", "succeed"], logging.INFO),
        (["start", "cancel"], logging.INFO),
        (["start", "fail", "retry"], logging.INFO),
        (["start", "fail"], logging.WARNING),
        (["start", "time_out"], logging.WARNING),
        (["start", "fail_validation"], logging.WARNING),
        (["fail_trigger"], logging.WARNING),
        (["start", "rescue"], logging.WARNING),
    ],
)
def test_failures_and_lost_workers_are_warnings(
    log: Log, clock: HandClock, events: list[str], level: int
) -> None:
    run = TaskRun(clock=clock, max_retries=2)
    run.after(log_step)

    for name in events:
        run.trigger(name)

    assert log.records[-1].levelno == level


class Torn:
    def __repr__(self) -> str:
        return "one\ntwo"


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError


class Loud(str):
    def __repr__(self) -> str:
        return "one\ntwo"


@pytest.mark.parametrize(
    "message",
    ["one\ntwo", "one\r\ntwo", "\x85 \u2028 \x1b[31m", Torn(), Mute(), Loud("x"), ["\n"], 7],
    ids=["newline", "return", "others", "repr", "mute", "str", "list", "int"],
)
def test_no_message_breaks_the_line(log: Log, clock: HandClock, message: Any) -> None:
    run = TaskRun(clock=clock)
    run.after(log_step)

    run.cancel(message=message)

    assert log.messages[0].isprintable()


@pytest.mark.parametrize(
    "message", ["\n" * 1_000_000, ["x" * 1_000_000] * 1000, ValueError("x" * 10**6)]
)
def test_no_message_makes_the_line_long(log: Log, clock: HandClock, message: Any) -> None:
    run = TaskRun(clock=clock)
    run.after(log_step)

    run.cancel(message=message)

    assert len(log.messages[0]) < 1_200


def test_below_the_level_of_the_logger_nothing_is_formatted(
    log: Log, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.set_level(logging.ERROR, "fsm.steps")
    run = TaskRun(clock=clock)
    run.after(log_step)
    monkeypatch.setattr("fsm.telemetry._message_text", None)  # would be called for any line

    run.start()
    run.fail()

    assert log.records == []


def test_failures_are_logged_at_the_level_warning(log: Log, clock: HandClock) -> None:
    log.set_level(logging.WARNING, "fsm.steps")
    run = TaskRun(clock=clock)
    run.after(log_step)

    run.start()
    run.fail()

    assert [vars(record)["event"] for record in log.records] == ["fail"]


def test_a_run_that_is_no_task_run_has_no_attempt(log: Log) -> None:
    class Door(Run):
        open = event(Running, source=Pending)

    run = Door("door")
    run.after(log_step)

    run.open()

    assert vars(log.records[0])["attempt"] is None
    assert vars(log.records[0])["run_class"] == "Door"


def test_the_first_step_of_a_restored_run_has_its_elapsed_time(log: Log, clock: HandClock) -> None:
    journal = MemoryJournal()
    TaskRun("load", journal=journal, clock=clock).start()
    clock.advance(seconds=30)
    run = TaskRun.restore("load", journal, clock=clock)
    run.after(log_step)

    run.succeed()

    assert vars(log.records[0])["elapsed"] == 30.0


def test_a_rescue_does_not_change_the_number_of_the_attempt(log: Log, clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    run.after(log_step)

    run.start()
    run.rescue()
    run.start()

    assert [vars(record)["attempt"] for record in log.records] == [1, 1, 1]


# Spans.


def test_an_attempt_is_a_span_with_the_times_of_its_steps(
    telemetry: Telemetry, clock: HandClock
) -> None:
    run = TaskRun("load", clock=clock)
    run.after(telemetry.spans)

    clock.advance(seconds=5)
    run.start()
    clock.advance(seconds=2.5)
    run.succeed(result=1)

    (span,) = telemetry.exported
    assert span.name == "TaskRun"
    assert dict(span.attributes or {}) == {
        "run.id": "load",
        "run.class": "TaskRun",
        "run.attempt": 1,
        "run.outcome": "Success",
    }
    assert (span.start_time, span.end_time) == (nanos(run, 1), nanos(run, 2))
    assert span.status.status_code is StatusCode.UNSET
    assert span.events == ()


def test_each_attempt_has_a_span_of_its_own(telemetry: Telemetry, clock: HandClock) -> None:
    run = TaskRun("load", clock=clock, max_retries=2)
    run.after(telemetry.spans)
    outcomes = iter([ValueError("one"), ValueError("two"), None])

    def task() -> None:
        error = next(outcomes)
        if error is not None:
            raise error

    perform(run, task)

    attributes = [dict(span.attributes or {}) for span in telemetry.exported]
    assert [(each["run.attempt"], each["run.outcome"]) for each in attributes] == [
        (1, "Failed"),
        (2, "Failed"),
        (3, "Success"),
    ]


def test_a_failure_sets_the_error_status_and_adds_the_exception(
    telemetry: Telemetry, clock: HandClock
) -> None:
    run = TaskRun("load", clock=clock)
    run.after(telemetry.spans)
    run.start()

    try:
        raise ValueError("no data")
    except ValueError as error:
        run.fail(result=error)

    (span,) = telemetry.exported
    (said,) = span.events
    attributes = dict(said.attributes or {})
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "Unexpected error: ValueError('no data')"
    assert (said.name, said.timestamp) == ("exception", nanos(run, 2))
    assert (attributes["exception.type"], attributes["exception.message"]) == (
        "ValueError",
        "no data",
    )
    assert "in test_a_failure_sets" in str(attributes["exception.stacktrace"])


def test_a_failure_without_exception_has_the_message_of_its_state(
    telemetry: Telemetry, clock: HandClock
) -> None:
    run = TaskRun(clock=clock, timeout=1)
    run.after(telemetry.spans)
    run.start()
    clock.advance(seconds=1)

    run.time_out()

    (span,) = telemetry.exported
    (said,) = span.events
    assert span.status.status_code is StatusCode.ERROR
    assert dict(said.attributes or {}) == {
        "exception.type": "TimedOut",
        "exception.message": "Task timed out during execution.",
    }


@pytest.mark.parametrize("event", ["cancel", "pause", "skip", "loop", "retry", "fail_client"])
def test_an_attempt_that_ends_without_failure_has_no_error_status(
    telemetry: Telemetry, clock: HandClock, event: str
) -> None:
    run = TaskRun(clock=clock, max_retries=1)
    run.after(telemetry.spans)
    run.start()

    run.trigger(event)

    (span,) = telemetry.exported
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes or {})["run.outcome"] == type(run.state).__name__


def test_an_exception_whose_str_raises_is_reported_by_its_class(
    telemetry: Telemetry, clock: HandClock
) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

        __repr__ = __str__

    run = TaskRun(clock=clock)
    run.after(telemetry.spans)
    run.start()

    run.fail(result=Broken())

    (span,) = telemetry.exported
    assert "Broken" in str(dict(span.events[0].attributes or {})["exception.type"])


def test_messages_of_failures_are_cut_and_can_be_encoded(
    telemetry: Telemetry, clock: HandClock
) -> None:
    run = TaskRun(clock=clock)
    run.after(telemetry.spans)
    run.start()

    run.fail(message="x\ud800" * 1_000_000, result=ValueError("y\ud800" * 1_000_000))

    (span,) = telemetry.exported
    attributes = dict(span.events[0].attributes or {})
    assert 0 < len((span.status.description or "").encode()) < 4_000
    assert 0 < len(str(attributes["exception.message"]).encode()) < 80_000


def test_a_listener_registered_during_an_attempt_reports_the_whole_span(
    telemetry: Telemetry, clock: HandClock
) -> None:
    run = TaskRun("load", clock=clock)
    run.start()
    clock.advance(seconds=3)
    run.after(telemetry.spans)

    run.succeed()

    (span,) = telemetry.exported
    assert (span.start_time, span.end_time) == (nanos(run, 1), nanos(run, 2))
    assert telemetry.points("runstates.attempt.duration")["Success",].sum == 3.0


def test_an_attempt_whose_worker_died_is_reported_by_the_rescuing_process(
    telemetry: Telemetry, clock: HandClock
) -> None:
    journal = MemoryJournal()
    TaskRun("load", journal=journal, clock=clock).start()
    clock.advance(minutes=5)
    run = TaskRun.restore("load", journal, clock=clock)
    run.after(telemetry.spans)

    run.rescue()

    (span,) = telemetry.exported
    attributes = dict(span.attributes or {})
    assert (attributes["run.attempt"], attributes["run.outcome"]) == (1, "Retrying")
    assert (span.start_time, span.end_time) == (nanos(run, 1), nanos(run, 2))
    assert span.status.status_code is StatusCode.ERROR


def test_a_restored_failure_is_reported_from_its_record(
    telemetry: Telemetry, clock: HandClock
) -> None:
    state = Failed(result=KeyError("weather"))
    read = State.deserialize(state.serialize())
    run = TaskRun(clock=clock)
    run.after(telemetry.spans)
    run.start()

    run.enter(read)

    (span,) = telemetry.exported
    assert dict(span.events[0].attributes or {})["exception.type"] == "KeyError"


def test_a_run_whose_first_state_is_running_has_a_span_without_duration(
    telemetry: Telemetry, clock: HandClock
) -> None:
    run = TaskRun(state=Running(), clock=clock)
    run.after(telemetry.spans)

    run.succeed()

    (span,) = telemetry.exported
    assert span.start_time == span.end_time == nanos(run, 1)
    assert telemetry.points("runstates.attempt.duration") == {}


def test_a_run_that_is_no_task_run_has_spans_without_attempts(
    telemetry: Telemetry, clock: HandClock
) -> None:
    class Door(Run):
        open = event(Running, source=Pending)
        shut = event(Pending, source=Running)

    run = Door("door", clock=clock)
    run.after(telemetry.spans)
    run.open()

    run.shut()

    (span,) = telemetry.exported
    assert dict(span.attributes or {}) == {
        "run.id": "door",
        "run.class": "Door",
        "run.outcome": "Pending",
    }


def test_a_step_that_stays_in_running_does_not_end_the_attempt(
    telemetry: Telemetry, clock: HandClock
) -> None:
    class Reporting(TaskRun):
        report = internal(source=Running)

    run = Reporting(clock=clock)
    run.after(telemetry.spans)
    run.start()
    clock.advance(seconds=1)
    run.report()
    clock.advance(seconds=1)

    run.succeed()

    (span,) = telemetry.exported
    assert (span.start_time, span.end_time) == (nanos(run, 1), nanos(run, 3))


def test_a_clock_set_back_makes_no_negative_duration(
    telemetry: Telemetry, clock: HandClock
) -> None:
    run = TaskRun(clock=clock)
    run.after(telemetry.spans)
    run.start()
    clock.jump(hours=-1)

    run.succeed()

    assert telemetry.points("runstates.attempt.duration")["Success",].sum == 0.0


def test_a_span_is_a_child_of_the_span_of_the_caller(
    telemetry: Telemetry, clock: HandClock
) -> None:
    run = TaskRun(clock=clock)
    run.after(telemetry.spans)

    with telemetry.tracers.get_tracer("ours").start_as_current_span("nightly"):
        perform(run, lambda: 1)  # the task in another thread

    attempt, nightly = telemetry.exported
    assert attempt.parent == nightly.context


# Metrics.


def test_steps_are_counted_by_event_and_dest(telemetry: Telemetry, clock: HandClock) -> None:
    for _ in range(3):
        run = TaskRun(clock=clock)
        run.after(telemetry.spans)
        run.start()
        run.succeed()
    run.cache()

    assert telemetry.values("runstates.steps") == {
        ("start", "Running"): 3,
        ("succeed", "Success"): 3,
        ("cache", "Cached"): 1,
    }


def test_attempts_are_measured_in_seconds_by_outcome(
    telemetry: Telemetry, clock: HandClock
) -> None:
    run = TaskRun(clock=clock, max_retries=1)
    run.after(telemetry.spans)
    for seconds, end in ((1.5, "fail"), (0.25, "succeed")):
        if end == "succeed":
            run.retry()
        run.start()
        clock.advance(seconds=seconds)
        run.trigger(end)

    points = telemetry.points("runstates.attempt.duration")

    assert {place: (point.count, point.sum) for place, point in points.items()} == {
        ("Failed",): (1, 1.5),
        ("Success",): (1, 0.25),
    }


def test_unfinished_runs_are_counted_by_state(telemetry: Telemetry, clock: HandClock) -> None:
    runs = [TaskRun(clock=clock) for _ in range(4)]
    for run in runs:
        run.after(telemetry.spans)
        run.start()
    runs[0].succeed()
    runs[1].pause()
    runs[2].fail()

    assert telemetry.values("runstates.runs") == {("Running",): 1, ("Paused",): 1}


def test_a_failed_run_is_counted_again_when_it_is_retried(
    telemetry: Telemetry, clock: HandClock
) -> None:
    run = TaskRun(clock=clock, max_retries=1)
    run.after(telemetry.spans)
    run.start()
    run.fail()

    run.retry()

    assert telemetry.values("runstates.runs") == {("Retrying",): 1}


def test_a_run_first_seen_under_way_is_not_subtracted_from_its_old_state(
    telemetry: Telemetry, clock: HandClock
) -> None:
    run = TaskRun(clock=clock)
    run.start()
    run.after(telemetry.spans)

    run.pause()
    run.cancel()

    assert telemetry.values("runstates.runs") == {}


def test_a_run_that_was_dropped_is_counted_out(telemetry: Telemetry, clock: HandClock) -> None:
    submitted, run = TaskRun(clock=clock), TaskRun(clock=clock)
    for each in (submitted, run):
        each.after(telemetry.spans)
        each.start()
    submitted.pause()

    del submitted, each
    gc.collect()
    run.pause()

    assert telemetry.values("runstates.runs") == {("Paused",): 1}


def test_nothing_is_kept_of_runs_that_ended(telemetry: Telemetry, clock: HandClock) -> None:
    runs = [TaskRun(clock=clock) for _ in range(100)]
    for run in runs:
        run.after(telemetry.spans)
        run.start()
        run.succeed()

    assert telemetry.spans._runs._states == {}


def test_a_final_state_of_a_users_class_ends_the_run(telemetry: Telemetry) -> None:
    class Door(Run):
        open = event(Running, source=Pending)

    run = Door()
    run.after(telemetry.spans)

    run.open()

    assert telemetry.values("runstates.runs") == {}
    assert telemetry.values("runstates.steps") == {("open", "Running"): 1}


def test_runs_that_move_in_many_threads_are_all_counted(
    telemetry: Telemetry, clock: HandClock
) -> None:
    runs = [[TaskRun(clock=clock) for _ in range(50)] for _ in range(4)]

    def work(mine: list[TaskRun]) -> None:
        while mine:
            run = mine.pop()
            run.after(telemetry.spans)
            run.start()
            run.pause()

    threads = [threading.Thread(target=work, args=(mine,)) for mine in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    last = TaskRun(clock=clock)
    last.after(telemetry.spans)
    last.start()

    assert telemetry.values("runstates.steps") == {
        ("start", "Running"): 201,
        ("pause", "Paused"): 200,
    }
    assert telemetry.values("runstates.runs") == {("Running",): 1}


def test_two_listeners_count_together(telemetry: Telemetry, clock: HandClock) -> None:
    other = Spans(telemetry.tracers, telemetry.meters)
    one, two = TaskRun(clock=clock), TaskRun(clock=clock)
    one.after(telemetry.spans)
    two.after(other)

    one.start()
    two.start()

    assert telemetry.values("runstates.runs") == {("Running",): 2}


# Who observes.


def test_observers_can_be_registered_on_a_class(log: Log, clock: HandClock) -> None:
    class Watched(TaskRun):
        pass

    for observer in observers():
        Watched.after(observer)

    run = Watched("load", clock=clock)
    run.start()
    run.succeed()

    assert [vars(record)["event"] for record in log.records] == ["start", "succeed"]


def test_observers_include_spans_where_opentelemetry_is_set_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    monkeypatch.setattr(trace, "get_tracer_provider", TracerProvider)
    log, spans = observers()

    assert log is log_step
    assert isinstance(spans, Spans)


def test_observers_have_no_spans_where_opentelemetry_is_not_set_up() -> None:
    assert observers() == (log_step,)


def test_observers_have_the_log_where_opentelemetry_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    block_import(monkeypatch, "opentelemetry")

    assert observers() == (log_step,)


def test_spans_without_opentelemetry_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    block_import(monkeypatch, "opentelemetry")

    with pytest.raises(MissingExtra, match=r"OpenTelemetry spans needs .*runstates\[otel\]"):
        Spans()


def test_telemetry_does_not_import_opentelemetry() -> None:
    code = "import sys, fsm.telemetry; print('opentelemetry' in sys.modules)"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "False"


def block_import(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    for name in (module, *(name for name in sys.modules if name.startswith(f"{module}."))):
        monkeypatch.setitem(sys.modules, name, None)
