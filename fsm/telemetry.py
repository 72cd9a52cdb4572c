"""Telemetry: what runs do, told step by step to a log and to OpenTelemetry.

    for observer in observers():
        TaskRun.after(observer)

Each is a listener `(run, step)`. What they tell comes from the step and from the history before
it, so one that begins to listen in the middle, or in another process, tells the same.
"""

from __future__ import annotations

import logging
import reprlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import ref

from fsm.run.access import step_before

from .errors import MissingExtra
from .run.callbacks import Listener
from .states import ExceptionRecord, Retrying
from .states.exceptions import record_exception
from .tasks.task_run import TaskRun
from .text import escape

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from .lifecycle.step import Step
    from .run.run import Run

__all__ = ["Spans", "log_step", "observers"]

logger = logging.getLogger("fsm.steps")
logger.addHandler(logging.NullHandler())  # who wants the lines says where to: none go to stderr

_LONGEST = 500  # characters of what a state says


def observers() -> tuple[Listener, ...]:
    """All that have somebody to tell: `log_step`, and `Spans()` where OpenTelemetry is set up."""
    try:
        from opentelemetry import metrics, trace
    except ImportError:
        return (log_step,)
    # Until a program sets providers up, there are stand-ins that drop what they are told.
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    deaf = [type(each).__name__.startswith(("Proxy", "_Proxy", "NoOp")) for each in providers]
    return (log_step,) if all(deaf) else (log_step, Spans())


def log_step(run: Run, step: Step) -> None:
    """Log *step* as one line of "fsm.steps": a warning where something went wrong, else an info.

    The record has the attributes `run_id`, `run_class`, `seq`, `event`, `source`, `dest`,
    `attempt` (None where the run counts none), and `elapsed`: seconds since the step before.
    """
    level = logging.WARNING if _went_wrong(step) else logging.INFO
    if not logger.isEnabledFor(level):
        return
    source, dest = type(step.source).__name__, type(step.dest).__name__
    before = _before(run, step)
    known = {
        "run_id": step.run,
        "run_class": type(run).__name__,
        "seq": step.seq,
        "event": step.event,
        "source": source,
        "dest": dest,
        "attempt": _attempt(run, step),
        "elapsed": None if before is None else _seconds(before, step),
    }
    said = _text(step.dest.message)  # anyone's: `%r` keeps it on one line
    line, args = "run %s: #%d %s: %s -> %s", (step.run, step.seq, step.event, source, dest)
    if said:
        logger.log(level, f"{line}: %r", *args, said, extra=known)
    else:
        logger.log(level, line, *args, extra=known)


class Spans:
    """A listener that tells OpenTelemetry: a span for each attempt, and three metrics.

    An attempt's span is made when it ends, with the times of the steps into `Running` and out of
    it: nothing is kept meanwhile, and one whose worker died is told by whoever rescues it. Its
    attributes are `run.id`, `run.class`, `run.attempt` and `run.outcome`, the state after it.

    `runstates.steps` counts steps by `event` and `dest`; `runstates.attempt.duration` has the
    seconds of attempts by `outcome`; `runstates.runs` is how many unfinished runs this process
    holds, of those it has heard of, by `state`.

    Args:
        tracer_provider: Who makes tracers; the global one if left out.
        meter_provider: Who makes meters; the global one if left out.

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
        self._tracer = trace.get_tracer("runstates", tracer_provider=tracer_provider)
        self._wrong = trace.StatusCode.ERROR
        meter = metrics.get_meter("runstates", meter_provider=meter_provider)
        self._steps = meter.create_counter(
            "runstates.steps", unit="{step}", description="Steps that runs have made."
        )
        self._durations = meter.create_histogram(
            "runstates.attempt.duration", unit="s", description="How long attempts were running."
        )
        runs = meter.create_up_down_counter(
            "runstates.runs", unit="{run}", description="Unfinished runs that this process holds."
        )
        self._census = _Census(lambda state, change: runs.add(change, {"state": state}))

    def __call__(self, run: Run, step: Step) -> None:
        """Tell of *step*."""
        dest = type(step.dest).__name__
        self._steps.add(1, {"event": step.event, "dest": dest})
        over = step.dest.is_finished() or type(step.dest) in run.lifecycle.finals
        self._census.moved(run, None if over else dest)
        if step.source.is_running() and not step.dest.is_running():
            self._tell_attempt(run, step, dest)

    def _tell_attempt(self, run: Run, step: Step, outcome: str) -> None:
        start = _entered(run, step)
        if start is not None:
            self._durations.record(max(_seconds(start, step), 0.0), {"outcome": outcome})
        kind = type(run).__name__
        told: dict[str, str | int] = {
            "run.id": step.run, "run.class": kind, "run.outcome": outcome
        }  # fmt: skip
        attempt = _attempt(run, step)
        if attempt is not None:
            told["run.attempt"] = attempt
        began = step if start is None else start
        span = self._tracer.start_span(kind, attributes=told, start_time=began.micros * 1000)
        if _went_wrong(step):
            span.set_status(self._wrong, _text(step.dest.message))
            _tell_failure(span, step)
        span.end(step.micros * 1000)


class _Census:
    """Which unfinished runs somebody holds, by state; says each change to *count*.

    Runs are known by weak references: one that is let go unfinished, as by a process that only
    submits, is counted out at the next step of any other.
    """

    def __init__(self, count: Callable[[str, int], None]) -> None:
        self._count = count
        self._states: dict[ref[Run], str] = {}
        # Filled by the garbage collector, which comes at any time, even in the midst of counting.
        self._gone: deque[ref[Run]] = deque()

    def moved(self, run: Run, state: str | None) -> None:
        """Count *run* in *state*, or nowhere where that is None."""
        with suppress(IndexError):  # empty; another thread may have had the last one
            while True:
                self._count_out(self._gone.popleft())
        self._count_out(ref(run))  # equal to the reference we have
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


def _before(run: Run, step: Step) -> Step | None:
    """The step before *step*."""
    return step_before(run, step)


def _entered(run: Run, step: Step) -> Step | None:
    """The step into the `Running` that *step* leads out of; None where the run began there."""
    while (step_before := _before(run, step)) is not None:
        step = step_before
        if not step.source.is_running():
            return step
    return None


def _seconds(since: Step, step: Step) -> float:
    return (step.micros - since.micros) / 1_000_000


def _attempt(run: Run, step: Step) -> int | None:
    """Which attempt *step* belongs to; None where the run counts none."""
    if not isinstance(run, TaskRun):
        return None
    # A rescue gives its attempt back, to be begun again: afterwards the run counts one less.
    given_back = step.event == "rescue" and isinstance(step.dest, Retrying)
    return run.attempts + given_back


def _tell_failure(span: Span, step: Step) -> None:
    """Add the exception, or what the state says in its place, as OpenTelemetry names things."""
    error: Any = step.dest.result
    if isinstance(error, BaseException):
        error = record_exception(error)  # bounded, and whatever its own code does
    if not isinstance(error, ExceptionRecord):
        error = ExceptionRecord(type(step.dest).__name__, _text(step.dest.message))
    told = {"exception.type": error.type, "exception.message": error.text}
    if error.traceback:
        told["exception.stacktrace"] = "\n".join(error.traceback)
    span.add_event("exception", told, timestamp=step.micros * 1000)


def _text(message: Any) -> str:
    """What a state says: at most so much of it, and nothing that cannot be sent."""
    if message is None:
        return ""
    text = message if type(message) is str else _short.repr(message)
    return escape(text, _LONGEST, storable=True)


_short = reprlib.Repr()  # survives a repr that raises
_short.maxother = _LONGEST
