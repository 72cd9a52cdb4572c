"""`gather` performs a graph of tasks, under the lifecycle of one run for the whole graph."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

import logging
from collections import abc
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from typing import Any

import attrs

from fsm.errors import InvalidArgument, UnknownRun
from fsm.execution.apply import Decisions, Done, apply
from fsm.execution.batch import Batch, Group
from fsm.execution.call import Call, has_ended
from fsm.execution.commands import (
    CatchUp,
    Command,
    Execute,
    Fire,
    PerformChildren,
    Recorded,
    Reply,
    Returned,
)
from fsm.execution.decider import decide
from fsm.execution.job import Job
from fsm.execution.mapping import Mapping, ResultOf
from fsm.execution.results import settle
from fsm.execution.runner import Runner
from fsm.execution.scheduler import Scheduler
from fsm.ids import check_id, parent_of
from fsm.journal import Claim
from fsm.lifecycle.store import StepStore
from fsm.run import firing
from fsm.states import Cancelled, Failed, Running, State, StateError, Success
from fsm.tasks.attempts import running_since
from fsm.tasks.task_run import TaskRun
from fsm.tasks.trigger_rules import Upstream

from .function_run import FunctionRun
from .graph import Graph
from .node import Node
from .task import Task

__all__ = ["gather"]

logger: logging.Logger = logging.getLogger(__name__)


def gather(
    graph: Node | Iterable[Node] | abc.Mapping[str, Node | Callable[..., Any]],
    *,
    run: TaskRun | None = None,
    runner: Runner | None = None,
    journal: StepStore | None = None,
    reference: Node | str | Iterable[Node | str] | None = None,
) -> State:
    """Perform a graph of tasks; return the last state of the run of the whole graph.

    The graph has a run, and each node has one called `{run.id}/{name}` with the same journal and
    clock and the policy of its own task. A node whose run the journal knows continues from there;
    a finished one is not run again. If the whole graph is retried, by its policy or a `rerun`,
    failed nodes run again.

    The last states of the *reference* nodes decide that of the whole, when all nodes have ended: a
    mapped node counts as its children. `Failed` if one has failed, `Cancelled` if one was
    cancelled, with the names and reasons as the result. Otherwise `Success`, with their results
    by name. While a node is paused the run of the graph stays `Running`: call `gather` again later.

    Cancelling the run of the graph cancels the nodes that have not ended. Its own time limit is
    tested when all have ended and stops none of them; their own limits do.

    Args:
        graph: A node, several, or nodes and functions by name. The nodes they wait for are found;
            `after` may name nodes.
        run: The run of the whole graph. If its journal knows it, it continues from there.
            Default: a new one.
        runner: Performs the nodes. Default: a new one, closed afterwards.
        journal: Where a new run of the graph is kept, and those of the nodes.
        reference: The reference nodes, or their names. Default: the nodes given; of those given by
            name, all that no other node waits for.

    Raises:
        InvalidArgument: The graph has a cycle, a wrong name or a wrong argument; nothing was
            started.
        KeyboardInterrupt: Raised on, after the runs that have not ended were cancelled.
        Exception: The first error that stopped a node, such as a `JournalError`. The others were
            performed, and the run of the graph stays `Running`.
    """
    found = Graph.of(graph, reference)
    whole = _run_of_graph(run, journal)
    for name in found.nodes:
        _check_name(whole.id, name)
    with nullcontext(runner) if runner is not None else Runner(clock=whole.clock) as performer:
        return _GraphJob(whole, found, performer).perform()


def _run_of_graph(run: TaskRun | None, journal: StepStore | None) -> TaskRun:
    if run is None:
        return TaskRun(journal=journal)
    if not isinstance(run, TaskRun):
        raise InvalidArgument(f"the run of a graph is a TaskRun, not {run!r}")
    if journal is not None and journal is not run.journal:
        raise InvalidArgument(
            f"the nodes are kept in the journal of {run.id!r}; create that run with the journal"
        )
    return run


gather.__module__ = "fsm"


def _check_name(whole: str, name: str) -> None:
    """Refuse a name whose run could have the id of another run."""
    if "/" in name or not name:
        raise InvalidArgument(f"the name of a node is not empty and has no '/': {name!r}")
    check_id(f"{whole}/{name}", f"the name of node {name!r} behind {whole!r}")
    if parent_of(f"{whole}/{name}") is not None:
        raise InvalidArgument(f"the name of a node cannot be that of a mapped child: {name!r}")


class _GraphJob(Job):
    """The job of a whole graph. Where another job executes a task, it performs its nodes."""

    def __init__(self, whole: TaskRun, graph: Graph, runner: Runner) -> None:
        super().__init__(Call(whole, gather), observers=runner._observers)
        self._graph, self._runner = graph, runner
        apply(whole, CatchUp(), runner._observers)
        self._known = bool(whole.history)  # whether the journal may know of nodes
        self._runs = {name: self._run(name, node) for name, node in graph.nodes.items()}
        self._calls = [self._call(name, node) for name, node in graph.nodes.items()]
        self._jobs = self._create_jobs()  # raises before anything starts if one cannot travel

    def perform(self) -> State:
        """Perform all nodes; return the last state of the run of the graph."""
        batch, runner = Batch([self]), self._runner
        Scheduler(runner._pool, runner._workers, runner._clock, self._create_group).perform(
            batch.group
        )
        return batch.ends()[0]

    def advance(self, reply: Reply, pool: Any) -> None:
        """Continue, unless a node has not ended: then neither has the graph."""
        if reply == Returned(None):
            self.end = self.run.state
        else:
            super().advance(reply, pool)

    def has_moved(self) -> bool:
        """Whether another process has ended the run. After a pause by one the nodes continue."""
        super().has_moved()
        return has_ended(self.run.state)

    def _decide(self) -> Decisions:
        return _decide_graph(self.run)

    def _run_commands(self, decider: Decisions, reply: Reply) -> Command | Done:
        command = super()._run_commands(decider, reply)
        return PerformChildren() if isinstance(command, Execute) else command

    def _create_group(self, parent: Job, command: PerformChildren) -> Group:
        if parent is not self:
            return self._runner._children(parent, command)
        began = running_since(self.run.history)
        for run in self._runs.values() if self.run.attempts > 1 else ():
            if began is not None and run.history and run.history[-1].at <= began:
                _rerun(run)
        batch = Batch(self._jobs or self._create_jobs())
        self._jobs = []
        batch.group.reply = partial(self._reply, batch)
        return batch.group

    def _create_jobs(self) -> list[Job]:
        return [self._runner._job(call) for call in self._calls]

    def _reply(self, batch: Batch) -> Reply:
        self.child_error = batch.error
        if not isinstance(self.run.state, Running):
            return Recorded()
        if not all(has_ended(run.state) for run in self._runs.values()):
            return Returned(None)
        ends = {name: self._runs[name].state for name in self._graph.references}
        return Returned(_as_storable(_verdict(ends), self.run))

    def _run(self, name: str, node: Node) -> TaskRun:
        """The run of a node, restored if the journal knows it, or a new one."""
        whole, id = self.run, f"{self.run.id}/{name}"
        kind = node.task.kind if isinstance(node.task, Task) else type(whole)
        journal = whole.journal.journal if isinstance(whole.journal, Claim) else whole.journal
        if journal is not None and self._known:
            try:
                return kind.restore(id, journal, clock=whole.clock)
            except UnknownRun:
                pass
        if issubclass(kind, FunctionRun) and not node.takes:
            return kind(id, journal=journal, clock=whole.clock, args=node.args, kwargs=node.kwargs)
        return kind(id, journal=journal, clock=whole.clock)

    def _call(self, name: str, node: Node) -> Call:
        return Call(
            self._runs[name],
            node.task,
            tuple(map(self._argument, node.args)),
            {word: self._argument(value) for word, value in node.kwargs.items()},
            after=[self._runs[above] for above in self._graph.above[name]],
            trigger_rule=node.trigger_rule,
            skip_on_upstream_skip=node.skip_on_upstream_skip,
            over=None if node.over is None else self._over(node.over),
        )

    def _over(self, mapping: Mapping) -> Mapping:
        return attrs.evolve(mapping, inputs=self._argument(mapping.inputs))

    def _argument(self, value: Any) -> Any:
        return ResultOf(self._runs[self._graph.name(value)]) if isinstance(value, Node) else value


def _decide_graph(run: TaskRun) -> Decisions:
    """Decide as `decide` does, but continue a run found `Running`.

    Only the process that called `gather` was lost; the nodes have runs of their own.
    """
    if isinstance(run.state, Running):
        yield from settle(run, (yield Execute(None)))
    return (yield from decide(run, starts={"message": "Running flow."}))


def _verdict(ends: abc.Mapping[str, State]) -> State:
    """The last state of a graph, given those of its reference nodes by name."""
    if failed := _select(ends, Failed):
        return Failed("Some reference tasks failed.", result=_describe(failed))
    if cancelled := _select(ends, Cancelled):
        return Cancelled("Some reference tasks were cancelled.", result=_describe(cancelled))
    successful = all(state.is_successful() for state in Upstream.of(ends.values()))
    return Success(
        "All reference tasks succeeded." if successful else "No reference tasks failed.",
        result={name: state.result for name, state in ends.items()},
    )


def _select(ends: abc.Mapping[str, State], cls: type[State]) -> dict[str, State]:
    """The states of the class, and those of mapped nodes with such a child."""
    return {
        name: state
        for name, state in ends.items()
        if any(isinstance(each, cls) for each in Upstream.of([state]))
    }


def _describe(ends: abc.Mapping[str, State]) -> dict[str, str]:
    """The class and the message of each, as text that every journal can keep."""
    return {name: f"{type(state).__name__}: {state.message}" for name, state in ends.items()}


def _as_storable(end: State, run: TaskRun) -> State:
    """Drop the result if the journal cannot keep it, as when all results are too long together.

    The runs of the nodes have their results.
    """
    if run.journal is not None and run.journal.blocking:
        try:
            end.serialize()
        except StateError as error:
            logger.warning("run %s: only its nodes keep their results: %s", run.id, error)
            return type(end)(message=end.message)
    return end


def _rerun(run: TaskRun) -> None:
    """Rerun a failed node whose policy does not retry it."""
    if run.state.is_failed() and "rerun" in run.allowed and firing.refusal("retry", run):
        apply(run, Fire("rerun", {}))
