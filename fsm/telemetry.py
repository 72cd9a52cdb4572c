"""Telemetry: listeners that report each step of a run to a log and to OpenTelemetry.

    for observer in observers():
        TaskRun.after(observer)

A report uses the step and the history before it only. So a listener that is registered while the
run is under way, or in another process, reports the same.
"""

import logging
import reprlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol
from weakref import ref

from fsm.run.access import step_before

from .errors import MissingExtra
from .lifecycle.step import Step
from .run.callbacks import Listener
from .run.run import Run
from .states import ExceptionRecord, Retrying
from .states.exceptions import record_exception
from .tasks.attempts import attempt_of
from .tasks.task_run import TaskRun
from .text import escape

if TYPE_CHECKING:
    from opentelemetry.trace import Span

__all__ = ["MeterProvider", "Spans", "TracerProvider", "log_step", "observers"]

logger: logging.Logger = logging.getLogger("fsm.steps")
logger.addHandler(logging.NullHandler())  # without a handler, warnings would go to stderr

_MAX_LENGTH = 500  # characters of a state's message


class TracerProvider(Protocol):
    """What `Spans` needs of OpenTelemetry's class of this name, which is an optional dependency."""

    def get_tracer(self, name: str, /) -> Any: ...


class MeterProvider(Protocol):
    """What `Spans` needs of OpenTelemetry's class of this name, which is an optional dependency."""

    def get_meter(self, name: str, /) -> Any: ...


def observers() -> tuple[Listener, ...]:
    """The listeners to register: `log_step`, and a `Spans` where OpenTelemetry is set up.

    OpenTelemetry is set up when the program has set a tracer provider or a meter provider.
    """
    try:
        from opentelemetry import metrics, trace
    except ImportError:
        return (log_step,)
    # Until a program sets providers, there are placeholders that drop everything.
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    unset = [type(each).__name__.startswith(("Proxy", "_Proxy", "NoOp")) for each in providers]
    return (log_step,) if all(unset) else (log_step, Spans())


def log_step(run: Run, step: Step) -> None:
    """Log *step* as one line of the logger `fsm.steps`.

    The level is WARNING where the run failed or lost its worker, else INFO. The log record has the
    attributes `run_id`, `run_class`, `seq`, `event`, `source`, `dest`, `attempt` (None where the
    run is no `TaskRun`) and `elapsed`: the seconds since the step before, None for the first.
    """
    level = logging.WARNING if _went_wrong(step) else logging.INFO
    if not logger.isEnabledFor(level):
        return
    source, dest = type(step.source).__name__, type(step.dest).__name__
    before = step_before(run, step)
    fields = {
        "run_id": step.run,
        "run_class": type(run).__name__,
        "seq": step.seq,
        "event": step.event,
        "source": source,
        "dest": dest,
        "attempt": _attempt(run, step),
        "elapsed": None if before is None else _seconds(before, step),
    }
    message = _message_text(step.dest.message)  # a user's text: `%r` keeps it on one line
    line, args = "run %s: #%d %s: %s -> %s", (step.run, step.seq, step.event, source, dest)
    if message:
        logger.log(level, f"{line}: %r", *args, message, extra=fields)
    else:
        logger.log(level, line, *args, extra=fields)


class Spans:
    """A listener that reports to OpenTelemetry: a span for each attempt, and three metrics.

    The span of an attempt is made when the attempt ends, with the times of the steps into `Running`
    and out of it. Nothing is kept meanwhile. The span of an attempt whose worker died is made by
    the process that rescues the run. Attributes of a span are `run.id`, `run.class`, `run.attempt`
    and `run.outcome`, the name of the state after the attempt.

    The metrics are `runstates.steps`, a counter of steps by `event` and `dest`;
    `runstates.attempt.duration`, a histogram of seconds by `outcome`; and `runstates.runs`, the
    number of unfinished runs that this process holds and that have made a step here, by `state`.

    Args:
        tracer_provider: OpenTelemetry's global one if left out.
        meter_provider: OpenTelemetry's global one if left out.

    Raises:
        MissingExtra: OpenTelemetry is not installed.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        try:
            from opentelemetry import metrics, trace
        except ImportError as error:
            raise MissingExtra("OpenTelemetry spans", "otel") from error
        tracers = trace.get_tracer_provider() if tracer_provider is None else tracer_provider
        meters = metrics.get_meter_provider() if meter_provider is None else meter_provider
        self._tracer = tracers.get_tracer("runstates")
        self._error_status = trace.StatusCode.ERROR
        meter = meters.get_meter("runstates")
        self._steps = meter.create_counter(
            "runstates.steps", unit="{step}", description="Steps that runs have made."
        )
        self._durations = meter.create_histogram(
            "runstates.attempt.duration", unit="s", description="How long attempts were running."
        )
        runs = meter.create_up_down_counter(
            "runstates.runs", unit="{run}", description="Unfinished runs that this process holds."
        )
        self._runs = _RunCounter(lambda state, change: runs.add(change, {"state": state}))

    def __call__(self, run: Run, step: Step) -> None:
        """Report *step*, and the attempt that it ends."""
        dest = type(step.dest).__name__
        self._steps.add(1, {"event": step.event, "dest": dest})
        over = step.dest.is_finished() or type(step.dest) in run.lifecycle.finals
        self._runs.move(run, None if over else dest)
        if step.source.is_running() and not step.dest.is_running():
            self._report_attempt(run, step, dest)

    def _report_attempt(self, run: Run, step: Step, outcome: str) -> None:
        start = _start_of_attempt(run, step)
        if start is not None:
            self._durations.record(max(_seconds(start, step), 0.0), {"outcome": outcome})
        kind = type(run).__name__
        attributes: dict[str, str | int] = {
            "run.id": step.run, "run.class": kind, "run.outcome": outcome
        }  # fmt: skip
        attempt = _attempt(run, step)
        if attempt is not None:
            attributes["run.attempt"] = attempt
        began = step if start is None else start
        span = self._tracer.start_span(kind, attributes=attributes, start_time=began.micros * 1000)
        if _went_wrong(step):
            span.set_status(self._error_status, _message_text(step.dest.message))
            _add_exception(span, step)
        span.end(step.micros * 1000)


class _RunCounter:
    """Counts the unfinished runs that this process holds, by state; calls *count* for each change.

    It has weak references only. A run that is dropped unfinished, as in a process that only
    submits, is counted out at the next step of any other run.
    """

    def __init__(self, count: Callable[[str, int], None]) -> None:
        self._count = count
        self._states: dict[ref[Run], str] = {}
        # The garbage collector adds to this at any time, also while a run is being counted.
        self._gone: deque[ref[Run]] = deque()

    def move(self, run: Run, state: str | None) -> None:
        """Count *run* in *state*, or nowhere where that is None."""
        with suppress(IndexError):  # empty, or another thread took the last one
            while True:
                self._count_out(self._gone.popleft())
        self._count_out(ref(run))  # equal to the reference that is kept
        if state is not None:
            self._states[ref(run, self._gone.append)] = state
            self._count(state, 1)

    def _count_out(self, run: ref[Run]) -> None:
        state = self._states.pop(run, None)
        if state is not None:
            self._count(state, -1)


def _went_wrong(step: Step) -> bool:
    """Whether the run failed, or lost its worker."""
    return step.dest.is_failed() or step.event == "rescue"


def _start_of_attempt(run: Run, step: Step) -> Step | None:
    """The step into the `Running` that *step* leads out of; None where the run began there."""
    while (before := step_before(run, step)) is not None:
        step = before
        if not step.source.is_running():
            return step
    return None


def _seconds(since: Step, step: Step) -> float:
    return (step.micros - since.micros) / 1_000_000


def _attempt(run: Run, step: Step) -> int | None:
    """The number of the attempt that *step* belongs to; None where the run is no `TaskRun`."""
    if not isinstance(run, TaskRun):
        return None
    rescued = step.event == "rescue" and isinstance(step.dest, Retrying)
    return attempt_of(run.attempts, rescued=rescued)


def _add_exception(span: "Span", step: Step) -> None:
    """Add an event to *span*, in OpenTelemetry's names: the exception, else the state's message."""
    error: Any = step.dest.result
    if isinstance(error, BaseException):
        error = record_exception(error)  # bounded in length, and safe if its own code raises
    if not isinstance(error, ExceptionRecord):
        error = ExceptionRecord(type(step.dest).__name__, _message_text(step.dest.message))
    attributes = {"exception.type": error.type, "exception.message": error.text}
    if error.traceback:
        attributes["exception.stacktrace"] = "\n".join(error.traceback)
    span.add_event("exception", attributes, timestamp=step.micros * 1000)


def _message_text(message: Any) -> str:
    """The message of a state as text that can be sent: cut, and without lone surrogates."""
    if message is None:
        return ""
    text = message if type(message) is str else _short.repr(message)
    return escape(text, _MAX_LENGTH, storable=True)


_short = reprlib.Repr()  # safe if a repr raises
_short.maxother = _MAX_LENGTH
