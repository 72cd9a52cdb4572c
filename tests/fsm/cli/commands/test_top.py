"""fsm top, serve and report: how the runs of a journal stand."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from ..conftest import Invoke


def test_top_counts_the_states(journal: str, fsm: Invoke) -> None:
    result = fsm("top", "--journal", journal, "--json")

    data = json.loads(result.stdout)
    assert data["states"] == {"Success": 1, "Cancelled": 1, "Running": 1}
    assert [run["run"] for run in data["running"]] == ["etl/report"]
    assert (data["total"], data["failed"], data["trouble"]) == (3, [], None)


def test_top_once_lists_running_runs(journal: str, fsm: Invoke) -> None:
    result = fsm("top", "--journal", journal, "--once")

    assert result.exit_code == 0
    assert "3 runs" in result.stdout
    assert "etl/report" in result.stdout


def test_top_takes_no_name_for_a_command(hostile_journal: str, fsm: Invoke) -> None:
    result = fsm("top", "--journal", hostile_journal, "--once")

    assert result.exit_code == 0
    assert "[red]x[/red]" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    "command", [["top", "--once", "--journal"], ["serve", "--journal"], ["report"]]
)
def test_a_missing_journal_is_an_error(command: list[str], here: Path, fsm: Invoke) -> None:
    result = fsm(*command, "no.db")

    assert (result.exit_code, "no journal is at" in result.stderr) == (1, True)
    assert not (here / "no.db").exists()


def test_a_report_is_one_file(journal: str, here: Path, fsm: Invoke) -> None:
    result = fsm("report", journal, "-o", "report.html")

    assert result.exit_code == 0
    assert "etl/load" in (here / "report.html").read_text()


def test_a_report_that_cannot_be_written_is_an_error(journal: str, fsm: Invoke) -> None:
    result = fsm("report", journal, "-o", "no/report.html")

    assert (result.exit_code, "cannot write" in result.stderr) == (1, True)


def test_a_port_in_use_is_an_error(journal: str, fsm: Invoke) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = fsm("serve", "--journal", journal, "--port", str(taken.getsockname()[1]))

    assert result.exit_code == 1
    assert "choose another with --port" in result.stderr


def test_an_interval_is_a_number(journal: str, fsm: Invoke) -> None:
    assert fsm("top", "--journal", journal, "--interval", "nan").exit_code == 2
