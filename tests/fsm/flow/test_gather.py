"""`gather`: a graph of tasks is performed under the lifecycle of one run for the whole graph."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from fsm import JournalError, MemoryJournal, Quorum, Runner, TaskRun, task
from fsm.errors import InvalidArgument
from fsm.execution import scheduler as scheduler_room
from fsm.flow.gather import gather
from fsm.flow.node import Node
from fsm.journal import Journal, open_journal
from fsm.states import ambient
from fsm.tasks.trigger_rules import all_finished, any_failed, manual_only
from fsm.testing import HandClock, Recorder
from states import (
    Cancelled,
    Failed,
    Mapped,
    Paused,
    Pending,
    Running,
    Skipped,
    State,
    Success,
    TriggerFailed,
)


@task
def load(number: int = 1) -> list[int]:
    return [number, number + 1]


@task
def double(numbers: list[int]) -> list[int]:
    return [2 * number for number in numbers]


@task
def join(one: list[int], other: list[int]) -> list[int]:
    return one + other


def broken(*_: Any) -> None:
    raise ValueError("no")


class Calls:
    """Tasks that remember in which order they were called."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._lock = threading.Lock()

    def of(self, name: str, outcome: Any = None) -> Any:
        """A task of this name; what it is given is left alone."""

        def called(*_: Any) -> Any:
            with self._lock:
                self.names.append(name)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome() if callable(outcome) else outcome

        called.__name__ = name
        return called


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture(params=["memory:", "sqlite:"])
def journal(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Journal]:
    url = "memory:" if request.param == "memory:" else f"sqlite:///{tmp_path}/runs.db"
    with open_journal(url) as opened:
        yield opened


def state_of(journal: Journal, id: str) -> str:
    return journal.summary(id).state


# What is run, and in which order.


def test_results_flow_from_node_to_node() -> None:
    loaded = load.bind(3)

    state = gather(join.bind(double.bind(loaded), loaded))

    assert type(state) is Success
    assert state.message == "All reference tasks succeeded."
    assert state.result == {"join": [6, 8, 3, 4]}


def test_a_diamond_runs_each_node_once_after_those_above(calls: Calls) -> None:
    top = Node(calls.of("top"))
    left, right = Node(calls.of("left"), (top,)), Node(calls.of("right"), (top,))

    gather(Node(calls.of("bottom"), (left, right)))

    assert sorted(calls.names) == ["bottom", "left", "right", "top"]
    assert (calls.names[0], calls.names[-1]) == ("top", "bottom")


def test_nodes_by_name_come_after_names(calls: Calls) -> None:
    gather({"c": Node(calls.of("c"), after=["b"]), "b": Node(calls.of("b"), after="a"),
            "a": calls.of("a")})  # fmt: skip

    assert calls.names == ["a", "b", "c"]


def test_the_id_of_a_node_s_run_is_that_of_the_graph_and_its_name(journal: Journal) -> None:
    run = TaskRun("nightly", journal=journal)

    gather({"load": load, "all": join.bind(load.bind(), double.bind(load.bind(5)))}, run=run)

    assert sorted(row.run for row in journal.runs()) == [
        "nightly", "nightly/all", "nightly/double", "nightly/load", "nightly/load-2",
        "nightly/load-3",
    ]  # fmt: skip
    restored = type(load.new()).restore("nightly/load-2", journal)
    assert restored.state.result == [1, 2]


def test_the_run_of_a_task_has_its_class_and_its_policy(clock: HandClock, calls: Calls) -> None:
    left = [ValueError(), None]

    def flaky() -> None:
        error = left.pop(0)
        if error is not None:
            raise error

    run, journal = TaskRun("w", journal=MemoryJournal(), clock=clock), None

    state = gather(task(max_retries=1, retry_delay=60)(flaky).bind(), run=run, journal=journal)

    assert type(state) is Success
    assert (run.history[-1].at - run.history[0].at).total_seconds() == 60


def test_a_node_is_mapped_over_the_result_of_another(journal: Journal) -> None:
    run = TaskRun("w", journal=journal)
    squares = Node(lambda number: number**2).each(load.bind(4), quorum=Quorum.all()).with_name("sq")

    state = gather(Node(sum, (squares,)), run=run)

    assert state.result == {"sum": 41}
    assert state_of(journal, "w/sq[1]") == "Success"


def test_the_nodes_of_a_claimed_graph_are_kept_in_its_journal(journal: Journal) -> None:
    TaskRun("w", journal=journal).submit()
    (claim,) = journal.claim(owner="worker", run="w")

    state = gather(load.bind(), run=TaskRun.restore("w", claim))

    assert type(state) is Success
    assert state_of(journal, "w/load") == "Success"


def test_an_empty_graph_succeeds() -> None:
    assert gather([]).result == {}


def test_the_run_of_a_graph_calls_its_listeners(clock: HandClock) -> None:
    run = TaskRun(clock=clock)
    recorder = run.after(Recorder())

    gather(load.bind(), run=run)

    assert recorder.events == ["start", "succeed"]
    assert recorder.steps[0].dest.message == "Running flow."


def test_the_runner_s_workers_are_used(calls: Calls) -> None:
    both = threading.Barrier(2)
    nodes = [Node(lambda: both.wait(10)) for _ in range(2)]

    with Runner(workers=2) as runner:
        assert type(gather(nodes, runner=runner)) is Success


# How the whole ends.


def test_a_failed_reference_fails_the_graph() -> None:
    state = gather({"bad": broken, "good": load})

    assert type(state) is Failed
    assert state.message == "Some reference tasks failed."
    assert state.result == {"bad": "Failed: Unexpected error: ValueError('no')"}


def test_a_failed_node_fails_the_trigger_rules_below_it() -> None:
    run = TaskRun("w", journal=MemoryJournal())

    state = gather(double.bind(double.bind(Node(broken))), run=run)

    assert state.result == {
        "double-2": 'TriggerFailed: Trigger was "all_successful" but some of the upstream tasks '
        "failed."
    }
    assert state_of(run.journal, "w/double") == "TriggerFailed"  # type: ignore[arg-type]  # a Journal


def test_a_cancelled_reference_cancels_the_graph() -> None:
    state = gather({"stopped": lambda: Cancelled("enough"), "good": load})

    assert type(state) is Cancelled
    assert state.message == "Some reference tasks were cancelled."
    assert state.result == {"stopped": "Cancelled: enough"}


def test_a_failure_is_reported_before_a_cancellation() -> None:
    assert type(gather({"stopped": lambda: Cancelled(), "bad": broken})) is Failed


def test_a_skipped_reference_counts_as_successful() -> None:
    state = gather(double.bind(Node(lambda: Skipped("no news"))))

    assert type(state) is Success
    assert state.result == {"double": None}


def test_a_mapped_reference_counts_by_its_children() -> None:
    state = gather(Node(lambda number: 1 // number).each([1, 0]).with_name("each"))

    assert type(state) is Failed
    assert list(state.result) == ["each"]


def test_a_node_that_is_not_a_reference_may_fail() -> None:
    good = load.bind()

    state = gather([good, Node(broken, (good,))], reference=good)

    assert type(state) is Success
    assert state.result == {"load": [1, 2]}


def test_a_reference_can_be_named() -> None:
    assert type(gather({"bad": broken, "good": load}, reference="good")) is Success


# Triggers and skips.


@pytest.mark.parametrize(("outcome", "end"), [(ValueError(), Success), (1, TriggerFailed)])
def test_a_cleanup_runs_only_if_a_node_has_failed(
    calls: Calls, outcome: Any, end: type[State], clock: HandClock
) -> None:
    run = TaskRun("w", journal=MemoryJournal(), clock=clock)
    work = Node(calls.of("work", outcome))

    gather(Node(calls.of("cleanup")).after(work, trigger_rule=any_failed), run=run)

    assert state_of(run.journal, "w/cleanup") == end.__name__  # type: ignore[arg-type]  # a Journal


def test_a_node_with_all_finished_runs_after_all_others(calls: Calls) -> None:
    above = [Node(calls.of("good")), Node(calls.of("bad", ValueError()))]

    state = gather(Node(calls.of("last")).after(*above, trigger_rule=all_finished))

    assert type(state) is Success
    assert calls.names[-1] == "last"


def test_skips_cascade_down_to_a_node_that_ignores_them(calls: Calls) -> None:
    skipped = Node(calls.of("first", lambda: Skipped()))
    second = Node(calls.of("second"), (skipped,))
    third = Node(calls.of("third")).after(second, skip_on_upstream_skip=False)

    state = gather([second, third])

    assert calls.names == ["first", "third"]
    assert type(state) is Success


@pytest.mark.parametrize(
    ("above", "end"), [(broken, "TriggerFailed"), (lambda: Skipped(), "Skipped")]
)
def test_the_trigger_rule_of_a_mapped_node_comes_before_its_inputs(above: Any, end: str) -> None:
    run = TaskRun("w", journal=MemoryJournal())

    gather(double.bind().each(Node(above)), run=run)

    assert state_of(run.journal, "w/double") == end  # type: ignore[arg-type]  # a Journal


# Paused, and gathered again.


def test_a_manual_node_leaves_the_graph_running_until_it_is_resumed(
    journal: Journal, calls: Calls
) -> None:
    graph = {
        "build": calls.of("build"),
        "deploy": Node(calls.of("deploy"), after="build", trigger_rule=manual_only),
        "tell": Node(calls.of("tell"), after="deploy"),
    }

    waiting = gather(graph, run=TaskRun("w", journal=journal))

    assert type(waiting) is Running
    assert state_of(journal, "w") == "Running"
    assert type(TaskRun.restore("w/deploy", journal).state) is Paused

    TaskRun.restore("w/deploy", journal).resume()
    state = gather(graph, run=TaskRun("w", journal=journal))

    assert type(state) is Success
    assert calls.names == ["build", "deploy", "tell"]
    assert [step.event for step in TaskRun.restore("w", journal).history] == ["start", "succeed"]


def test_a_paused_node_leaves_the_graph_running_even_if_it_is_not_a_reference() -> None:
    state = gather({"a": load, "b": lambda: Paused()}, reference="a")

    assert type(state) is Running


def test_a_paused_child_leaves_the_graph_running(journal: Journal, calls: Calls) -> None:
    mapped = Node(lambda number: Paused() if number else number).each([0, 1]).with_name("mapped")

    state = gather(Node(calls.of("below"), (mapped,)), run=TaskRun("w", journal=journal))

    assert type(state) is Running
    assert calls.names == []


def test_a_graph_that_has_ended_is_not_performed_again(journal: Journal, calls: Calls) -> None:
    gather(Node(calls.of("a")), run=TaskRun("w", journal=journal))

    again = gather(Node(calls.of("a")), run=TaskRun("w", journal=journal))

    assert type(again) is Success
    assert calls.names == ["a"]
    assert len(list(journal.steps("w"))) == 2


def test_a_paused_graph_is_not_performed(calls: Calls) -> None:
    run = TaskRun()
    run.pause()

    assert gather(Node(calls.of("a")), run=run) is run.state
    assert calls.names == []


# A crash half way.


class PowerCut(BaseException):
    """No task's error: it ends the thread that decides."""


def cut(journal: Journal, run: str, event: str, error: BaseException) -> pytest.MonkeyPatch:
    """Have *journal* raise once it has kept a step; undo that to go on."""
    keep = journal.append

    def append(step: Any, *args: Any, **more: Any) -> None:
        keep(step, *args, **more)
        if (step.run, step.event) == (run, event):
            raise error

    patch = pytest.MonkeyPatch()
    patch.setattr(journal, "append", append)
    return patch


@pytest.mark.parametrize("event", ["start", "succeed"])
@pytest.mark.parametrize("victim", ["w", "w/n0", "w/n2", "w/n5"])
def test_finished_nodes_are_not_repeated_after_a_crash(
    journal: Journal, calls: Calls, victim: str, event: str
) -> None:
    chain = Node(calls.of("n0"))
    for number in range(1, 6):
        chain = Node(calls.of(f"n{number}"), (chain,))
    power = cut(journal, victim, event, PowerCut())
    with pytest.raises(PowerCut):
        gather(chain, run=TaskRun("w", journal=journal))
    power.undo()

    state = gather(chain, run=TaskRun("w", journal=journal))

    assert type(state) is Success
    assert calls.names == [f"n{number}" for number in range(6)]


def test_a_node_that_lost_its_worker_starts_again(journal: Journal, calls: Calls) -> None:
    TaskRun("w", journal=journal).start()
    TaskRun("w/a", journal=journal).start()

    state = gather(Node(calls.of("a")), run=TaskRun("w", journal=journal))

    assert type(state) is Success
    events = [step.event for step in TaskRun.restore("w/a", journal).history]
    assert events == ["start", "rescue", "start", "succeed"]


def test_a_rerun_of_a_graph_repeats_its_failed_nodes(
    journal: Journal, clock: HandClock, calls: Calls
) -> None:
    outcomes = iter([ValueError(), None])

    def flaky() -> None:
        calls.of("flaky", next(outcomes))()

    above = Node(calls.of("above"))
    graph = Node(calls.of("below")).after(Node(flaky).after(above))
    run = TaskRun("w", journal=journal, clock=clock)
    assert type(gather(graph, run=run)) is Failed

    run.trigger("rerun")
    state = gather(graph, run=run)

    assert type(state) is Success
    assert calls.names == ["above", "flaky", "flaky", "below"]


def test_a_graph_is_retried_by_its_policy(clock: HandClock, calls: Calls) -> None:
    outcomes = iter([ValueError(), None])
    run = TaskRun("w", clock=clock, max_retries=1, retry_delay=60)

    state = gather({"a": lambda: calls.of("a", next(outcomes))(), "b": calls.of("b")}, run=run)

    assert type(state) is Success
    assert sorted(calls.names) == ["a", "a", "b"]
    assert [step.event for step in run.history] == ["start", "fail", "retry", "start", "succeed"]


# Interrupted, cancelled.


def test_an_interrupt_cancels_the_graph(journal: Journal, calls: Calls) -> None:
    power = cut(journal, "w/a", "start", KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        gather(Node(calls.of("b"), (Node(calls.of("a")),)), run=TaskRun("w", journal=journal))

    power.undo()
    assert state_of(journal, "w") == state_of(journal, "w/a") == "Cancelled"
    assert calls.names == []


def test_cancelling_a_graph_from_another_process_stops_its_nodes(
    journal: Journal, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_room, "_LOOK", 0.0)
    released = threading.Event()

    def cancel() -> None:
        TaskRun.restore("w", journal).cancel(message="enough")
        calls.of("cancel")()

    nodes = {
        "cancel": cancel,
        "hangs": lambda: released.wait(10),
        "below": Node(calls.of("below"), after="cancel"),
        "far": Node(calls.of("far"), after=["below", "hangs"]),
    }

    with Runner(workers=2) as runner:
        state = gather(nodes, run=TaskRun("w", journal=journal), runner=runner)
    released.set()

    assert (type(state), state.message) == (Cancelled, "enough")
    assert state_of(journal, "w/hangs") == "Cancelled"
    assert "far" not in calls.names


def test_a_graph_that_a_listener_ends_starts_no_more_nodes(calls: Calls) -> None:
    run = TaskRun()
    graph = Node(calls.of("b"), (Node(calls.of("a", lambda: run.cancel() and None)),))

    state = gather(graph, run=run)

    assert type(state) is Cancelled
    assert calls.names == ["a"]


def test_pausing_a_graph_does_not_pause_its_nodes(
    journal: Journal, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_room, "_LOOK", 0.0)

    def pause() -> None:
        TaskRun.restore("w", journal).pause()

    graph = Node(calls.of("b")).after(Node(pause))

    paused = gather(graph, run=TaskRun("w", journal=journal))
    TaskRun.restore("w", journal).resume()
    state = gather(graph, run=TaskRun("w", journal=journal))

    assert (type(paused), type(state)) == (Paused, Success)
    assert calls.names == ["b"]


# What goes wrong.


class FullDisk(MemoryJournal):
    """Keeps no step of one run."""

    def __init__(self, of: str) -> None:
        super().__init__()
        self.of = of

    def append(self, step: Any, of: Any = None, **more: Any) -> None:
        if step.run == self.of:
            raise JournalError("the disk is full")
        super().append(step, of, **more)


def test_a_node_whose_step_cannot_be_kept_leaves_the_graph_running(calls: Calls) -> None:
    journal = FullDisk("w/bad")
    graph = [Node(calls.of("below")).after(Node(calls.of("bad"))), Node(calls.of("good"))]

    with pytest.raises(JournalError, match="the disk is full"):
        gather(graph, run=TaskRun("w", journal=journal))

    assert calls.names == ["good"]
    assert state_of(journal, "w") == "Running"
    journal.of = ""
    assert type(gather(graph, run=TaskRun("w", journal=journal))) is Success
    assert sorted(calls.names) == ["bad", "below", "good"]


def test_results_that_are_too_long_together_are_kept_by_their_nodes_only(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with open_journal(f"sqlite:///{tmp_path}/runs.db") as journal:
        run = TaskRun("w", journal=journal)
        nodes = {f"n{number}": lambda: "x" * 6_000_000 for number in range(3)}

        state = gather(nodes, run=run)

        assert (type(state), state.result) == (Success, None)
        assert "only its nodes keep their results" in caplog.text
        assert len(TaskRun.restore("w/n1", journal).state.result) == 6_000_000


@pytest.mark.parametrize(
    "name", ["", "a/b", "a[0]", "a\nb", "x" * 200, "\ud800", "../..", "a\0"], ids=ascii
)
def test_a_hostile_name_is_refused_before_anything_starts(name: str, calls: Calls) -> None:
    run = TaskRun("w", journal=MemoryJournal())

    with pytest.raises(InvalidArgument):
        gather({"good": calls.of("good"), name: calls.of("bad")}, run=run)

    assert calls.names == []
    assert type(run.state) is Pending
    assert list(run.journal.runs()) == []  # type: ignore[union-attr]  # a Journal


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: gather({"a": Node(load, after="b"), "b": Node(load, after="a")}),
        lambda: gather({"a": Node(load, after="c")}),
        lambda: gather(load.bind(), run="w"),  # type: ignore[arg-type]  # wrong on purpose
        lambda: gather(load.bind(), run=TaskRun(), journal=MemoryJournal()),
        lambda: gather(load.bind(), reference="other"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_refused_before_anything_starts(wrong: Any) -> None:
    with pytest.raises(InvalidArgument):
        wrong()


def test_an_argument_that_cannot_travel_is_refused_before_anything_starts(
    journal: Journal,
) -> None:
    lock = threading.Lock()

    with Runner("process", workers=1) as runner, pytest.raises(InvalidArgument, match="travel"):
        gather(Node(lambda: lock), run=TaskRun("w", journal=journal), runner=runner)

    assert list(journal.runs()) == []


# Large ones, measured by counting.


def test_a_chain_of_ten_thousand_nodes_is_performed() -> None:
    node = Node(int)
    for _ in range(10_000):
        node = Node(_next, (node,))

    state = gather(node)

    assert state.result == {"_next-10000": 10_000}


def test_a_star_of_ten_thousand_nodes_reads_each_state_a_few_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = 0
    was = Success.is_successful

    def counted(state: Success) -> bool:
        nonlocal looks
        looks += 1
        return was(state)

    monkeypatch.setattr(Success, "is_successful", counted)
    points = [Node(int) for _ in range(10_000)]

    state = gather(Node(_count, tuple(points)))

    assert state.result == {"_count": 10_000}
    assert looks < 10 * 10_000


def _next(number: int) -> int:
    return number + 1


def _count(*given: object) -> int:
    return len(given)


def test_the_ambient_context_has_the_attempt_of_a_node() -> None:
    state = gather({"a": lambda: ambient.context()["task_run_count"]})

    assert state.result == {"a": 1}


def test_children_of_a_map_in_a_graph_keep_their_order() -> None:
    mapped = Node(lambda number: -number).each(range(100), max_concurrency=7).with_name("mapped")

    assert gather(mapped).result == {"mapped": [-number for number in range(100)]}


def test_a_mapped_node_ends_mapped(journal: Journal) -> None:
    gather(Node(abs).each([-1]).with_name("mapped"), run=TaskRun("w", journal=journal))

    assert type(TaskRun.restore("w/mapped", journal).state) is Mapped
