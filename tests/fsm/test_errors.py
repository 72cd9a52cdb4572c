"""The tree of errors: what each says, carries and promises."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import fsm.errors
from fsm import (
    CallbackError,
    CorruptJournal,
    GuardRejected,
    JournalError,
    LifecycleError,
    StaleRun,
    Step,
    StepInProgress,
    TaskRun,
    TransitionError,
    TransitionNotAllowed,
)
from fsm.errors import (
    InvalidArgument,
    InvalidLifecycle,
    JournalUncertain,
    MissingExtra,
    UnknownEvent,
    UnknownRun,
    did_you_mean,
)
from fsm.lifecycle.guard import Rejection
from fsm.tasks.guards import attempts_left
from states import Cancelled, Failed, Pending, Running, Success

STEP = Step("r", 1, "start", Pending(), Running(), 0, {})

LEAVES = [
    InvalidLifecycle("a"),
    InvalidArgument("a"),
    MissingExtra("a diagram", "diagrams"),
    TransitionNotAllowed("resume", Running(), ["pause", "fail"]),
    GuardRejected("retry", Failed(), [Rejection(attempts_left, "1 of 1 attempts are used", True)]),
    UnknownEvent("retri", ["retry", "start"]),
    StepInProgress("a"),
    StaleRun("r", 2, "fail: Running → Failed"),
    JournalError("a"),
    UnknownRun("r", "runs.db"),
    CorruptJournal("a"),
    JournalUncertain("a"),
    CallbackError.of(STEP, [ValueError("x"), KeyError("y")]),
]


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: type(error).__name__)
def test_every_error_survives_pickling(error: Any) -> None:
    again = pickle.loads(pickle.dumps(error))

    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again).keys() == vars(error).keys()


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: type(error).__name__)
def test_every_error_is_caught_by_the_root(error: Any) -> None:
    with pytest.raises(LifecycleError):
        raise error


@pytest.mark.parametrize(
    ("leaf", "bases"),
    [
        (InvalidLifecycle, {TypeError}),
        (InvalidArgument, {TypeError, ValueError}),
        (MissingExtra, {ImportError}),
        (TransitionNotAllowed, {TransitionError}),
        (GuardRejected, {TransitionError}),
        (UnknownEvent, {TransitionError, LookupError}),
        (StepInProgress, {TransitionError, RuntimeError}),
        (StaleRun, {TransitionError}),
        (UnknownRun, {JournalError, LookupError}),
        (CorruptJournal, {JournalError}),
        (JournalUncertain, {JournalError}),
        (CallbackError, {ExceptionGroup}),
    ],
)
def test_a_leaf_is_also_what_python_calls_it(leaf: type, bases: set[type]) -> None:
    assert all(issubclass(leaf, base) for base in bases)


def test_every_error_of_the_tree_is_public() -> None:
    tree = {LifecycleError}
    while more := {sub for cls in tree for sub in cls.__subclasses__()} - tree:
        tree |= more

    ours = {cls.__name__ for cls in tree if cls.__module__ == "fsm.errors"}

    assert ours <= set(fsm.errors.__all__)


def test_a_transition_not_allowed_says_what_would_work() -> None:
    run = TaskRun()
    run.start()

    with pytest.raises(TransitionNotAllowed) as caught:
        run.resume()

    assert str(caught.value).startswith("cannot resume from Running; from Running one can succeed")
    assert caught.value.event == "resume"
    assert caught.value.source is run.state
    assert caught.value.allowed == run.allowed
    assert isinstance(run.state, Running)


def test_a_final_state_says_that_nothing_would() -> None:
    assert str(TransitionNotAllowed("start", Cancelled(), ())) == (
        "cannot start from Cancelled; Cancelled is final, nothing leads out of it"
    )


def test_a_rejection_names_the_guard_its_reason_and_where_it_is_written() -> None:
    run = TaskRun()
    run.start()
    run.fail()

    with pytest.raises(GuardRejected) as caught:
        run.retry()

    assert "cannot retry from Failed: [attempts left] said no: 1 of 1" in str(caught.value)
    assert caught.value.guards == (attempts_left,)
    assert any("guards.py:" in note for note in caught.value.__notes__)
    assert isinstance(run.state, Failed)


def test_a_misspelt_event_gets_a_hint() -> None:
    run = TaskRun()

    with pytest.raises(UnknownEvent, match=r"'strat' \(did you mean 'start'\?\)") as caught:
        run.trigger("strat")

    assert caught.value.known == tuple(TaskRun.lifecycle.events)
    assert run.history == ()


def test_a_word_like_no_other_gets_no_hint() -> None:
    assert did_you_mean("zzzz", ["retry"]) == ""


def test_a_stale_run_names_the_winner() -> None:
    error = StaleRun("r", 2, "fail: Running → Failed")

    assert (error.run, error.seq, error.winner) == ("r", 2, "fail: Running → Failed")
    assert "step 2 is already fail: Running → Failed" in str(error)


def test_an_unknown_run_names_run_and_journal() -> None:
    error = UnknownRun("r", "runs.db")

    assert str(error) == "no run 'r' in runs.db"
    assert (error.run, error.journal) == ("r", "runs.db")


def test_a_missing_extra_says_how_to_install_it() -> None:
    error = MissingExtra("a picture", "diagrams")

    assert str(error) == "a picture needs the extra 'diagrams': pip install 'runstates[diagrams]'"
    assert (error.what, error.extra) == ("a picture", "diagrams")


def test_a_callback_error_keeps_its_step_when_split() -> None:
    error = CallbackError.of(STEP, [ValueError("x"), KeyError("y")])

    values, others = error.split(ValueError)

    assert values is not None
    assert others is not None
    assert isinstance(values, CallbackError)
    assert values.step is STEP
    assert others.step is STEP
    assert "#1 start: Pending → Running happened, but" in str(error)


def test_except_star_reaches_into_a_callback_error() -> None:
    seen: list[BaseException] = []
    run = TaskRun()

    def fails(run: TaskRun, step: Step) -> None:
        raise KeyError("mine")

    run.after(fails)
    try:
        run.start()
    except* KeyError as group:
        seen.extend(group.exceptions)

    assert len(seen) == 1
    assert isinstance(run.state, Running)


@pytest.mark.parametrize("error", [e for e in LEAVES if isinstance(e, TransitionError)], ids=str)
def test_a_transition_error_means_the_run_did_not_move(error: TransitionError) -> None:
    run = TaskRun()

    def veto(run: TaskRun, step: Step) -> None:
        raise error

    run.before(veto)
    with pytest.raises(type(error)):
        run.start()

    assert (run.state, run.history) == (Pending(), ())
    assert not isinstance(run.state, Success)
