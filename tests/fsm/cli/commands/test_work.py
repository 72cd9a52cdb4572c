"""fsm work: a worker as a process of its own, told to stop by signals, and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsm import Journal, TaskRun, open_journal
from fsm.cli.targets import load, load_tasks
from fsm.flow.function_run import FunctionRun

from ..conftest import Invoke, Program, command

PATIENCE = 30.0  # seconds until something counts as stuck

JOBS = """
import os
import time
from pathlib import Path

from fsm.execution.context import current_run
from fsm.flow.task import task


@task
def double(number):
    return 2 * number


@task
def where():
    return os.getpid()


@task
def hang(name):
    Path(name).touch()
    while not Path("freed").exists():
        if current_run().cancel_requested:
            Path("told").touch()
            time.sleep(3600)  # it does not care
        time.sleep(0.01)
    return "done"


@task
def spoil(_):
    raise ValueError("two\\nlines \\x7f")


def plain():
    pass
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def jobs(here: Path) -> Iterator[Path]:
    """A directory with the module `jobs` in it."""
    (here / "jobs.py").write_text(JOBS)
    yield here
    (here / "freed").touch()


@pytest.fixture
def start(jobs: Path) -> Iterator[Start]:
    """A worker in a process of its own, killed in the end."""
    started: list[subprocess.Popen[str]] = []

    def begin(*args: str) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        words = command("work", "jobs", "--journal", "runs.db", "--poll", "0.05", *args)
        process = subprocess.Popen(words, cwd=jobs, encoding="utf-8", **pipes)  # type: ignore[call-overload]  # of pipes mypy knows nothing
        started.append(process)
        return process  # type: ignore[no-any-return]  # nor of this, therefore

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def kept(jobs: Path) -> Iterator[Journal]:
    """The journal that is worked for."""
    with open_journal("runs.db") as journal:
        yield journal


def submit(journal: Journal, name: str, run: str, *args: object) -> None:
    (task,) = load_tasks(f"jobs:{name}")
    task.with_options(journal=journal, id=run).submit(*args)


def wait_until(condition: Callable[[], bool]) -> None:
    """Ask again until it is so."""
    asked = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if condition():
            return
        asked.wait(0.01)
    raise TimeoutError


def test_it_performs_due_runs_and_prints_them(kept: Journal, program: Program) -> None:
    submit(kept, "double", "r", 21)

    done = program("work", "jobs", "--journal", "runs.db", "--once")

    assert done.stderr == ""
    first, *others = done.stdout.splitlines()
    assert first.startswith("worker ")
    assert first.endswith(" works for jobs:double, jobs:where, jobs:hang, jobs:spoil from runs.db")
    assert others == ["r Success Task run succeeded.", "1 run finished"]
    assert done.returncode == 0
    assert kept.summary("r").state == "Success"


def test_quiet_prints_nothing(kept: Journal, program: Program) -> None:
    submit(kept, "double", "r", 21)

    done = program("work", "jobs:double", "--journal", "runs.db", "--once", "--quiet")

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert kept.summary("r").over


def test_each_finished_run_is_one_line_of_json(kept: Journal, program: Program) -> None:
    submit(kept, "double", "r", 21)
    submit(kept, "spoil", "s", 21)

    done = program("work", "jobs", "--journal", "runs.db", "--once", "--json")

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert {line["run"]: line["state"] for line in lines} == {"r": "Success", "s": "Failed"}
    assert all(list(line) == ["run", "class", "state", "message", "moved"] for line in lines)
    assert {line["class"] for line in lines} == {"jobs:double", "jobs:spoil"}
    assert all(line["moved"].endswith("+00:00") for line in lines)
    assert "\x7f" not in done.stdout


def test_it_performs_only_the_given_tasks(kept: Journal, program: Program) -> None:
    submit(kept, "double", "r", 21)

    done = program("work", "jobs:where", "--journal", "runs.db", "--once")

    assert done.stdout.endswith("0 runs finished\n")
    assert kept.summary("r").state == "Submitted"


def test_a_journal_that_is_not_there_is_made(jobs: Path, program: Program) -> None:
    assert program("work", "jobs", "--journal", "new.db", "--once").returncode == 0
    assert (jobs / "new.db").exists()


def test_tasks_are_executed_in_processes_where_that_is_wanted(
    kept: Journal, program: Program
) -> None:
    submit(kept, "where", "r")

    done = program("work", "jobs", "--journal", "runs.db", "--once", "--executor", "process")

    assert done.stderr == ""
    worker = int(done.stdout.split()[1].rpartition(":")[2])
    state = load("jobs:where").restore("r", kept).state
    assert isinstance(state.result, int)
    assert state.result not in (worker, os.getpid())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_it_finish_what_it_has_begun(
    number: signal.Signals, jobs: Path, kept: Journal, start: Start
) -> None:
    submit(kept, "hang", "r", "begun")
    worker = start("--workers", "1")
    wait_until((jobs / "begun").exists)
    submit(kept, "double", "later", 1)

    worker.send_signal(number)
    (jobs / "freed").touch()
    said, errors = worker.communicate(timeout=PATIENCE)

    assert (worker.returncode, errors) == (0, "")
    assert said.endswith("r Success Task run succeeded.\n1 run finished\n")
    assert kept.summary("later").state == "Submitted"


def test_what_does_not_end_in_time_is_put_back(jobs: Path, kept: Journal, start: Start) -> None:
    submit(kept, "hang", "r", "begun")
    worker = start("--grace", "0.1s")
    wait_until((jobs / "begun").exists)

    worker.terminate()
    said, errors = worker.communicate(timeout=PATIENCE)

    assert (worker.returncode, errors) == (0, "")
    assert said.endswith("0 runs finished\n")
    assert (jobs / "told").exists()
    summary = kept.summary("r")
    assert (summary.state, summary.owner) == ("Paused", None)
    assert summary.message == "Its worker was stopped; it starts again."


def test_a_second_signal_does_not_wait(jobs: Path, kept: Journal, start: Start) -> None:
    submit(kept, "hang", "r", "begun")
    worker = start("--grace", "1h")
    wait_until((jobs / "begun").exists)

    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.3)
    worker.terminate()

    assert worker.wait(PATIENCE) == 0
    assert kept.summary("r").state == "Paused"


def test_what_is_put_back_is_done_by_the_next(jobs: Path, kept: Journal, start: Start) -> None:
    submit(kept, "hang", "r", "begun")
    worker = start("--grace", "0")
    wait_until((jobs / "begun").exists)
    worker.terminate()
    assert worker.wait(PATIENCE) == 0

    (jobs / "freed").touch()
    assert start("--once").wait(PATIENCE) == 0

    run = load("jobs:hang").restore("r", kept)
    assert [step.event for step in run.history] == ["submit", "start", "pause", "start", "succeed"]


def test_what_a_killed_worker_had_is_rescued(jobs: Path, kept: Journal, start: Start) -> None:
    submit(kept, "hang", "r", "begun")
    first = start("--lease", "0.5")
    wait_until((jobs / "begun").exists)
    second = start("--lease", "0.5")

    first.kill()
    (jobs / "freed").touch()
    wait_until(lambda: kept.summary("r").over)
    second.terminate()

    assert second.wait(PATIENCE) == 0
    run = load("jobs:hang").restore("r", kept)
    assert [step.event for step in run.history] in (
        ["submit", "start", "rescue", "start", "succeed"],
        ["submit", "start", "succeed"],  # it came to that before it died
    )


def test_a_cancelled_run_is_let_go_by_its_worker(
    jobs: Path, kept: Journal, start: Start, fsm: Invoke
) -> None:
    submit(kept, "hang", "r", "begun")
    start()
    wait_until((jobs / "begun").exists)

    assert fsm("cancel", "r", "--journal", "runs.db").exit_code == 0

    wait_until((jobs / "told").exists)
    wait_until(lambda: kept.summary("r").owner is None)
    assert kept.summary("r").state == "Cancelled"


# What cannot be worked for.


def work(fsm: Invoke, *targets: str) -> tuple[int, str]:
    result = fsm("work", *targets, "--journal", "runs.db", "--once")
    return result.exit_code, result.stderr


def test_a_module_without_tasks_lists_its_functions(here: Path, fsm: Invoke) -> None:
    assert work(fsm, "shop") == (
        1,
        "error: shop has no function decorated with @task; "
        "its functions without @task are is_paid, pack\n",
    )
    assert not (here / "runs.db").exists()


def test_a_package_without_tasks_lists_its_modules(here: Path, fsm: Invoke) -> None:
    (here / "parts").mkdir()
    (here / "parts/__init__.py").touch()
    (here / "parts/mail.py").touch()

    code, said = work(fsm, "parts")

    assert code == 1
    assert said.endswith("has no function decorated with @task; its modules are parts.mail\n")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("jobs:plain", "jobs:plain is a function, not a function decorated with @task"),
        ("jobs:hangs", "jobs has no 'hangs' (did you mean 'hang'?)"),
        ("jobz", "no module is called 'jobz' (did you mean 'jobs'?)"),
    ],
)
def test_a_target_without_task_lists_the_tasks(
    target: str, says: str, jobs: Path, fsm: Invoke
) -> None:
    code, said = work(fsm, target)

    assert code == 1
    assert says in said


@pytest.mark.parametrize("target", ["", ":", "jobs:", ":double", "a b", "jobs.py:x-y"])
def test_a_target_of_another_form_is_2(target: str, jobs: Path, fsm: Invoke) -> None:
    code, said = work(fsm, target)

    assert code == 2
    assert "package.module:function" in said


def test_memory_holds_no_work(jobs: Path, fsm: Invoke) -> None:
    result = fsm("work", "jobs", "--journal", "memory:")

    assert result.exit_code == 1
    assert "ends with its process" in result.stderr


@pytest.mark.parametrize("words", [("--lease", "0"), ("--poll", "0s")])
def test_no_time_at_all_is_refused(words: tuple[str, str], jobs: Path, fsm: Invoke) -> None:
    result = fsm("work", "jobs", "--journal", "runs.db", "--once", *words)

    assert result.exit_code == 1
    assert "above 0" in result.stderr


# A task as a TARGET.


def test_a_task_stands_for_the_class_of_its_runs(jobs: Path, fsm: Invoke) -> None:
    kind = load("jobs:double")

    assert issubclass(kind, FunctionRun)
    assert kind.function is load_tasks("jobs:double")[0]
    assert fsm("show", "jobs:double").exit_code == 0


def test_where_a_class_is_missing_the_tasks_are_named_too(jobs: Path, fsm: Invoke) -> None:
    result = fsm("show", "jobs:Nope")

    assert result.stderr == "error: jobs has no 'Nope'; there is double, where, hang, spoil\n"


def test_a_plain_run_class_is_no_task(jobs: Path, fsm: Invoke) -> None:
    assert TaskRun is load("fsm:TaskRun")
    code, said = work(fsm, "fsm:TaskRun")

    assert code == 1
    assert "a class of another kind, not a function" in said
