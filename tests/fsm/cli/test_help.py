"""Every example of every help text runs as printed, in a folder like the one it assumes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fsm import TaskRun, open_journal
from fsm.cli import main
from fsm.testing import HandClock

from .conftest import Invoke, Program

JOBS = """
from fsm.flow.task import task


@task
def load(number):
    return number
"""
ORDERS = """
from fsm import Run, event
from states import Finished, Pending, Running


class Order(Run):
    pay = event(Running, source=Pending)
    send = event(Finished, source=Running)
"""

# Each with what stands in it, and why it is not run.
NOT_RUN = {
    "postgresql://": "needs a server",
    "fsm serve": "goes on until Ctrl-C",
    "fsm demo": "takes its time; has tests of its own",
    "fsm work shop.jobs --journal runs.db\n": "goes on until Ctrl-C",
    "| dot": "needs Graphviz",
}


def examples(command: click.Command) -> list[str]:
    _, _, block = (command.epilog or "").partition("Examples:\n")
    return [line.strip() for line in block.partition("\n\n")[0].splitlines()]


COMMANDS = {name: examples(command) for name, command in main.commands.items()} | {
    "fsm": examples(main)
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the modules and the runs that the examples name."""
    folder = tmp_path_factory.mktemp("model")
    shop, bin = folder / "shop", folder / "bin"
    shop.mkdir()
    bin.mkdir()
    (shop / "__init__.py").touch()
    (shop / "jobs.py").write_text(JOBS)
    (shop / "mail.py").write_text(JOBS)
    (shop / "orders.py").write_text(ORDERS)
    (bin / "fsm").write_text(f"#!{sys.executable}\nfrom fsm.cli import main\nmain()\n")
    (bin / "fsm").chmod(0o755)
    with open_journal(folder / "runs.db") as kept:
        for name in ("load-7", "load-8", "deploy-7"):
            TaskRun(name, journal=kept, clock=HandClock()).pause()
        fetch = TaskRun("fetch-7", journal=kept, max_retries=1)
        TaskRun("nightly", journal=kept).map(map_states=[None])
        for run in (fetch, TaskRun("nightly[0]", journal=kept)):
            run.start()
            run.fail()
    make = "Order('order-3', journal=open_journal('runs.db')).pay()"
    code = f"from fsm import open_journal; from shop.orders import Order; {make}"
    place = {**os.environ, "PYTHONPATH": str(folder)}
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=place, check=True, timeout=60)
    return folder


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_example_runs(name: str, model: Path, tmp_path: Path) -> None:
    for number, example in enumerate(COMMANDS[name]):
        if any(each in f"{example}\n" for each in NOT_RUN):
            continue
        if "| jq" in example and shutil.which("jq") is None:
            continue
        folder = tmp_path / str(number)
        shutil.copytree(model, folder)
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", example],
            cwd=folder,
            capture_output=True,
            text=True,
            env=os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"},
            timeout=60,
        )

        assert (example, result.stderr, result.returncode) == (example, "", 0)


def test_nothing_is_left_out_for_no_reason() -> None:
    lines = [f"{example}\n" for found in COMMANDS.values() for example in found]

    assert all(any(each in line for line in lines) for each in NOT_RUN)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_examples(name: str) -> None:
    assert COMMANDS[name]
    assert all("fsm " in example for example in COMMANDS[name])


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_option_has_help(name: str) -> None:
    options = [param for param in main.commands[name].params if isinstance(param, click.Option)]

    assert [option.name for option in options if not option.help and option.name != "port"] == []


def test_the_commands_are_in_sections(fsm: Invoke) -> None:
    text = fsm("--help").stdout

    assert [name for section in main.sections.values() for name in map(str_name, section)] == list(
        main.commands
    )
    assert all(f"\n{title}:\n" in text for title in main.sections)
    assert "..." not in text.partition("Examples:")[0].partition("COMMAND [ARGS]...")[2]


@pytest.mark.parametrize("name", ["", *sorted(main.commands)])
def test_help_without_docstrings_is_the_same(name: str, program: Program) -> None:
    """`python -OO`, as PyInstaller runs programs with `optimize=2`."""
    asked = [*name.split(), "--help"]
    stripped = subprocess.run(
        [sys.executable, "-OO", "-m", "fsm", *asked], capture_output=True, text=True, timeout=60
    )

    assert (stripped.stdout, stripped.stderr) == (program(*asked).stdout, "")
    assert len(stripped.stdout.splitlines()) > 8


def str_name(command: click.Command) -> str:
    return str(command.name)


def test_help_on_a_narrow_terminal_keeps_its_examples(program: Program) -> None:
    result = program("why", "--help", COLUMNS="40")

    assert (
        "  fsm why order-3 pay --journal runs.db --as shop.orders:Order --json\n" in result.stdout
    )
