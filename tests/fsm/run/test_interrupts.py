"""A fork, a signal handler, a second thread: none of them makes a run hang."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable

import pytest

from fsm import Step, StepInProgress, TaskRun

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


def run_alone(code: str) -> str:
    """What *code* prints in a process of its own, which has 30 seconds."""
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


@needs_fork
def test_a_child_makes_runs_while_a_thread_of_its_parent_did() -> None:
    found = run_alone(
        """
        import os, threading
        from fsm import TaskRun

        def busy():
            while True:
                run = TaskRun(); run.state.context, run.id, run.post("start")

        for _ in range(3):
            threading.Thread(target=busy, daemon=True).start()
        for _ in range(50):
            child = os.fork()
            if not child:
                run = TaskRun(); run.state.context, run.id, run.post("start")
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        print("done", flush=True)
        os._exit(0)
        """
    )
    assert found == "done\n"


@needs_fork
def test_a_child_moves_a_run_that_a_thread_of_its_parent_was_moving() -> None:
    found = run_alone(
        """
        import os, sys, threading
        from fsm import TaskRun

        run, inside, go = TaskRun("a"), threading.Event(), threading.Event()

        @run.before
        def wait(run, step):
            inside.set()
            go.wait()

        threading.Thread(target=run.start, daemon=True).start()
        inside.wait()
        child = os.fork()
        if not child:
            go.set()
            print(type(run.start()).__name__, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        os._exit(0)
        """
    )
    assert found == "Running\n"


@pytest.mark.skipif(not hasattr(signal, "raise_signal"), reason="there are no signals")
def test_a_signal_handler_reads_the_run_and_is_refused_a_step() -> None:
    run, seen = TaskRun("a"), []

    def handle(*_: object) -> None:
        try:
            run.cancel()
        except StepInProgress as refused:
            seen.append((run.id, type(run.state).__name__, str(refused)))

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        run.before(lambda run, step: signal.raise_signal(signal.SIGUSR1))
        run.start()
    finally:
        signal.signal(signal.SIGUSR1, before)

    [(id, state, text)] = seen
    assert (id, state) == ("a", "Pending")
    assert "use run.post()" in text


def test_an_interrupt_of_a_wait_leaves_the_other_step_alone() -> None:
    run, inside, go = TaskRun("a"), threading.Event(), threading.Event()

    @run.on_enter
    def hold(run: TaskRun, step: Step) -> None:
        inside.set()
        go.wait(10)

    def strike(*_: object) -> None:
        raise KeyboardInterrupt

    starter = threading.Thread(target=run.start)
    starter.start()
    inside.wait()
    before = signal.signal(signal.SIGALRM, strike)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            run.succeed()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    go.set()
    starter.join()

    assert [step.event for step in run.history] == ["start"]
    assert not run._lock.locked()
    run.succeed()


@pytest.mark.parametrize("depth", range(0, 60, 7))
def test_a_recursion_error_at_any_depth_leaves_the_run_free(depth: int) -> None:
    run = TaskRun("a")

    def dig(left: int, act: Callable[[], object]) -> object:
        return act() if left == 0 else dig(left - 1, act)

    limit = sys.getrecursionlimit()
    frame, used = sys._getframe(), 0
    while frame is not None:
        used, frame = used + 1, frame.f_back  # type: ignore[assignment]
    try:
        sys.setrecursionlimit(used + 80)
        dig(depth, run.start)
    except RecursionError:
        pass
    finally:
        sys.setrecursionlimit(limit)

    assert not run._lock.locked()
    if not run.history:
        run.start()
    assert len(run.history) == 1


async def reach_end(run: TaskRun, act: Callable[[], object]) -> None:
    """Start *run* from async code, with an async listener of the steps that *act* leads to."""

    @run.before(TaskRun.start)
    async def post_and_stop(run: TaskRun, step: Step) -> None:
        run.post("fail", message="posted")
        await asyncio.sleep(0)
        act()

    await run.start.aio()


def veto() -> None:
    raise ValueError("not today")


def cancel() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("act", [veto, cancel])
def test_what_an_async_step_that_was_stopped_has_posted_is_fired_asynchronously(
    act: Callable[[], None],
) -> None:
    run, heard = TaskRun("a"), []

    @run.after(TaskRun.fail)
    async def hear(run: TaskRun, step: Step) -> None:
        await asyncio.sleep(0)
        heard.append(step.event)

    with pytest.raises((ValueError, asyncio.CancelledError)):
        asyncio.run(reach_end(run, act))

    assert heard == ["fail"]
    assert [step.event for step in run.history] == ["fail"]


def test_a_task_started_by_a_listener_of_such_a_step_gets_step_in_progress() -> None:
    run, caught = TaskRun("a"), []

    @run.after(TaskRun.fail)
    async def wait_for_a_task(run: TaskRun, step: Step) -> None:
        try:
            await asyncio.wait_for(asyncio.create_task(run.rerun.aio()), 5)
        except StepInProgress as refused:
            caught.append(str(refused))

    with pytest.raises(ValueError, match="not today"):
        asyncio.run(reach_end(run, veto))

    assert len(caught) == 1
