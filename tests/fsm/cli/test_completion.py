"""`fsm completion`: the scripts for shells, and what is suggested."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import FishComplete, ShellComplete, ZshComplete

from fsm import TaskRun, open_journal
from fsm.cli import main
from fsm.cli.completion import Bash

from .conftest import HOSTILE, Invoke, Program

Complete = Callable[..., list[str]]
Press = Callable[..., list[str]]

STRANGE = (
    "etl:one",
    "day=1",
    "many[0]",
    "two words",
    "$(touch pwned)",
    "`touch pwned`",
    "a'b",
    "ü",
)


@pytest.fixture(params=[Bash, ZshComplete, FishComplete])
def complete(request: pytest.FixtureRequest, here: Path) -> Complete:
    """What is suggested to each shell."""
    shell: type[ShellComplete] = request.param

    def values(*args: str) -> list[str]:
        *before, begun = args
        found = shell(main, {}, "fsm", "_FSM_COMPLETE").get_completions(before, begun)
        return [item.value for item in found]

    return values


def test_commands_are_completed(complete: Complete) -> None:
    assert complete("hi") == ["history"]
    assert set(complete("")) == set(main.commands)


def test_options_are_completed(complete: Complete) -> None:
    assert complete("show", "--j") == ["--json"]


@pytest.mark.parametrize("name", ["history", "story", "why", "approve", "cancel", "retry"])
def test_runs_of_the_journal_are_completed(name: str, journal: str, complete: Complete) -> None:
    assert complete(name, "--journal", journal, "etl/") == ["etl/load", "etl/clean", "etl/report"]
    assert complete(name, "--journal", f"sqlite:///{journal}", "etl/l") == ["etl/load"]
    assert complete(name, "--journal", journal, "x") == []


def test_runs_of_the_usual_journal_are_completed(
    journal: str, complete: Complete, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSM_JOURNAL", journal)

    assert complete("timeline", "etl/l") == ["etl/load"]
    assert complete("diagram", "--run", "etl/l") == ["etl/load"]


def test_a_run_is_not_suggested_twice(journal: str, complete: Complete) -> None:
    assert complete("cancel", "--journal", journal, "etl/load", "etl/") == [
        "etl/clean",
        "etl/report",
    ]


def test_a_journal_that_is_named_further_on_counts(
    journal: str, complete: Complete, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_WORDS", f"fsm history etl/l --journal {journal}")

    assert complete("history", "etl/l") == ["etl/load"]


@pytest.mark.parametrize(
    "url", ["none.db", "text.db", ".", "memory:", "mongo://x", "postgresql://nobody.invalid/x", ""]
)
def test_a_journal_that_is_none_is_no_error(url: str, complete: Complete, here: Path) -> None:
    (here / "text.db").write_text("no journal")
    before = sorted(here.iterdir())

    assert complete("history", "--journal", url, "") == []
    assert sorted(here.iterdir()) == before


def test_what_does_not_print_is_not_suggested(hostile_journal: str, complete: Complete) -> None:
    found = complete("history", "--journal", hostile_journal, "")

    assert not {text for text in HOSTILE if not text.isprintable() or text[0] == "-"} & set(found)
    assert all(value.isprintable() for value in found)


def test_no_more_is_read_than_bounded(
    journal: str, complete: Complete, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsm.cli.suggestions._MOST_RUNS", 1)

    assert complete("history", "--journal", journal, "") == ["etl/load"]


def test_states_are_completed(hostile_journal: str, complete: Complete) -> None:
    assert complete("runs", "--state", "Fa") == ["Failed"]
    assert complete("runs", "--journal", hostile_journal, "--state", ":s") == [":smile:"]


def test_events_are_completed(complete: Complete) -> None:
    assert complete("why", "x", "resu") == ["resume"]
    assert complete("why", "--as", "shop:Order", "x", "resu") == []


def test_formats_are_completed(complete: Complete) -> None:
    assert complete("diagram", "--format", "") == ["mermaid", "dot", "svg", "json"]
    assert complete("timeline", "--format", "s") == ["svg"]


def test_targets_are_the_classes_of_the_journal(
    journal: str, here: Path, complete: Complete, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert complete("show", "") == ["fsm:TaskRun"]
    assert complete("diagram", "sta") == ["states"]

    monkeypatch.syspath_prepend(str(here))
    with open_journal(journal) as kept:
        importlib.import_module("shop").Order("order-1", journal=kept).start()
    monkeypatch.setenv("FSM_JOURNAL", journal)

    assert "shop:Order" in complete("show", "")
    assert complete("diagram", "shop:") == ["shop:Order"]
    assert complete("serve", "--as", "shop:") == ["shop:Order"]
    assert complete("report", "--as", "shop:") == ["shop:Order"]
    assert complete("why", "--journal", journal, "--as", "shop:") == ["shop:Order"]


def test_modules_of_tasks_are_completed_without_being_read(here: Path, complete: Complete) -> None:
    (here / "etl").mkdir()
    (here / "etl" / "__init__.py").touch()
    (here / "etl" / "jobs.py").write_text("1 / 0")

    assert complete("work", "etl") == ["etl", "etl.jobs"]
    assert complete("work", "sh") == ["shop"]
    assert "shop" not in sys.modules


def test_tasks_of_the_journal_are_completed(
    journal: str, here: Path, complete: Complete, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "jobs.py").write_text("from fsm import task\n@task\ndef load(): ...\n")
    monkeypatch.syspath_prepend(str(here))
    with open_journal(journal) as kept:
        importlib.import_module("jobs").load.with_options(journal=kept).submit()

    assert complete("work", "--journal", journal, "jobs") == ["jobs", "jobs:load"]


def test_reports_take_the_same_journals_as_verify(journal: str, complete: Complete) -> None:
    assert complete("report", "runs") == complete("verify", "runs")


def test_files_are_left_to_the_shell(complete: Complete) -> None:
    shell = Bash(main, {}, "fsm", "_FSM_COMPLETE")

    (item,) = shell.get_completions(["runs", "--journal"], "ru")

    assert (item.type, item.value) == ("file", "ru")


def test_a_url_is_completed_by_journals_of_this_directory(journal: str, complete: Complete) -> None:
    assert complete("runs", "--journal", "sqlite:///r") == ["sqlite:///runs.db"]


def test_an_error_during_completion_prints_nothing(fsm: Invoke) -> None:
    result = fsm(_FSM_COMPLETE="zsh_complete")

    assert (result.exit_code, result.output) == (1, "")


# The scripts.


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell: str, fsm: Invoke) -> None:
    result = fsm("completion", shell)

    assert result.exit_code == 0
    assert f"_FSM_COMPLETE={shell}_complete" in result.stdout
    assert fsm("completion", SHELL=f"/usr/bin/{shell}").stdout == result.stdout


@pytest.mark.parametrize("shell", ["", "/bin/tcsh"])
def test_a_shell_that_is_not_known_is_asked_for(shell: str, fsm: Invoke) -> None:
    result = fsm("completion", SHELL=shell)

    assert result.exit_code == 2
    assert "name your shell: bash, zsh, fish" in result.stderr


def test_a_misspelt_shell_is_guessed_at(fsm: Invoke) -> None:
    assert "(did you mean 'bash'?)" in fsm("completion", "bsh").stderr


@pytest.fixture
def press(here: Path, fsm: Invoke) -> Press:
    """TAB in a real bash, the cursor at the end or at a place: what the word may become."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    folder = here / "bin"
    folder.mkdir()
    (folder / "fsm").write_text(f"#!{sys.executable}\nfrom fsm.cli import main\nmain()\n")
    (folder / "fsm").chmod(0o755)
    (here / "fsm.bash").write_text(fsm("completion", "bash").stdout)
    script = """
        source fsm.bash || exit
        complete -p fsm >&2
        COMP_LINE=$1 COMP_POINT=$2 COMPREPLY=()
        _fsm_completion fsm
        for reply in "${COMPREPLY[@]}"; do eval "printf '%s\\n' $reply"; done
    """  # eval, since what is replied stands in a line that bash reads

    def pressed(line: str, point: int | None = None) -> list[str]:
        result = subprocess.run(
            ["bash", "--norc", "-c", script, "bash", line, str(point or len(line))],
            cwd=here,
            capture_output=True,
            encoding="utf-8",
            env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
            timeout=60,
        )
        assert result.stderr == "complete -o nosort -F _fsm_completion fsm\n"
        assert not (here / "pwned").exists()
        return result.stdout.splitlines()

    return pressed


def test_bash_completes_a_command(press: Press) -> None:
    assert press("fsm hi") == ["history"]


def test_bash_completes_behind_its_word_breaks(journal: str, press: Press) -> None:
    with open_journal(journal) as kept:
        TaskRun("etl:one", journal=kept).start()

    assert press(f"fsm history --journal sqlite:///{journal} etl/l") == ["etl/load"]
    assert press(f"fsm history etl:o --journal={journal}", len("fsm history etl:o")) == ["one"]
    assert press("fsm show fsm:") == ["TaskRun"]
    assert press("fsm diagram --format=sv") == ["svg"]


def test_bash_reads_an_id_as_it_is(journal: str, press: Press) -> None:
    with open_journal(journal) as kept:
        for id in STRANGE:
            TaskRun(id, journal=kept).start()

    assert set(press(f"fsm history --journal {journal} ")) > set(STRANGE)


def test_the_module_completes_too(program: Program) -> None:
    result = program(_FSM_COMPLETE="bash_complete", COMP_WORDS="fsm hi", COMP_CWORD="1")

    assert result.stdout == "plain,history\n"
