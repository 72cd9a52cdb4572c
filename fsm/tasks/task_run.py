"""TaskRun: the table of a task run's lifecycle. Read this file first."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pendulum

from fsm.durations import Duration
from fsm.journal.deadlines import deadline_of, end_after
from fsm.lifecycle.event import either, event
from fsm.lifecycle.store import StepStore
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
    moment,
)

from .attempts import (
    count_attempts,
    count_rescues,
    first_attempt_at,
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
    describe_error,
    describe_failed_children,
    describe_iteration,
    describe_loss,
    describe_mapping,
    keep_result,
    next_attempt,
    next_loop,
    repeat_attempt,
    rerun_now,
    wrap_source,
)

__all__ = ["TaskRun"]

# The sources of several rows.
waiting = Pending
ready: tuple[type[State], ...] = (Pending, Submitted, Queued)
unfinished: tuple[type[State], ...] = (Pending, Submitted, Queued, ClientFailed, Running)


class TaskRun(Run):
    """One run of one task, from `Pending` to `Finished`, with retries, pauses and loops.

    Each event is a method that fires: `run.start()` enters `Running`. A row on a state class is a
    row on its subclasses: `pause` leads from `Scheduled`, `Retrying` and every other kind of
    `Pending`. `context` and `cached_inputs` pass from state to state unless they are given anew.

    A run whose worker was lost is rescued, not retried: it starts the same attempt again, as often
    as `Retry.max_rescues` allows. `rerun` starts a failed run again, whatever the policy says.

    Args:
        id: The run's id in the journal, at most 200 characters. Default: a new one.
        state: The state in which it begins. Default: `Pending()`.
        journal: Where its steps are kept; a step happens only if the journal keeps it. Default:
            none, and `history` is all there is.
        clock: Returns the time as an aware datetime; called once a step. Default: the system's.
        policy: How often to try, how long to run, how long to keep the result. Default: the
            class's `default_policy`, which allows one attempt without a time limit.
        max_retries: The number of retries, in place of the policy's.
        retry_delay: The time from the first failure to the next attempt, in seconds or as a
            timedelta, in place of the policy's.
        timeout: The limit for one attempt, in seconds or as a timedelta, or a `Timeout`, in place
            of the policy's.
        cache_for: How long its result is kept, in seconds or as a timedelta, in place of the
            policy's.

    Raises:
        InvalidArgument: A value is out of its range or of another type.
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
                            prepare=wrap_source, message="Submitted for execution.")
    queue           = event(Queued,            source=(waiting, Submitted),
                            prepare=wrap_source)
    start           = event(Running,           source=ready,
                                                                      conditions=[start_time_reached],
                            message="Starting task run.")
    succeed         = event(Success,           source=Running,
                            message="Task run succeeded.")
    finish          = event(Finished,          source=Running)
    fail            = event(Failed,            source=(*ready, Running),
                            prepare=describe_error)
    time_out        = event(TimedOut,          source=Running,        conditions=[deadline_passed],
                            message="Task timed out during execution.")
    fail_trigger    = event(TriggerFailed,     source=(*ready, Running),
                            message="Trigger failed")
    fail_validation = event(ValidationFailed,  source=Running)
    fail_client     = event(ClientFailed,      source=unfinished,
                            prepare=wrap_source)
    retry           = event(Retrying,          source=(Failed, Running),
                            conditions=[attempts_left, error_retried, time_left],
                            prepare=next_attempt)
    rerun           = event(Retrying,          source=Failed,
                            prepare=rerun_now, explicit_only=True)
    rescue          = either(
                      event(Retrying,          source=Running,        conditions=[rescues_left],
                            prepare=repeat_attempt, explicit_only=True),
                      event(Failed,            source=Running,
                            prepare=describe_loss, explicit_only=True))
    pause           = event(Paused,            source=(*ready, Running))
    resume          = event(Resume,            source=Paused)
    map             = event(Mapped,            source=(waiting, Mapped),
                            prepare=describe_mapping)
    fail_map        = event(Failed,            source=Mapped,         conditions=[children_failed],
                            prepare=describe_failed_children)
    cache           = event(Cached,            source=(waiting, Success), excluding=Skipped,
                                                                      conditions=[cache_fresh],
                            prepare=keep_result)
    expire          = event(Pending,           source=Cached,
                            message="Cache was invalid; ready to run.")
    loop            = event(Looped,            source=Running,
                            prepare=next_loop)
    iterate         = event(Pending,           source=Looped,
                            prepare=describe_iteration)
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
        self.policy: Policy = self.default_policy if policy is None else as_policy(policy)
        if not (max_retries is retry_delay is timeout is cache_for is None):
            self.policy = override(self.policy, max_retries, retry_delay, timeout, cache_for)

    @property
    def max_retries(self) -> int:
        """The number of retries that its policy allows; the attempts are one more."""
        return self.policy.retry.max_retries

    @property
    def attempts(self) -> int:
        """The number of attempts that have begun, or failed before they could. 0 before the first.

        Resuming, looping and a rescue continue an attempt.
        """
        return count_attempts(self._steps or (), self._began())

    run_count = attempts

    @property
    def rescues(self) -> int:
        """How often its worker was lost and it was given to another."""
        return count_rescues(self._steps or ())

    @property
    def begun_at(self) -> pendulum.DateTime | None:
        """When its first attempt since the last `rerun` began, in UTC; None before that."""
        return first_attempt_at(self._steps or ())

    @property
    def resumed(self) -> bool:
        """Whether it was resumed after its last pause; retries after that included."""
        return was_resumed(self._steps or (), self._began())

    @property
    def loop_count(self) -> int:
        """The number of loop iterations done: the `loop_count` of its last `Looped`, or 0."""
        return next((looped.loop_count for looped in self._loop_ends()), 0)

    @property
    def loop_result(self) -> Any:
        """The result of the last iteration of a loop; None if there is none."""
        return next((looped.result for looped in self._loop_ends()), None)

    @property
    def deadline(self) -> pendulum.DateTime | None:
        """When the limit for this attempt or for all attempts is up, whichever is first, in UTC.

        None if the run is not `Running`, or has no limit.
        """
        limits = self.policy.timeout
        if limits.attempt is limits.total is None or not isinstance(self.state, Running):
            return None
        ends = [deadline_of(self._steps or (), limits.attempt)]
        if limits.total is not None and (began := self.begun_at) is not None:
            ends.append(end_after(moment.to_micros(began), limits.total))
        first = min((end for end in ends if end is not None), default=None)
        return None if first is None else moment.from_micros(first)

    def _began(self) -> State:
        return self._steps[0].source if self._steps else self.state

    def _loop_ends(self) -> Iterator[Looped]:
        """The `Looped` states it has been in, latest first."""
        for step in reversed(self._steps or ()):
            if isinstance(step.dest, Looped):
                yield step.dest
        if isinstance(began := self._began(), Looped):
            yield began

    def _surroundings(self) -> Mapping[str, Any]:
        looped = next(self._loop_ends(), None)
        return {
            "task_run_count": self.attempts,
            "task_loop_count": 1 if looped is None else looped.loop_count + 1,
            "task_loop_result": None if looped is None else looped.result,
            "resume": self.resumed,
        }

    def settings(self) -> Mapping[str, Any]:
        """The policy as plain JSON values, which the journal keeps for a restored run."""
        return self.policy.settings()
