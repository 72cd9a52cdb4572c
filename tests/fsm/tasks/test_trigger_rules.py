"""Triggers: what each makes of the runs upstream, held against the table of the reference."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm import InvalidArgument, TaskRun
from fsm.states import ambient
from fsm.tasks.trigger_rules import (
    Trigger,
    Upstream,
    all_failed,
    all_finished,
    all_successful,
    always_run,
    any_failed,
    any_successful,
    judged,
    manual_only,
    not_all_skipped,
    some_failed,
    some_successful,
)
from fsm.testing import HandClock
from states import (
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
    Retrying,
    Running,
    Skipped,
    State,
    Success,
    TimedOut,
    TriggerFailed,
    ValidationFailed,
)

ENDS: tuple[type[State], ...] = (
    Success, Cached, Skipped, Failed, TimedOut, TriggerFailed, ValidationFailed, Cancelled, Looped,
    Finished,
)  # fmt: skip
UNFINISHED = (Pending, Running, Paused, Retrying, Queued, ClientFailed)

ends = st.sampled_from(ENDS).map(lambda kind: kind())
upstreams = st.lists(ends, max_size=8)

S, F, X, C = Success(), Failed(), Skipped(), Cancelled()
MESSAGES = {
    "all_finished": "some of the upstream tasks were not finished",
    "all_successful": "some of the upstream tasks failed",
    "all_failed": "some of the upstream tasks succeeded",
    "any_successful": "none of the upstream tasks succeeded",
    "any_failed": "none of the upstream tasks failed",
    "some_failed": "thresholds were not met",
    "some_successful": "thresholds were not met",
    "not_all_skipped": "some of the upstream tasks failed",
}
TRIGGERS: dict[str, Trigger] = {
    "all_finished": all_finished,
    "all_successful": all_successful,
    "all_failed": all_failed,
    "any_successful": any_successful,
    "any_failed": any_failed,
    "some_failed": some_failed(at_least=1, at_most=2),
    "some_successful": some_successful(at_least=0.5),
    "not_all_skipped": not_all_skipped,
}
# Which let a run go: the columns are the triggers above, in their order; `s` skips.
TABLE: list[tuple[Sequence[State], str]] = [
    # finished, all: good and bad; any: good and bad; some: bad and good; not all skipped
    ([], "TTT" "TT" "TT" "s"),
    ([Mapped(map_states=[])], "TTT" "FF" "FT" "s"),
    ([Mapped(map_states=[]), Mapped(map_states=[])], "TTT" "FF" "FT" "s"),
    ([Mapped(map_states=[]), S], "TTF" "TF" "FT" "T"),
    ([S], "TTF" "TF" "FT" "T"),
    ([X], "TTF" "TF" "FT" "s"),
    ([F], "TFT" "FT" "TF" "F"),
    ([C], "TFF" "FF" "FF" "F"),
    ([Looped()], "TFF" "FF" "FF" "F"),
    ([Finished()], "TFF" "FF" "FF" "F"),
    ([Cached()], "TTF" "TF" "FT" "T"),
    ([TimedOut()], "TFT" "FT" "TF" "F"),
    ([TriggerFailed()], "TFT" "FT" "TF" "F"),
    ([ValidationFailed()], "TFT" "FT" "TF" "F"),
    ([S, F], "TFF" "TT" "TT" "F"),
    ([S, X], "TTF" "TF" "FT" "T"),
    ([X, X], "TTF" "TF" "FT" "s"),
    ([X, F], "TFF" "TT" "TT" "F"),
    ([F, F, F], "TFT" "FT" "FF" "F"),
    ([F, F, S], "TFF" "TT" "TF" "F"),
    ([Mapped(map_states=[S, F])], "TFF" "TT" "TT" "F"),
    ([Mapped(map_states=[F, F])], "TFT" "FT" "TF" "F"),
    ([Mapped(map_states=[X, X])], "TTF" "TF" "FT" "s"),
    ([Mapped(map_states=[S]), F], "TFF" "TT" "TT" "F"),
    ([Mapped(map_states=[Mapped(map_states=[F])])], "TFT" "FT" "TF" "F"),
    ([Pending()], "FFF" "FF" "FF" "F"),
    ([S, Running()], "FFF" "TF" "FT" "F"),
    ([Mapped(map_states=[S, None])], "FFF" "TF" "FT" "F"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("upstream", "trigger", "passes"),
    [
        pytest.param(upstream, name, passes, id=f"{name}-{number}")
        for number, (upstream, row) in enumerate(TABLE)
        for name, passes in zip(TRIGGERS, row, strict=True)
    ],
)
def test_each_trigger_answers_as_the_reference_does(
    upstream: Sequence[State], trigger: str, passes: str
) -> None:
    answer = TRIGGERS[trigger](upstream)

    if passes == "T":
        assert answer is True
    elif passes == "s":
        assert type(answer) is Skipped
        assert answer.message == "All upstreams were skipped"
    else:
        assert type(answer) is TriggerFailed
        assert answer.message == f'Trigger was "{trigger}" but {MESSAGES[trigger]}.'


def test_always_run_is_all_finished() -> None:
    assert always_run is all_finished


def test_manual_only_pauses() -> None:
    answer = manual_only([S])

    assert type(answer) is Paused
    assert answer.message == 'Trigger function is "manual_only"'


def test_manual_only_passes_on_resumption() -> None:
    with ambient.using(resume=True):
        assert manual_only([]) is True


@pytest.mark.parametrize(
    ("at_least", "at_most", "passing"),
    [
        (None, None, {0, 1, 2, 3, 4}),
        (0, None, {0, 1, 2, 3, 4}),
        (0, 0, {0}),
        (2, None, {2, 3, 4}),
        (None, 2, {0, 1, 2}),
        (1, 3, {1, 2, 3}),
        (0.5, None, {2, 3, 4}),
        (None, 0.5, {0, 1, 2}),
        (0.25, 0.75, {1, 2, 3}),
        (0.3, None, {2, 3, 4}),
        (1.0, None, {1, 2, 3, 4}),
        (None, 1.0, {0, 1}),
        (1.5, None, {2, 3, 4}),
        (5, None, set()),
        (3, 2, set()),
    ],
)
@pytest.mark.parametrize(
    ("make", "end", "other"), [(some_failed, F, S), (some_successful, S, F)], ids=["failed", "good"]
)
def test_thresholds_are_counts_or_below_one_shares(
    make: Callable[..., Trigger],
    end: State,
    other: State,
    at_least: float | None,
    at_most: float | None,
    passing: set[int],
) -> None:
    trigger = make(at_least=at_least, at_most=at_most)

    assert {n for n in range(5) if trigger([end] * n + [other] * (4 - n)) is True} == passing


@pytest.mark.parametrize("make", [some_failed, some_successful])
@pytest.mark.parametrize("field", ["at_least", "at_most"])
@pytest.mark.parametrize("bound", [-1, -0.1, True, False, math.nan, math.inf, "1", 1j, [1]])
def test_a_threshold_that_is_none_is_refused_at_once(
    make: Callable[..., Trigger], field: str, bound: Any
) -> None:
    with pytest.raises(InvalidArgument, match=field):
        make(**{field: bound})


@given(st.integers(1, 60), st.data())
def test_a_share_is_met_exactly_where_the_ratio_reaches_it(total: int, data: st.DataObject) -> None:
    failed = data.draw(st.integers(0, total))
    share = data.draw(st.integers(0, total * 3 - 1).map(lambda part: Fraction(part, total * 3)))
    upstream = [F] * failed + [S] * (total - failed)

    at_least = some_failed(at_least=float(share))(upstream) is True
    at_most = some_failed(at_most=float(share))(upstream) is True

    assert at_least == (Fraction(failed, total) >= share)
    assert at_most == (Fraction(failed, total) <= share)


def test_thresholds_travel() -> None:
    trigger = some_failed(at_least=2)

    assert pickle.loads(pickle.dumps(trigger)) == trigger
    assert repr(trigger) == "some_failed(at_least=2, at_most=None)"


@given(upstreams)
def test_all_is_not_any_of_the_others(upstream: list[State]) -> None:
    assert (all_successful(upstream) is True) == (not any(not s.is_successful() for s in upstream))
    assert (all_failed(upstream) is True) == (not any(not s.is_failed() for s in upstream))


@given(upstreams.filter(bool))
def test_any_is_some_at_least_one(upstream: list[State]) -> None:
    assert (any_failed(upstream) is True) == (some_failed(at_least=1)(upstream) is True)
    assert (any_successful(upstream) is True) == (some_successful(at_least=1)(upstream) is True)


@given(upstreams.filter(bool))
def test_a_mapped_run_counts_as_its_children(upstream: list[State]) -> None:
    for trigger in TRIGGERS.values():
        assert trigger([Mapped(map_states=upstream)]) == trigger(upstream)
        assert judged(trigger, [Mapped(map_states=upstream)]) == judged(trigger, upstream)


@given(upstreams, st.randoms())
def test_the_order_of_runs_does_not_matter(upstream: list[State], random: Any) -> None:
    shuffled = list(upstream)
    random.shuffle(shuffled)

    for trigger in TRIGGERS.values():
        assert trigger(upstream) == trigger(shuffled)


@given(upstreams, st.booleans())
def test_a_judgement_is_a_state_that_a_waiting_run_can_enter(
    upstream: list[State], skips: bool
) -> None:
    for trigger in (*TRIGGERS.values(), manual_only):
        judgement = judged(trigger, upstream, skip_on_upstream_skip=skips)
        run = TaskRun(clock=HandClock())
        if judgement is None:
            run.start()
        else:
            assert type(run.enter(judgement)) is type(judgement)


def test_what_is_judged_are_the_children_of_a_mapped_run() -> None:
    seen: list[Sequence[State]] = []

    def remembering(upstream: Sequence[State]) -> bool:
        seen.append(upstream)
        return True

    assert judged(remembering, [S, Mapped(map_states=[F, C])]) is None
    assert seen == [(S, F, C)]


def test_a_judgement_waits_for_all_upstream() -> None:
    children = Mapped(map_states=[S, None, Running()])

    with pytest.raises(InvalidArgument, match=r"of 4, 2 Pending, 1 Running are not"):
        judged(always_run, [Pending(), children])


@pytest.mark.parametrize("kind", UNFINISHED)
def test_whatever_is_not_finished_is_waited_for(kind: type[State]) -> None:
    with pytest.raises(InvalidArgument, match=kind.__name__):
        judged(always_run, [kind()])


@pytest.mark.parametrize("upstream", [[X, F], [Mapped(map_states=[S, X])], [F, X, C]])
def test_a_skip_upstream_skips_whatever_the_trigger_says(upstream: list[State]) -> None:
    judgement = judged(never_asked, upstream)

    assert type(judgement) is Skipped
    assert judgement.message == skip_message()


def test_a_skip_upstream_can_be_run_after() -> None:
    assert judged(all_successful, [X, S], skip_on_upstream_skip=False) is None


def test_a_failure_beside_a_skip_is_judged_by_the_trigger_if_skips_are_not_followed() -> None:
    assert type(judged(all_successful, [X, F], skip_on_upstream_skip=False)) is TriggerFailed


@pytest.mark.parametrize("answer", [False, None, 0, "", []])
def test_a_trigger_that_says_no_fails_the_run(answer: Any) -> None:
    judgement = judged(lambda upstream: answer, [S])

    assert type(judgement) is TriggerFailed
    assert judgement.message == "Trigger failed"


@pytest.mark.parametrize("answer", ["because", 1, [S], TriggerFailed, object()])
def test_a_trigger_that_says_something_else_fails_the_run(answer: Any) -> None:
    judgement = judged(lambda upstream: answer, [S])

    assert type(judgement) is TriggerFailed
    assert "which is not True, False or a state" in judgement.message


def test_an_async_trigger_fails_the_run_without_being_left_behind() -> None:
    async def later(upstream: Sequence[State]) -> bool:
        return True

    trigger: Any = later
    judgement = judged(trigger, [S])

    assert type(judgement) is TriggerFailed
    assert "coroutine" in judgement.message


def test_a_trigger_names_the_state_to_enter() -> None:
    wanted = Cancelled("not on Sundays")

    assert judged(lambda upstream: wanted, [S]) is wanted


def test_a_trigger_that_raises_fails_the_run() -> None:
    error = KeyError("weather")

    judgement = judged(raising(error), [S])

    assert type(judgement) is TriggerFailed
    assert judgement.message == (
        "Unexpected error while checking task trigger: KeyError('weather')"
    )
    assert judgement.result is error


def test_an_answer_whose_truth_cannot_be_told_fails_the_run() -> None:
    class Torn:
        def __bool__(self) -> bool:
            raise ValueError("both")

    torn: Any = Torn()
    judgement = judged(lambda upstream: torn, [S])

    assert type(judgement) is TriggerFailed
    assert judgement.message.endswith("ValueError('both')")


def test_an_error_that_cannot_say_what_it_is_fails_the_run() -> None:
    class Mute(Exception):
        def __repr__(self) -> str:
            raise RuntimeError

    judgement = judged(raising(Mute()), [S])

    assert type(judgement) is TriggerFailed
    assert "Mute" in judgement.message


def test_what_a_trigger_raises_has_room() -> None:
    judgement = judged(raising(ValueError("x" * 1_000_000)), [S])

    assert judgement is not None
    assert len(judgement.message) < 10_100


def test_an_interrupt_in_a_trigger_is_passed_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        judged(raising(KeyboardInterrupt()), [S])


@pytest.mark.parametrize("upstream", [[None], ["Success"], [Success], [TaskRun], 7, S, {"a": S}])
def test_upstream_are_states(upstream: Any) -> None:
    with pytest.raises(InvalidArgument, match="upstream of a run are states"):
        judged(always_run, upstream)


@pytest.mark.parametrize("trigger", [None, "all_successful", S])
def test_a_trigger_is_called(trigger: Any) -> None:
    with pytest.raises(InvalidArgument, match="a trigger is called"):
        judged(trigger, [S])


def test_an_expanded_upstream_stays_as_it_is() -> None:
    upstream = Upstream.of([Mapped(map_states=[])])

    assert Upstream.of(upstream) is upstream
    assert (tuple(upstream), upstream.runs) == ((), 1)


def never_asked(upstream: Sequence[State]) -> bool:
    raise AssertionError("a skip comes before the trigger")


def raising(error: BaseException) -> Trigger:
    def trigger(upstream: Sequence[State]) -> bool:
        raise error

    return trigger


def skip_message() -> str:
    """What the reference says of it."""
    golden = Path(__file__).parents[1] / "golden" / "transitions.json"
    rules = json.loads(golden.read_text())["rules"]
    return next(str(rule["message"]) for rule in rules if rule["id"] == "T02")
