"""TaskRun: the table of a task run's lifecycle. Read this file first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from fsm.durations import Duration, after
from fsm.lifecycle.event import either, event
from fsm.run.run import Clock, Run
from fsm.states import (
    Cached,
    Cancelled,
    ClientFailed,
    Failed,
    Finished,
    Looped,
    Mapped,
    Paused,
    Pending,
    Queued,
    Resume,
    Retrying,
    Running,
    Scheduled,
    Skipped,
    State,
    Submitted,
    Success,
    TimedOut,
    TriggerFailed,
    ValidationFailed,
)

from .attempts import (
    count_attempts,
    count_rescues,
    first_attempt_at,
    running_since,
    was_resumed,
)
from .guards import (
    attempts_left,
    cache_fresh,
    children_failed,
    children_left,
    deadline_passed,
    error_retried,
    pause_over,
    rescues_left,
    start_time_reached,
    time_left,
)
from .policy import Policy, Timeout, as_policy, override
from .prepare import (
    next_attempt,
    next_iteration,
    next_loop,
    once_more,
    same_attempt,
    same_outcome,
    the_children,
    the_error,
    the_loss,
    the_mapping,
    wrapped_source,
)

if TYPE_CHECKING:
    import pendulum

    from fsm.lifecycle.store import StepStore

__all__ = ["TaskRun"]

waiting = Pending
ready = (Pending, Submitted, Queued)
unfinished = (Pending, Submitted, Queued, ClientFailed, Running)


class TaskRun(Run):
    """One run of one task, from `Pending` to `Finished`, detours included.

    A row on a class is a row on its subclasses: `pause` leaves from Scheduled, Retrying and every
    other way of being pending. `context` and `cached_inputs` flow along every row.

    Args:
        policy: All of the following at once; the class's `default_policy` if left out.
        max_retries: How often to try again; 0 by default.
        retry_delay: Seconds from a failure to the next attempt; 0 by default.
        timeout: Seconds an attempt may run, or a `Timeout`; no limit by default.
        cache_for: Seconds its result keeps in the cache; not cached by default.

    A run whose worker was lost is not tried again but rescued: the same attempt, as often as the
    policy's `max_rescues` says. A `rerun` is a person's word: once more, whatever the policy says.
    """

    __module__ = "fsm"
    __slots__ = ("policy",)

    # fmt: off
    #                       dest               source                 guards
    schedule        = event(Scheduled,         source=waiting,        excluding=Paused) \
                    | event(Scheduled,         source=(Submitted, Queued),
                                                                      conditions=[pause_over])
    submit          = event(Submitted,         source=(waiting, Queued),
                                                                      conditions=[pause_over],
                            prepare=wrapped_source, message="Submitted for execution.")
    queue           = event(Queued,            source=(waiting, Submitted),
                            prepare=wrapped_source)
    start           = event(Running,           source=ready,
                                                                      conditions=[start_time_reached],
                            message="Starting task run.")
    succeed         = event(Success,           source=Running,
                            message="Task run succeeded.")
    finish          = event(Finished,          source=Running)
    fail            = event(Failed,            source=(*ready, Running),
                            prepare=the_error)
    time_out        = event(TimedOut,          source=Running,        conditions=[deadline_passed],
                            message="Task timed out during execution.")
    fail_trigger    = event(TriggerFailed,     source=(*ready, Running),
                            message="Trigger failed")
    fail_validation = event(ValidationFailed,  source=Running)
    fail_client     = event(ClientFailed,      source=unfinished,
                            prepare=wrapped_source)
    retry           = event(Retrying,          source=(Failed, Running),
                            conditions=[attempts_left, error_retried, time_left],
                            prepare=next_attempt)
    rerun           = event(Retrying,          source=Failed,
                            prepare=once_more, explicit_only=True)
    rescue          = either(
                      event(Retrying,          source=Running,        conditions=[rescues_left],
                            prepare=same_attempt, explicit_only=True),
                      event(Failed,            source=Running,
                            prepare=the_loss, explicit_only=True))
    pause           = event(Paused,            source=(*ready, Running))
    resume          = event(Resume,            source=Paused)
    map             = event(Mapped,            source=(waiting, Mapped),
                            prepare=the_mapping)
    fail_map        = event(Failed,            source=Mapped,         conditions=[children_failed],
                            prepare=the_children)
    cache           = event(Cached,            source=(waiting, Success), excluding=Skipped,
                                                                      conditions=[cache_fresh],
                            prepare=same_outcome)
    expire          = event(Pending,           source=Cached,
                            message="Cache was invalid; ready to run.")
    loop            = event(Looped,            source=Running,
                            prepare=next_loop)
    iterate         = event(Pending,           source=Looped,
                            prepare=next_iteration)
    skip            = event(Skipped,           source=(*ready, Running))
    cancel          = event(Cancelled,         source=unfinished) \
                    | event(Cancelled,         source=Mapped,         conditions=[children_left])
    # fmt: on

    default_policy: ClassVar[Policy] = Policy()

    def __init__(
        self,
        id: str | None = None,
        *,
        state: State | None = None,
        journal: StepStore | None = None,
        clock: Clock | None = None,
        policy: Policy | Mapping[str, Any] | None = None,
        max_retries: int | None = None,
        retry_delay: Duration | None = None,
        timeout: Timeout | Duration | None = None,
        cache_for: Duration | None = None,
    ) -> None:
        super().__init__(id, state=state, journal=journal, clock=clock)
        self.policy = self.default_policy if policy is None else as_policy(policy)
        if not (max_retries is retry_delay is timeout is cache_for is None):
            self.policy = override(self.policy, max_retries, retry_delay, timeout, cache_for)

    @property
    def max_retries(self) -> int:
        """How often it may be tried again: one less than the attempts it has in all."""
        return self.policy.retry.max_retries

    @property
    def attempts(self) -> int:
        """How many attempts have begun, or failed before they could; which one it is in."""
        return count_attempts(self._steps or (), self._began())

    run_count = attempts

    @property
    def rescues(self) -> int:
        """How often it has lost its worker and got another."""
        return count_rescues(self._steps or ())

    @property
    def begun_at(self) -> pendulum.DateTime | None:
        """When its first attempt began, of those since the last `rerun`; None if none has."""
        return first_attempt_at(self._steps or ())

    @property
    def resumed(self) -> bool:
        """Whether somebody let it go on after its last pause, its retries included."""
        return was_resumed(self._steps or (), self._began())

    @property
    def loop_count(self) -> int:
        """How many iterations of a loop are done: the `loop_count` of its last `Looped`, or 0."""
        return next((looped.loop_count for looped in self._looped()), 0)

    @property
    def loop_result(self) -> Any:
        """The result of the last iteration of a loop; None if there is none."""
        return next((looped.result for looped in self._looped()), None)

    @property
    def deadline(self) -> pendulum.DateTime | None:
        """When the attempt's time is up, or that of all; None if it runs not, or without limit."""
        limits = self.policy.timeout
        if limits.attempt is limits.total is None or not isinstance(self.state, Running):
            return None
        attempt, total = running_since(self._steps or ()), self.begun_at
        spans = ((attempt, limits.attempt), (total, limits.total))
        ends = [after(begun, limit) for begun, limit in spans if begun and limit is not None]
        return min(ends, default=None)

    def _began(self) -> State:
        return self._steps[0].source if self._steps else self.state

    def _looped(self) -> Iterator[Looped]:
        """The ends of its loop's iterations, latest first."""
        for step in reversed(self._steps or ()):
            if isinstance(step.dest, Looped):
                yield step.dest
        if isinstance(began := self._began(), Looped):
            yield began

    def _surroundings(self) -> Mapping[str, Any]:
        looped = next(self._looped(), None)
        return {
            "task_run_count": self.attempts,
            "task_loop_count": 1 if looped is None else looped.loop_count + 1,
            "task_loop_result": None if looped is None else looped.result,
            "resume": self.resumed,
        }

    def settings(self) -> Mapping[str, Any]:
        """The policy, so that a restored run has the same."""
        return self.policy.settings()
