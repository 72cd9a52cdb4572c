"""What happens to a run and its workers at random."""

from __future__ import annotations

import random
from concurrent.futures import Future
from typing import Any

import attrs

from fsm import Cache, Outcome, Policy, Quorum, Retry, TaskRun, Timeout, trigger_rules
from fsm.execution.commands import Displaced, Lost, Raised
from fsm.execution.pools.base import RemotePool
from fsm.testing import HandClock
from states import Failed, Looped, Mapped, Paused, Retrying, Skipped, State, ValidationFailed

__all__ = [
    "HOUR",
    "Plan",
    "SimulatedPool",
    "end_randomly",
    "is_done",
    "random_death",
    "random_duration",
    "random_plan",
    "random_policy",
]

HOUR = 3600.0


class PoolBroke(Exception):
    """The pool broke because another worker died."""


class SimulatedPool(RemotePool):
    """A pool whose workers die, and whose work travels as to any other process."""

    def verdict(self, _work: Future[Any], error: BaseException, /) -> Raised | Lost | Displaced:
        return Displaced() if isinstance(error, PoolBroke) else Lost(str(error))


def end_randomly(chance: random.Random, clock: HandClock) -> Any:
    """End a task in a random way."""
    soon = clock().add(seconds=round(chance.expovariate(1 / 600), 3))
    ends: dict[Any, float] = {
        clock.steady: 65,
        ValueError("x"): 12,
        OSError("x"): 6,
        TimeoutError("its own"): 1,
        KeyboardInterrupt(): 0.5,
        SystemExit(1): 0.5,
        Outcome(Skipped("nothing to do")): 1,
        Outcome(Failed("says so itself")): 1,
        Outcome(ValidationFailed("says so itself")): 1,
        Outcome(Paused("until later", start_time=soon)): 2,
        Outcome(Paused("until a person resumes it")): 1,
        Outcome(Retrying("wants another go", start_time=soon)): 3,
        Outcome(Looped(result=1)): 5,
    }
    (end,) = chance.choices(list(ends), ends.values())
    if isinstance(end, BaseException):
        raise end
    return end()


def random_policy(chance: random.Random) -> Policy:
    """A random policy."""
    one = chance.choice
    # The order of the choices is part of every seed.
    retry = Retry(
        max_retries=one((0, 1, 2, 3, 5)),
        delay=one((0, 1, 30, 600)),
        backoff=one((1, 2, 10)),
        cap=one((None, 1800)),
        jitter=one((0, 0.3, 1)),
        within=one((None, None, None, 2 * HOUR)),
        on=one(((), (), (OSError, "TimeoutError"))),
        max_rescues=one((0, 1, 3)),
    )
    timeout = Timeout(one((None, None, 120, 1200)), one((None, None, None, 3 * HOUR)))
    cache = Cache("result", one((None, None, None, HOUR)))
    return Policy(retry, timeout, cache)


def random_duration(chance: random.Random) -> float:
    """Seconds that a task takes: a minute on average, sometimes hours; some hang."""
    kind = chance.random()
    if kind < 0.003:
        return float("inf")
    return chance.expovariate(1 / (HOUR if kind < 0.013 else 60.0))


def random_death(chance: random.Random) -> BaseException | None:
    """The error of a worker that dies; None for most."""
    kind = chance.random()
    return OSError("killed") if kind < 0.02 else PoolBroke() if kind < 0.03 else None


@attrs.frozen
class Plan:
    """How a run is called, in every life of the process."""

    after: tuple[str, ...] = ()
    trigger_rule: Any = trigger_rules.all_successful
    over: int | None = None
    quorum: Quorum | None = None


def random_plan(chance: random.Random, number: int) -> Plan:
    """A random plan for the run of this number: alone, after two earlier ones, or mapped."""
    kind = chance.random()
    if kind < 0.02:
        quorum = chance.choice((None, Quorum.all(), Quorum.percent(50)))
        return Plan(over=chance.randrange(6), quorum=quorum)
    if kind > 0.1 or number < 10:
        return Plan()
    above = tuple(f"r{chance.randrange(number - 10, number):05}" for _ in range(2))
    trigger_rule = chance.choice((
        trigger_rules.all_successful, trigger_rules.all_finished, trigger_rules.any_successful,
        trigger_rules.some_failed(at_least=1), trigger_rules.manual_only,
    ))  # fmt: skip
    return Plan(tuple(dict.fromkeys(above)), trigger_rule)


def is_done(run: TaskRun) -> bool:
    """Whether nothing is left to do for a run."""
    state: State = run.state
    if isinstance(state, Mapped):
        return all(child is not None and child.is_finished() for child in state.map_states)
    if not state.is_finished() or state.is_looped():
        return False
    if not state.is_failed() or "retry" not in run.allowed:
        return True
    if type(state).__name__ == "TriggerFailed" and not run.history[-1].source.is_running():
        return True
    return run.why_not("retry") is not None
