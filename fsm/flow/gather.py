"""Flow: a graph of tasks is run to its end, under the lifecycle of one run for the whole."""

from __future__ import annotations

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

logger = logging.getLogger(__name__)


def gather(
    graph: Node | Iterable[Node] | abc.Mapping[str, Node | Callable[..., Any]],
    *,
    run: TaskRun | None = None,
    runner: Runner | None = None,
    journal: StepStore | None = None,
    reference: Node | str | Iterable[Node | str] | None = None,
) -> State:
    """Run a graph of tasks to its end; return the state that the whole ends in.

    The whole is a run. That of a node is called `{run.id}/{name}`, shares its journal and clock,
    and has its task's own policy. A node whose run the journal knows goes on from where that was;
    what is finished is not run again, except where the whole is tried again, by its policy or a
    `rerun`: then what has failed is.

    How the whole ends is for its reference nodes to say, once every node has come to its end, a
    mapped one with its children: `Failed` if one of them has failed, `Cancelled` if one was
    cancelled; the result says which, by name, and why. Otherwise `Success`, with their results by
    name. While a node is paused, the whole is left `Running`: gather it again later.

    Whoever cancels the whole cancels the nodes under way. Its `timeout` is looked at when they
    have ended, and stops none of them; theirs do.

    Args:
        graph: A node, several, or nodes and functions by name; what is above them is found. A
            node may name others in `after`.
        run: The run of the whole, made up if left out. It takes over what its journal knows.
        runner: Who performs the nodes; one of its own if left out.
        journal: Where a made-up run is kept, and those of the nodes.
        reference: The reference nodes, or their names. If left out, the nodes given; of those
            given by name, all that nothing comes after.

    Raises:
        InvalidArgument: The graph makes no sense, such as a circle; nothing was started.
        KeyboardInterrupt: Passed on, with the whole and the nodes under way cancelled.
        Exception: What stopped the first node of those that were stopped, such as a
            `JournalError`; the others went on, and the whole is left `Running`.
    """
    found = Graph.of(graph, reference)
    whole = _the_whole(run, journal)
    for name in found.nodes:
        _check_name(whole.id, name)
    with nullcontext(runner) if runner is not None else Runner(clock=whole.clock) as performer:
        return _Flow(whole, found, performer).performed()


def _the_whole(run: TaskRun | None, journal: StepStore | None) -> TaskRun:
    if run is None:
        return TaskRun(journal=journal)
    if not isinstance(run, TaskRun):
        raise InvalidArgument(f"the whole of a graph is a TaskRun, not {run!r}")
    if journal is not None and journal is not run.journal:
        raise InvalidArgument(f"the nodes are kept where {run.id!r} is: give it that journal")
    return run


def _check_name(whole: str, name: str) -> None:
    """Refuse a name whose run another could be taken for."""
    if "/" in name or not name:
        raise InvalidArgument(f"the name of a node is not empty and has no '/': {name!r}")
    check_id(f"{whole}/{name}", f"the name of node {name!r} behind {whole!r}")
    if parent_of(f"{whole}/{name}") is not None:
        raise InvalidArgument(f"a node is not called as a child of a mapped run is: {name!r}")


class _Flow(Job):
    """The job of a whole graph: where others execute a task, it has its nodes performed."""

    def __init__(self, whole: TaskRun, graph: Graph, runner: Runner) -> None:
        super().__init__(Call(whole, gather), observers=runner._observers)
        self._graph, self._runner = graph, runner
        apply(whole, CatchUp(), runner._observers)
        self._known = bool(whole.history)  # whether the journal may know of nodes
        self._runs = {name: self._run(name, node) for name, node in graph.nodes.items()}
        self._calls = [self._call(name, node) for name, node in graph.nodes.items()]
        self._jobs = self._create_jobs()  # raises before anything starts if one cannot travel

    def performed(self) -> State:
        """Perform it to its end."""
        batch, runner = Batch([self]), self._runner
        Scheduler(runner._pool, runner._workers, runner._clock, self._create_group).perform(
            batch.group
        )
        return batch.ends()[0]

    # What differs from other jobs.

    def advance(self, reply: Reply, pool: Any) -> None:
        """Go on, unless a node has not come to its end: then the whole has not, either."""
        if reply == Returned(None):
            self.end = self.run.state
        else:
            super().advance(reply, pool)

    def has_moved(self) -> bool:
        """Whether others have ended the run; one that they have paused is left to its nodes."""
        super().has_moved()
        return has_ended(self.run.state)

    def _decide(self) -> Decisions:
        return _conducted(self.run)

    def _run_commands(self, decider: Decisions, reply: Reply) -> Command | Done:
        command = super()._run_commands(decider, reply)
        return PerformChildren() if isinstance(command, Execute) else command

    # Its nodes.

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
        return Returned(_kept(_verdict(ends), self.run))

    def _run(self, name: str, node: Node) -> TaskRun:
        """The run of a node, as the journal knows it, or a new one."""
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
            tuple(map(self._given, node.args)),
            {word: self._given(value) for word, value in node.kwargs.items()},
            after=[self._runs[above] for above in self._graph.above[name]],
            trigger_rule=node.trigger_rule,
            skip_on_upstream_skip=node.skip_on_upstream_skip,
            over=None if node.over is None else self._over(node.over),
        )

    def _over(self, mapping: Mapping) -> Mapping:
        return attrs.evolve(mapping, inputs=self._given(mapping.inputs))

    def _given(self, value: Any) -> Any:
        return ResultOf(self._runs[self._graph.name(value)]) if isinstance(value, Node) else value


def _conducted(run: TaskRun) -> Decisions:
    """As `decide`; but one found `Running` goes on, since only who looked after it was lost."""
    if isinstance(run.state, Running):
        yield from settle(run, (yield Execute(None)))
    return (yield from decide(run, starts={"message": "Running flow."}))


def _verdict(ends: abc.Mapping[str, State]) -> State:
    """How a whole has ended whose reference nodes have ended so."""
    if failed := _those(ends, Failed):
        return Failed("Some reference tasks failed.", result=_said(failed))
    if cancelled := _those(ends, Cancelled):
        return Cancelled("Some reference tasks were cancelled.", result=_said(cancelled))
    successful = all(state.is_successful() for state in Upstream.of(ends.values()))
    return Success(
        "All reference tasks succeeded." if successful else "No reference tasks failed.",
        result={name: state.result for name, state in ends.items()},
    )


def _those(ends: abc.Mapping[str, State], kind: type[State]) -> dict[str, State]:
    """The ends of this kind, and those of mapped nodes with such a child."""
    return {
        name: state
        for name, state in ends.items()
        if any(isinstance(each, kind) for each in Upstream.of([state]))
    }


def _said(ends: abc.Mapping[str, State]) -> dict[str, str]:
    """What each ended in, and why: words, which every journal can keep."""
    return {name: f"{type(state).__name__}: {state.message}" for name, state in ends.items()}


def _kept(end: State, run: TaskRun) -> State:
    """As its journal can keep it: results that are too much together are kept with their nodes."""
    if run.journal is not None and run.journal.blocking:
        try:
            end.serialize()
        except StateError as error:
            logger.warning("run %s: its result is left to its nodes: %s", run.id, error)
            return type(end)(message=end.message)
    return end


def _rerun(run: TaskRun) -> None:
    """Run once more what has failed, where its policy would not."""
    if run.state.is_failed() and "rerun" in run.allowed and firing.refusal("retry", run):
        apply(run, Fire("rerun", {}))
