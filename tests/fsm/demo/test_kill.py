"""A worker killed on purpose, on processes and on Dask: one run is rescued, and nothing is lost."""

from __future__ import annotations

import re
import sys

import pytest

from fsm import open_journal
from fsm.demo.faults import VICTIM

from .conftest import Performed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 there")


@pytest.fixture(params=["by_processes", "by_dask"])
def performed(request: pytest.FixtureRequest) -> Performed:
    """A generation on each."""
    found: Performed = request.getfixturevalue(request.param)
    return found


def test_the_demo_comes_to_a_good_end(performed: Performed, first: Performed) -> None:
    report = (performed.directory / "demo-1" / "report.csv").read_text()

    assert performed.code == 0
    assert all(run.state.is_successful() for run in performed.runs().values())
    assert report == (first.directory / "demo-1" / "report.csv").read_text()


def test_the_victim_is_rescued_and_no_other(performed: Performed) -> None:
    rescues = {id: run.rescues for id, run in performed.runs().items() if run.rescues}

    events = " ".join(step.event for step in performed.run(f"demo-1/{VICTIM}").history)

    assert rescues == {f"demo-1/{VICTIM}": 1}
    assert events == "start rescue start succeed"


def test_workers_report_under_their_claims(performed: Performed) -> None:
    with open_journal(performed.directory / "demo.db") as journal:
        records = list(journal.records("demo-1/tally[0]"))

    assert [(record.event, record.epoch) for record in records] == [("start", None), ("succeed", 1)]


def test_the_verdict_counts_it(performed: Performed) -> None:
    (line,) = re.findall("^Verdict: .*$", performed.text, re.M)

    assert re.fullmatch(
        r"Verdict: 40 runs finished, 0 lost, \d+ retried, 1 rescued, \d+ refused\.", line
    )


def test_the_kill_is_announced(by_processes: Performed) -> None:
    told, _, _ = by_processes.text.partition(" 0/40 ")

    assert f"  {VICTIM}: kill -9 ends its worker while it runs\n" in told


def test_the_rescue_is_seen_as_injected(performed: Performed) -> None:
    assert re.search(
        r"^ ?\d+/40  clean\[5\] +Retrying +Its worker was lost \(rescue 1 of 3\) "
        r"\(injected fault: it was killed\)$",
        performed.text,
        re.M,
    )


def test_the_table_has_a_line_for_the_victim(by_processes: Performed) -> None:
    _, _, table = by_processes.text.partition("Attempts")
    line = re.search(r"^clean\[5\] +Success +1 .*\n(?: .*\n)*", table, re.M)

    assert line is not None
    assert "its worker was lost; rescues: 1" in " ".join(line[0].split())


def test_the_next_commands_name_the_executor_and_the_victim(
    by_processes: Performed,
) -> None:
    assert f" demo --executor process --directory {by_processes.directory}\n" in by_processes.text
    assert " history 'demo-1/clean[5]' --journal " in by_processes.text


def test_a_process_whose_time_is_up_is_stopped(by_processes: Performed) -> None:
    timed_out = [
        step.dest
        for step in by_processes.run("demo-1/airports").history
        if step.event == "time_out"
    ]

    assert "a process can be stopped, so it is\n" in by_processes.text
    assert "no end after 1 s" in str(timed_out[0].result)
    assert "goes on" not in str(timed_out[0].result)


def test_only_the_report_stays(performed: Performed) -> None:
    assert [file.name for file in (performed.directory / "demo-1").iterdir()] == ["report.csv"]
