"""Trigger rules: what each answers for the runs upstream, compared with the reference's table."""

from __future__ import annotations

import json
import math
import pickle
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsm
from fsm import TaskRun
from fsm.errors import InvalidArgument
from fsm.states import ambient
from fsm.tasks.trigger_rules import (
    TriggerRule,
    Upstream,
    all_failed,
    all_finished,
    all_successful,
    always_run,
    any_failed,
    any_successful,
    judge,
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
RULES: dict[str, TriggerRule] = {
    "all_finished": all_finished,
    "all_successful": all_successful,
    "all_failed": all_failed,
    "any_successful": any_successful,
    "any_failed": any_failed,
    "some_failed": some_failed(at_least=1, at_most=2),
    "some_successful": some_successful(at_least=0.5),
    "not_all_skipped": not_all_skipped,
}
# Which rule lets a run start: one column for each rule above, in their order; `s` skips.
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
    ("upstream", "rule", "passes"),
    [
        pytest.param(upstream, name, passes, id=f"{name}-{number}")
        for number, (upstream, row) in enumerate(TABLE)
        for name, passes in zip(RULES, row, strict=True)
    ],
)
def test_each_rule_answers_as_the_reference_does(
    upstream: Sequence[State], rule: str, passes: str
) -> None:
    answer = RULES[rule](upstream)

    if passes == "T":
        assert answer is True
    elif passes == "s":
        assert type(answer) is Skipped
        assert answer.message == "All upstreams were skipped"
    else:
        assert type(answer) is TriggerFailed
        assert answer.message == f'Trigger was "{rule}" but {MESSAGES[rule]}.'


def test_fsm_gives_the_module_of_rules() -> None:
    assert fsm.trigger_rules is sys.modules["fsm.tasks.trigger_rules"]
    assert "trigger_rules" in dir(fsm)


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
    make: Callable[..., TriggerRule],
    end: State,
    other: State,
    at_least: float | None,
    at_most: float | None,
    passing: set[int],
) -> None:
    rule = make(at_least=at_least, at_most=at_most)

    assert {n for n in range(5) if rule([end] * n + [other] * (4 - n)) is True} == passing


@pytest.mark.parametrize("make", [some_failed, some_successful])
@pytest.mark.parametrize("field", ["at_least", "at_most"])
@pytest.mark.parametrize("bound", [-1, -0.1, True, False, math.nan, math.inf, "1", 1j, [1]])
def test_a_threshold_that_is_not_a_number_of_runs_is_refused_when_the_rule_is_made(
    make: Callable[..., TriggerRule], field: str, bound: Any
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


def test_rules_with_thresholds_can_be_pickled() -> None:
    rule = some_failed(at_least=2)

    assert pickle.loads(pickle.dumps(rule)) == rule
    assert repr(rule) == "some_failed(at_least=2, at_most=None)"


@given(upstreams)
def test_all_passes_when_no_run_ended_otherwise(upstream: list[State]) -> None:
    assert (all_successful(upstream) is True) == (not any(not s.is_successful() for s in upstream))
    assert (all_failed(upstream) is True) == (not any(not s.is_failed() for s in upstream))


@given(upstreams.filter(bool))
def test_any_equals_some_with_at_least_one(upstream: list[State]) -> None:
    assert (any_failed(upstream) is True) == (some_failed(at_least=1)(upstream) is True)
    assert (any_successful(upstream) is True) == (some_successful(at_least=1)(upstream) is True)


@given(upstreams.filter(bool))
def test_a_mapped_run_counts_as_its_children(upstream: list[State]) -> None:
    for rule in RULES.values():
        assert rule([Mapped(map_states=upstream)]) == rule(upstream)
        assert judge(rule, [Mapped(map_states=upstream)]) == judge(rule, upstream)


@given(upstreams, st.randoms())
def test_the_order_of_runs_does_not_matter(upstream: list[State], random: Any) -> None:
    shuffled = list(upstream)
    random.shuffle(shuffled)

    for rule in RULES.values():
        assert rule(upstream) == rule(shuffled)


@given(upstreams, st.booleans())
def test_a_waiting_run_can_enter_the_state_that_a_rule_returns(
    upstream: list[State], skips: bool
) -> None:
    for rule in (*RULES.values(), manual_only):
        judgement = judge(rule, upstream, skip_on_upstream_skip=skips)
        run = TaskRun(clock=HandClock())
        if judgement is None:
            run.start()
        else:
            assert type(run.enter(judgement)) is type(judgement)


def test_a_rule_is_given_the_children_of_a_mapped_run() -> None:
    seen: list[Sequence[State]] = []

    def remembering(upstream: Sequence[State]) -> bool:
        seen.append(upstream)
        return True

    assert judge(remembering, [S, Mapped(map_states=[F, C])]) is None
    assert seen == [(S, F, C)]


def test_runs_upstream_must_be_finished() -> None:
    children = Mapped(map_states=[S, None, Running()])

    with pytest.raises(InvalidArgument, match=r"of 4, 2 Pending, 1 Running are not"):
        judge(always_run, [Pending(), children])


@pytest.mark.parametrize("kind", UNFINISHED)
def test_every_unfinished_state_upstream_is_refused(kind: type[State]) -> None:
    with pytest.raises(InvalidArgument, match=kind.__name__):
        judge(always_run, [kind()])


@pytest.mark.parametrize("upstream", [[X, F], [Mapped(map_states=[S, X])], [F, X, C]])
def test_a_skip_upstream_skips_without_asking_the_rule(upstream: list[State]) -> None:
    judgement = judge(never_asked, upstream)

    assert type(judgement) is Skipped
    assert judgement.message == skip_message()


def test_a_run_can_start_after_a_skip_upstream() -> None:
    assert judge(all_successful, [X, S], skip_on_upstream_skip=False) is None


def test_the_rule_judges_a_failure_beside_a_skip_if_skips_are_not_followed() -> None:
    assert type(judge(all_successful, [X, F], skip_on_upstream_skip=False)) is TriggerFailed


@pytest.mark.parametrize("answer", [False, None, 0, "", []])
def test_a_falsy_answer_fails_the_run(answer: Any) -> None:
    judgement = judge(lambda upstream: answer, [S])

    assert type(judgement) is TriggerFailed
    assert judgement.message == "Trigger failed"


@pytest.mark.parametrize("answer", ["because", 1, [S], TriggerFailed, object()])
def test_an_answer_that_is_not_true_false_or_a_state_fails_the_run(answer: Any) -> None:
    judgement = judge(lambda upstream: answer, [S])

    assert type(judgement) is TriggerFailed
    assert "which is not True, False or a state" in judgement.message


def test_an_async_rule_fails_the_run_and_its_coroutine_is_closed() -> None:
    async def later(upstream: Sequence[State]) -> bool:
        return True

    rule: Any = later
    judgement = judge(rule, [S])

    assert type(judgement) is TriggerFailed
    assert "coroutine" in judgement.message


def test_a_rule_can_return_the_state_to_enter() -> None:
    wanted = Cancelled("not on Sundays")

    assert judge(lambda upstream: wanted, [S]) is wanted


def test_a_rule_that_raises_fails_the_run() -> None:
    error = KeyError("weather")

    judgement = judge(raising(error), [S])

    assert type(judgement) is TriggerFailed
    assert judgement.message == (
        "Unexpected error while checking task trigger: KeyError('weather')"
    )
    assert judgement.result is error


def test_an_answer_whose_bool_raises_fails_the_run() -> None:
    class Torn:
        def __bool__(self) -> bool:
            raise ValueError("both")

    torn: Any = Torn()
    judgement = judge(lambda upstream: torn, [S])

    assert type(judgement) is TriggerFailed
    assert judgement.message.endswith("ValueError('both')")


def test_an_error_whose_repr_raises_fails_the_run() -> None:
    class Mute(Exception):
        def __repr__(self) -> str:
            raise RuntimeError

    judgement = judge(raising(Mute()), [S])

    assert type(judgement) is TriggerFailed
    assert "Mute" in judgement.message


def test_the_message_of_an_error_is_bounded() -> None:
    judgement = judge(raising(ValueError("x" * 1_000_000)), [S])

    assert judgement is not None
    assert len(judgement.message) < 10_100


def test_an_interrupt_in_a_rule_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt):
        judge(raising(KeyboardInterrupt()), [S])


@pytest.mark.parametrize("upstream", [[None], ["Success"], [Success], [TaskRun], 7, S, {"a": S}])
def test_upstream_must_be_states(upstream: Any) -> None:
    with pytest.raises(InvalidArgument, match="upstream of a run are states"):
        judge(always_run, upstream)


@pytest.mark.parametrize("rule", [None, "all_successful", S])
def test_what_cannot_be_called_is_refused(rule: Any) -> None:
    with pytest.raises(InvalidArgument, match="a trigger rule is a function"):
        judge(rule, [S])


def test_an_upstream_is_not_expanded_again() -> None:
    upstream = Upstream.of([Mapped(map_states=[])])

    assert Upstream.of(upstream) is upstream
    assert (tuple(upstream), upstream.runs) == ((), 1)


def never_asked(upstream: Sequence[State]) -> bool:
    raise AssertionError("a skip comes before the rule")


def raising(error: BaseException) -> TriggerRule:
    def rule(upstream: Sequence[State]) -> bool:
        raise error

    return rule


def skip_message() -> str:
    """The message of the reference."""
    golden = Path(__file__).parents[2] / "golden" / "transitions.json"
    rules = json.loads(golden.read_text())["rules"]
    return next(str(rule["message"]) for rule in rules if rule["id"] == "T02")
