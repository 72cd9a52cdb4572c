"""fsm why."""

from __future__ import annotations

import json

import pytest

from fsm import Run, event, open_journal
from fsm.cli.targets import load
from states import Pending, Success

from ..conftest import Invoke


def test_a_refusal_comes_with_the_way(journal: str, fsm: Invoke) -> None:
    result = fsm("why", "etl/report", "resume", "--journal", journal)

    assert result.exit_code == 0
    assert result.stdout.startswith("cannot resume from Running; from Running one can succeed,")
    assert result.stdout.endswith(
        "\nevents that lead there:\n  1. pause → Paused\n  2. resume → Resume\n"
    )


def test_an_allowed_event_is_reported(journal: str, fsm: Invoke) -> None:
    result = fsm("why", "etl/report", "succeed", "--journal", journal)

    assert result.stdout == "can succeed from Running: it leads to Success\n"


def test_asking_moves_nothing(journal: str, fsm: Invoke) -> None:
    before = fsm("history", "etl/report", "--journal", journal).stdout

    fsm("why", "etl/report", "resume", "--journal", journal)

    assert fsm("history", "etl/report", "--journal", journal).stdout == before


def test_json_brings_guards_and_path(journal: str, fsm: Invoke) -> None:
    data = json.loads(fsm("why", "etl/clean", "start", "--journal", journal, "--json").stdout)

    assert (data["run"], data["state"], data["event"]) == ("etl/clean", "Cancelled", "start")
    assert (data["allowed"], data["certain"], data["path"]) == (False, False, [])
    assert "is final" in data["refused"]


class Letter(Run):
    sign = event(Success, source=Pending)


def test_another_class_has_to_be_named(journal: str, fsm: Invoke) -> None:
    kept = open_journal(journal)
    Letter("letter-1", journal=kept).sign()
    kept.close()

    result = fsm("why", "letter-1", "sign", "--journal", journal)

    assert result.exit_code == 1
    assert result.stderr.startswith("error: run 'letter-1' cannot be read as a run of TaskRun")
    assert f"use --as {__name__}:Letter\n" in result.stderr


def test_a_wrong_class_is_an_error(journal: str, fsm: Invoke) -> None:
    result = fsm("why", "etl/load", "retry", "--journal", journal, "--as", "shop:Order")

    assert result.exit_code == 1
    assert result.stderr.startswith("error: run 'etl/load' cannot be read as a run of Order")
    assert "use --as fsm:TaskRun\n" in result.stderr


def test_the_guards_asked_are_those_of_the_class_named(journal: str, fsm: Invoke) -> None:
    order = load("shop:Order")
    kept = open_journal(journal)
    run = order("order-1", journal=kept)
    run.trigger("start")
    run.trigger("finish")
    kept.close()

    result = fsm("why", "order-1", "start", "--journal", journal, "--as", "shop:Order")

    assert result.stdout == (
        "cannot start from Finished; Finished is final, nothing leads out of it\n"
        "no sequence of events is known after which one can start\n"
    )


@pytest.mark.parametrize(
    ("run", "name", "says"),
    [
        ("etl/laod", "start", "note: did you mean 'etl/load'?\n"),
        ("etl/load", "strat", "(did you mean 'start'?)"),
        ("\udcff", "start", "error: no run "),
    ],
)
def test_what_is_unknown_is_an_error(
    run: str, name: str, says: str, journal: str, fsm: Invoke
) -> None:
    result = fsm("why", "--journal", journal, "--", run, name)

    assert result.exit_code == 1
    assert says in result.stderr
