"""Restored equals saved: runs walked at random through the table, in every journal."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsm import CallbackError, TaskRun, TransitionError
from fsm.journal import Journal
from fsm.operations import verify
from fsm.testing import HandClock
from states import Cached, Failed, Result, Scheduled, Success

EXAMPLES = int(os.environ.get("FSM_EXAMPLES", "100"))

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(TEXTS | st.integers(), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
        | st.builds(ValueError, inner)
        | st.builds(Result, inner, TEXTS)
        | st.builds(Failed, TEXTS, inner)
    ),
    max_leaves=6,
).filter(lambda value: not isinstance(value, int) or abs(value) < 2**63)
NAMES = st.dictionaries(TEXTS, VALUES, max_size=3)
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "message": TEXTS | VALUES,
        "result": VALUES,
        "context": NAMES,
        "cached_inputs": NAMES,
    },
)
EVENTS = sorted(TaskRun.lifecycle.events)
WALKS = st.lists(
    st.tuples(st.sampled_from(EVENTS), PAYLOADS, st.floats(-3, 3600), st.booleans()), max_size=12
)
POLICIES = st.fixed_dictionaries(
    {
        "max_retries": st.integers(0, 3),
        "retry_delay": st.floats(0, 60),
        "timeout": st.none() | st.floats(0, 60),
        "cache_for": st.none() | st.floats(0, 60),
        "max_rescues": st.integers(0, 3),
    }
)
BEGINNINGS = (
    st.none()
    | st.builds(Scheduled, TEXTS, context=NAMES, cached_inputs=NAMES)
    | st.builds(Success, TEXTS, VALUES)
    | st.builds(Cached, TEXTS, VALUES, cached_parameters=VALUES)
)


def too_big(payload: Any) -> bool:
    """Whether it holds a number that no journal keeps."""
    if isinstance(payload, dict):
        return any(map(too_big, (*payload, *payload.values())))
    if isinstance(payload, list | tuple | frozenset):
        return any(map(too_big, payload))
    if isinstance(payload, ValueError):
        return too_big(payload.args)
    if isinstance(payload, Result):
        return too_big(payload.value)
    if isinstance(payload, Failed):
        return too_big(payload.result)
    return isinstance(payload, int) and abs(payload) >= 2**63


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)
@given(
    walk=WALKS.filter(lambda walk: not any(too_big(payload) for _, payload, _, _ in walk)),
    policy=POLICIES,
    begins=BEGINNINGS.filter(
        lambda state: (
            state is None
            or (
                not too_big([state.result, dict(state.context), dict(state.cached_inputs)])
                and not too_big(getattr(state, "cached_parameters", None))
            )
        )
    ),
)
def test_a_restored_run_equals_the_saved_one(
    journal: Journal, written: Callable[[Any], Any], walk: Any, policy: Any, begins: Any
) -> None:
    clock = HandClock()
    run = TaskRun(journal=journal, clock=clock, state=begins, policy=policy)
    for number, (event, payload, seconds, keyed) in enumerate(walk):
        clock.advance(seconds=round(seconds))
        try:
            if keyed:
                run.once(f"request {number}", event, **payload)
            else:
                run.trigger(event, **payload)
        except (TransitionError, TypeError, CallbackError):
            continue  # not from here, not with this; the run did not move

    if not run.history:
        return
    again = TaskRun.restore(run.id, journal, clock=clock)

    assert [written(step) for step in again.history] == [written(step) for step in run.history]
    assert [step.key for step in again.history] == [step.key for step in run.history]
    assert again.state == run.state
    assert again.policy == run.policy
    assert (again.attempts, again.rescues, again.loop_count) == (
        run.attempts, run.rescues, run.loop_count,
    )  # fmt: skip
    assert again.deadline == run.deadline
    assert again.allowed == run.allowed
    summary = journal.summary(run.id)
    assert (summary.state, summary.steps) == (type(run.state).__name__, len(run.history))
    assert (summary.deadline is None) == (run.deadline is None)


def test_a_journal_of_random_runs_is_sound(journal: Journal) -> None:
    @settings(max_examples=20, deadline=None)
    @given(walk=st.lists(st.sampled_from(EVENTS), max_size=12))
    def walked(walk: list[str]) -> None:
        run = TaskRun(journal=journal, max_retries=3)
        for event in walk:
            if event in run.allowed and run.why_not(event) is None:
                run.trigger(event)

    walked()

    assert list(verify(journal)) == []


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\0b"], ids=ascii)
def test_a_state_that_no_database_can_keep_is_refused_and_nothing_is_lost(
    journal: Journal, text: str
) -> None:
    if not journal.blocking:
        pytest.skip("memory keeps what no database could")
    run = TaskRun("r", journal=journal)
    run.start()

    for payload in ({"message": text}, {"context": {text: 1}}):
        with pytest.raises(TypeError, match="NUL or a lone surrogate"):
            run.succeed(**payload)

    run.succeed()
    assert journal.summary("r").steps == 2
