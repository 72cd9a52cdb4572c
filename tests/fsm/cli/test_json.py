"""--json: what programs read, under the names that the help promises."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from fsm import TaskRun, open_journal
from fsm.cli import main

from .conftest import HOSTILE, Invoke, Program, command

ASKED: dict[str, list[str]] = {
    "show": [],
    "diagram": ["--run", "etl/load"],
    "runs": [],
    "history": ["etl/load"],
    "story": ["etl/load"],
    "why": ["etl/report", "succeed"],
    "timeline": [],
    "verify": [],
    "approve": ["paused", "etl/load"],
    "resume": ["etl/load"],
    "cancel": ["paused"],
    "retry": ["etl/load"],
    "rescue": [],
    "report": ["-o", "report.html"],
    "completion": ["bash"],
}


@pytest.fixture
def kept(journal: str, monkeypatch: pytest.MonkeyPatch) -> str:
    with open_journal(journal) as opened:
        TaskRun("paused", journal=opened).pause()
        TaskRun("lost", journal=opened).start()
        opened.claim(1, owner="w", run="lost", lease=0.0)
    monkeypatch.setenv("FSM_JOURNAL", journal)
    return journal


def promised(name: str) -> set[str]:
    """The names in the help of --json."""
    (option,) = (param for param in main.commands[name].params if "--json" in param.opts)
    text = str(getattr(option, "help", ""))
    return set(re.split(r", ", text.partition(" with ")[2].rstrip(".")))


@pytest.mark.parametrize("name", sorted(ASKED))
def test_the_names_are_those_that_the_help_promises(name: str, kept: str, fsm: Invoke) -> None:
    data = json.loads(fsm(name, *ASKED[name], "--json", FSM_JOURNAL=kept).stdout)

    objects = data if isinstance(data, list) else [data]
    assert objects
    assert all(set(each) == promised(name) for each in objects)


def test_every_command_has_it() -> None:
    without = [
        name
        for name, command in main.commands.items()
        if not any("--json" in param.opts for param in command.params)
    ]

    assert without == []


def test_a_report_prints_what_was_written(kept: str, fsm: Invoke) -> None:
    result = fsm("report", "-o", "report.html", "--histories", "1", "--json", FSM_JOURNAL=kept)

    written = json.loads(result.stdout)
    assert (written["file"], written["histories"]) == ("report.html", 1)
    with open_journal(kept) as journal:
        assert written["runs"] == len(list(journal.runs()))
    assert Path("report.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--json"], "--json needs -o FILE"),
        (["-o", "report.svg"], "cannot write .svg here; end the name in .html or .htm"),
    ],
)
def test_a_report_is_written_as_what_it_is(
    args: list[str], said: str, kept: str, fsm: Invoke
) -> None:
    result = fsm("report", *args, FSM_JOURNAL=kept)

    assert result.exit_code == 2
    assert said in result.stderr
    assert not list(Path().glob("report.*"))


def test_serve_prints_the_address_of_the_page(kept: str, here: Path) -> None:
    asked = command("serve", "--port", "0", "--json")
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True, cwd=here) as serving:
        try:
            assert serving.stdout is not None
            told = json.loads(serving.stdout.readline())
            with urlopen(told["url"]) as page:
                assert page.status == 200
        finally:
            serving.terminate()

    assert set(told) == promised("serve")
    assert told["url"].endswith(f"/#{told['token']}")


@pytest.mark.parametrize("name", sorted(ASKED))
def test_points_in_time_are_in_utc(name: str, kept: str, fsm: Invoke) -> None:
    text = fsm(name, *ASKED[name], "--json", FSM_JOURNAL=kept).stdout

    times = re.findall(r'"\d{4}-\d\d-\d\d[T ][^" ]*"', text)
    assert all(re.fullmatch(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00"', at) for at in times)


def error_of(stderr: str) -> dict[str, Any]:
    """The one line that is there."""
    (line,) = stderr.splitlines()
    data: dict[str, Any] = json.loads(line)
    assert set(data) == {"error", "kind", "hint"}
    assert isinstance(data["error"], str)
    return data


@pytest.mark.parametrize(
    ("args", "code", "kind", "hint"),
    [
        (["runs", "--journal", "none.db"], 1, "JournalError", None),
        (["history", "etl/laod"], 1, "UnknownRun", "did you mean 'etl/load'?"),
        (["story", "\udcff"], 1, "UnknownRun", "fsm runs lists the runs it has"),
        (["why", "etl/load", "resum"], 1, "UnknownEvent", None),
        (["show", "shop:Ordre"], 1, "UnknownTarget", None),
        (["show", "shop"], 2, "BadParameter", "see fsm show --help"),
        (["show", "--nope"], 2, "NoSuchOption", "see fsm show --help"),
        (["shwo"], 2, "NoSuchCommand", "see fsm --help"),
        (["timeline", "x", "--format", "json"], 1, "UnknownRun", "fsm runs lists the runs it has"),
        (["diagram", "--format=json", "-o", "no/where"], 1, "UnwritableOutput", None),
    ],
)
def test_an_error_is_one_object(
    args: list[str], code: int, kind: str, hint: str | None, kept: str, fsm: Invoke
) -> None:
    asked = args if any("json" in word for word in args) else [*args, "--json"]

    result = fsm(*asked, FSM_JOURNAL=kept)

    data = error_of(result.stderr)
    assert (result.exit_code, result.stdout) == (code, "")
    assert (data["kind"], data["hint"]) == (kind, hint)


def test_after_the_end_of_options_it_is_a_word(kept: str, fsm: Invoke) -> None:
    result = fsm("history", "--", "--json", FSM_JOURNAL=kept)

    assert result.stderr.startswith("error: no run '--json' in ")


@pytest.mark.parametrize("text", [*HOSTILE, "\x7f\x9b", '"}', "\udc80"])
def test_hostile_words_come_back_as_they_were(text: str, kept: str, program: Program) -> None:
    result = program("history", "--json", "--", text, FSM_JOURNAL=kept)

    error = error_of(result.stderr)["error"] if text != "--help" else repr(text)
    assert repr(text) in error
    assert result.stderr.isascii()
    assert "\x7f" not in result.stderr


def test_no_error_commands_a_terminal(here: Path, fsm: Invoke) -> None:
    (here / "broken.py").write_text("raise ValueError('x\\x7f\\x9b')")

    result = fsm("show", "broken:Order", "--json")

    assert "x\x7f\x9b" in error_of(result.stderr)["error"]
    assert "\x7f" not in result.stderr
    assert result.stderr.isascii()


def test_a_refusal_has_its_kind_and_the_way_out(kept: str, fsm: Invoke) -> None:
    with open_journal(kept) as opened:
        run = TaskRun("failed", journal=opened)
        run.start()
        run.fail()

    result = fsm("retry", "failed", "nope", "--json", "--journal", kept)

    refused, unknown = json.loads(result.stdout)
    assert result.exit_code == 1
    assert refused["kind"] == "GuardRejected"
    assert refused["hint"] == "--force retries it anyway"
    assert unknown["kind"] == "UnknownRun"
