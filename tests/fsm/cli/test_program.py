"""`fsm` as a program: exit codes, pipes, signals, and no tracebacks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fsm.cli import main

from .conftest import Invoke, Program, command


def test_help_names_every_command(fsm: Invoke) -> None:
    result = fsm("--help")

    assert result.exit_code == 0
    assert all(f"  {name}  " in result.stdout for name in main.commands)


@pytest.mark.parametrize("name", sorted(main.commands))
def test_each_command_explains_itself_with_examples(name: str, fsm: Invoke) -> None:
    result = fsm(name, "--help")

    assert result.exit_code == 0
    assert f"  fsm {name}" in result.stdout


def test_the_version_is_printed(fsm: Invoke) -> None:
    result = fsm("--version")

    assert result.exit_code == 0
    assert result.stdout.startswith("fsm ")


@pytest.mark.parametrize(
    "args", [[], ["shwo"], ["show", "--nope"], ["show", "a", "b"], ["runs", "--\x1b[31m"]]
)
def test_a_wrong_command_line_is_2(args: list[str], fsm: Invoke) -> None:
    result = fsm(*args)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: fsm")
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("option", ["--json", "--journal", "-o", "--state"])
def test_an_option_before_its_command_is_an_error_that_says_where(option: str, fsm: Invoke) -> None:
    result = fsm(option, "runs")

    assert result.exit_code == 2
    assert f"write {option} after the command, not before it" in result.stderr


@pytest.mark.parametrize("args", [["history", "-7"], ["cancel", "a", "-7"], ["show", "--7"]])
def test_an_unknown_option_suggests_two_dashes(args: list[str], fsm: Invoke) -> None:
    result = fsm(*args)

    assert result.exit_code == 2
    assert "write an argument that begins with - after --\n" in result.stderr


def test_where_no_word_may_stand_none_is_suggested(fsm: Invoke) -> None:
    assert "after --" not in fsm("runs", "-7").stderr


def test_a_journal_is_asked_for(fsm: Invoke) -> None:
    result = fsm("runs")

    assert result.exit_code == 2
    assert "--journal" in result.stderr
    assert "FSM_JOURNAL" in result.stderr


def test_the_module_is_the_program(program: Program) -> None:
    result = program("show")

    assert result.returncode == 0
    assert result.stdout.splitlines()[1].startswith("Pending ")
    assert result.stderr == ""


def test_an_error_is_one_line_on_stderr(program: Program) -> None:
    result = program("runs", "--journal", "none.db")

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == "error: no journal is at 'none.db'\n"


def test_a_traceback_is_printed_on_request(program: Program) -> None:
    result = program("runs", "--journal", "none.db", FSM_TRACEBACK="1")

    assert result.returncode == 1
    assert result.stderr.startswith("Traceback ")


def test_an_unexpected_exception_is_an_error_without_a_traceback(
    fsm: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_target: str) -> None:
        raise KeyError("x\x1b")

    monkeypatch.setattr(sys.modules["fsm.cli.commands.show"], "load", broken)

    result = fsm("show")

    assert result.exit_code == 1
    assert result.stderr.startswith(
        "error: unexpected KeyError: 'x\\x1b'\nnote: set FSM_TRACEBACK=1"
    )


def test_an_os_error_names_its_file(fsm: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_target: str) -> None:
        raise PermissionError(13, "Permission denied", "x\x1b")

    monkeypatch.setattr(sys.modules["fsm.cli.commands.show"], "load", broken)

    assert fsm("show").stderr == "error: x\\x1b: Permission denied\n"


def test_a_closed_pipe_is_not_reported(here: Path) -> None:
    read, write = os.pipe()
    os.close(read)

    result = subprocess.run(
        command("show"), stdout=write, stderr=subprocess.PIPE, text=True, cwd=here, timeout=60
    )

    os.close(write)
    assert result.stderr == ""
    assert result.returncode == 1


def test_a_pipe_through_head_ends_well(here: Path) -> None:
    shell = f"{' '.join(command('show'))} | head -n 1"

    result = subprocess.run(
        ["sh", "-c", shell], capture_output=True, text=True, cwd=here, timeout=60
    )

    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == ""
    assert result.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is Linux's to offer")
@pytest.mark.parametrize(
    "args", [["show"], ["show", "--json"], ["diagram"], ["timeline"], ["verify"], ["--help"]]
)
def test_a_full_disk_is_an_error(args: list[str], journal: str, here: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            command(*args),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"FSM_JOURNAL": journal},
            timeout=60,
        )

    assert result.returncode == 1
    assert "cannot write the output: No space left on device" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_another_error_of_the_system_is_not_taken_for_one_of_the_output(
    fsm: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_target: str) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(sys.modules["fsm.cli.commands.show"], "load", broken)

    assert fsm("show").stderr.startswith(
        "error: unexpected ConnectionRefusedError: [Errno 111] Connection refused\n"
    )


def test_control_c_is_130(here: Path) -> None:
    (here / "slow.py").write_text("import signal\nprint('ready', flush=True)\nsignal.pause()\n")
    with subprocess.Popen(
        command("show", "slow:Order"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=here,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"

        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)

    assert process.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr


def test_a_narrow_encoding_loses_nothing(journal: str, program: Program) -> None:
    result = program("history", "etl/report", "--journal", journal, PYTHONIOENCODING="latin-1")

    assert result.returncode == 0
    assert "Pending \\u2192 Running" in result.stdout
    assert result.stderr == ""


def test_a_directory_that_is_gone_is_no_obstacle(here: Path) -> None:
    gone = here / "gone"
    gone.mkdir()
    shell = f"rmdir {gone} && {' '.join(command('show', 'fsm:TaskRun'))}"

    result = subprocess.run(["sh", "-c", shell], cwd=gone, capture_output=True, timeout=60)

    assert result.returncode == 0


def test_shells_get_completions(fsm: Invoke) -> None:
    environment = {"_FSM_COMPLETE": "bash_complete", "COMP_WORDS": "fsm hi", "COMP_CWORD": "1"}

    assert fsm(**environment).stdout == "plain,history\n"
