"""Redaction: secrets are not kept, and what is kept can be read."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm import StaleRun, TaskRun, event, open_journal
from fsm.errors import InvalidArgument
from fsm.journal import Journal
from fsm.journal.redaction import MASK, Redaction
from fsm.operations import verify
from fsm.states import dumps, loads
from fsm.testing import HandClock
from states import (
    Cached,
    Failed,
    Mapped,
    NotSerializable,
    Queued,
    Result,
    Retrying,
    Running,
    SafeResult,
    Scheduled,
    State,
    Submitted,
    Success,
)

SECRET = "hunter2"
PATTERNS = [r"hunter\d", re.compile("(?i)password|token")]


@pytest.fixture(params=["sqlite", "postgres"])
def journal(request: pytest.FixtureRequest, path: Path) -> Iterator[Journal]:
    """A journal that masks secrets, in each database."""
    sqlite = request.param == "sqlite"
    url = path if sqlite else request.getfixturevalue("empty_database")
    with open_journal(url, redact=PATTERNS) as kept:
        yield kept


def all_that_is_kept(journal: Journal) -> str:
    rows: list[Any] = [*journal.runs(), *journal.late_results()]
    for summary in journal.runs():
        rows += journal.records(summary.run)
    return repr(rows)


@attrs.frozen
class Refused(Failed):
    """Failed, for a reason of the user's own."""

    reason: str = ""
    password: str = ""


class Shop(TaskRun):
    refuse = event(Refused, source=Running)


def error() -> ValueError:
    return ValueError(f"no such user: {SECRET}", SECRET.encode())


STATES: dict[str, State] = {
    "message": Failed(f"login with {SECRET} failed"),
    "an exception as the message": Failed(error()),
    "result": Success("done", f"it was {SECRET}"),
    "an exception": Failed("m", error()),
    "a name in a result": Success("m", {"password": "x1", "rows": 3}),
    "a name deep down": Success("m", [{"a": ({"Password": ["x1", {"b": "x1"}]},)}]),
    "a tuple": Success("m", ("x", SECRET)),
    "a set": Success("m", {SECRET, "x"}),
    "bytes": Success("m", b"\xff " + SECRET.encode()),
    "names that are no strings": Success("m", {1: SECRET, "token": "x1", (2, 3): b"x"}),
    "context": Running("m", context={"user": SECRET, "token": "x1", "n": 1}),
    "an exact context": Running("m", context={"when": (SECRET,), "token": {"x1"}}),
    "inputs": Running("m", cached_inputs={"password": "x1", "n": SECRET}),
    "an exact input": Running("m", cached_inputs={"password": ("x1",), "n": (SECRET,)}),
    "an input with a result": Running("m", cached_inputs={"token": SafeResult("x1", "/x1")}),
    "a location": Success("m", Result(1, f"s3://{SECRET}@bucket")),
    "a wrapped state": Queued("m", state=Scheduled(SECRET, context={"password": "x1"})),
    "a wrapped result": Submitted("m", state=Running(SECRET, result=(SECRET, {"token": "x1"}))),
    "children": Mapped("m", map_states=[Success(SECRET, error()), None, Failed("m", (SECRET,))]),
    "cached parameters": Cached("m", cached_parameters={"password": "x1", "n": SECRET}),
    "exact parameters": Cached("m", cached_parameters={"token": ("x1",), "n": (SECRET,)}),
    "a state in a result": Success("m", {"s": Failed(SECRET, context={"token": "x1"})}),
    "a result in a result": Success("m", [Result({"password": "x1"}, SECRET)]),
    "a field of the user's own": Refused("m", reason=f"it was {SECRET}"),
    "a field by its name": Refused("m", password="x1"),
}


@pytest.mark.parametrize("where", STATES)
def test_a_secret_is_masked_in_every_field(where: str) -> None:
    text = Redaction(PATTERNS).dumps(STATES[where])

    assert SECRET not in text
    assert "x1" not in text
    assert "aHVudGVyM" not in text  # in base 64
    assert MASK in text
    assert type(loads(text)) is type(STATES[where])


@pytest.mark.parametrize("where", STATES)
def test_a_payload_without_secrets_stays_as_it_is(where: str) -> None:
    text = Redaction(["nowhere"]).dumps(STATES[where])

    assert text == dumps(STATES[where])


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from("abc") | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["a", "b", "$a", "type", "value", "exact"]), inner)
        | st.builds(ValueError, inner)
        | st.builds(Failed, inner)
    ),
    max_leaves=6,
)
NAMES = st.dictionaries(st.sampled_from(["a", "b", "type", "state", "_result", "$tuple"]), PLAIN)
WRITTEN = st.one_of(
    st.builds(Success, PLAIN, PLAIN, context=NAMES, cached_inputs=NAMES),
    st.builds(Cached, PLAIN, PLAIN, cached_parameters=PLAIN),
    st.builds(Retrying, PLAIN, context=NAMES),
    st.builds(Mapped, map_states=st.lists(st.none() | st.builds(Failed, PLAIN, PLAIN), max_size=2)),
    st.builds(Queued, state=st.builds(Scheduled, PLAIN, context=NAMES)),
    st.builds(Refused, PLAIN, reason=st.sampled_from("abc")),
)
ANY = st.sampled_from(
    ["a", "b", "c", ".", "x*", r"\d", "type", "value", "e", "state", "[a-z]+", "20", "T", r"\+00"]
)


@settings(max_examples=300, deadline=None)
@given(state=WRITTEN, patterns=st.lists(ANY, min_size=1, max_size=3))
def test_a_masked_state_can_be_read(state: State, patterns: list[str]) -> None:
    again = loads(Redaction(patterns).dumps(state))

    assert type(again) is type(state)


def waiting(clock: HandClock) -> Scheduled:
    return Scheduled(SECRET, start_time=clock(), context={"token": "x1"})


def test_no_secret_reaches_the_journal(journal: Journal, clock: HandClock) -> None:
    run = Shop("r", journal=journal, clock=clock, state=waiting(clock))
    run.start(message=SECRET, cached_inputs={"password": "x1"})
    (claim,) = journal.claim(run="r", owner="a", now=clock())
    late = Shop.restore("r", claim)
    run.refuse(result=error(), reason=SECRET)
    with pytest.raises(StaleRun):
        late.succeed(result=SECRET)

    kept = all_that_is_kept(journal)

    assert "x1" not in kept
    assert SECRET not in kept
    assert MASK in kept
    assert list(verify(journal)) == []
    assert [type(step.dest) for step in Shop.restore("r", journal).history] == [Running, Refused]
    assert [each.state.result for each in journal.late_results()] == [MASK]


def test_the_name_of_a_masked_value_stays() -> None:
    struck = loads(Redaction(PATTERNS).dumps(Success("m", {"password": 1, "rows": 2})))

    assert struck.result == {"password": MASK, "rows": 2}


@attrs.frozen
class Counted(Failed):
    """Failed so many times."""

    times: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))


def test_a_state_that_masking_would_make_unreadable_is_refused() -> None:
    with pytest.raises(NotSerializable, match="all secrets masked"):
        Redaction(["times"]).dumps(Counted(times=3))


def test_the_live_run_keeps_its_secrets(journal: Journal) -> None:
    run = TaskRun("r", journal=journal)

    run.start(message=SECRET, context={"token": "x1"})

    assert run.state.message == SECRET
    assert run.state.context == {"token": "x1"}
    assert journal.holds(run.history[0])


def test_a_users_setting_is_masked(journal: Journal) -> None:
    class Keyed(TaskRun):
        __slots__ = ("api_token",)

        def __init__(self, id: Any = None, *, api_token: str = "", **more: Any) -> None:
            super().__init__(id, **more)
            self.api_token = api_token

        def settings(self) -> Any:
            return {**super().settings(), "api_token": self.api_token}

    Keyed("r", journal=journal, api_token="x1", max_retries=4).start()

    assert "x1" not in all_that_is_kept(journal)
    again = Keyed.restore("r", journal)
    assert (again.api_token, again.max_retries) == (MASK, 4)


def test_a_policy_is_no_secret(journal: Journal, path: Path) -> None:
    url = path if "SQLite" in repr(journal) else str(journal)
    if url is not path:
        pytest.skip("the URL that is shown has no password")
    with open_journal(url, redact=["max_", "retr", "policy"]) as strict:
        TaskRun("r", journal=strict, max_retries=7).start()

        assert TaskRun.restore("r", strict).max_retries == 7


def test_the_file_holds_no_secret(path: Path) -> None:
    with open_journal(path, redact=PATTERNS) as journal:
        run = TaskRun("r", journal=journal)
        run.start(message=SECRET, context={"password": "x1"})
        run.fail(result=error())

    connection = sqlite3.connect(path)
    dump = "\n".join(connection.iterdump())
    connection.close()
    assert SECRET not in dump
    assert SECRET.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    "redact", ["secret", 5, [""], ["("], [5], [b"x"], [re.compile(b"x")]], ids=repr
)
@pytest.mark.parametrize("url", ["memory:", "runs.db", "postgresql://u@localhost/x"])
def test_another_thing_than_a_pattern_is_refused(url: str, redact: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="regular expression"):
        open_journal(tmp_path / url if url == "runs.db" else url, redact=redact)


def test_an_empty_list_of_patterns_is_no_redaction(path: Path) -> None:
    with open_journal(path, redact=[]) as journal:
        TaskRun("r", journal=journal).start(message=SECRET)

        assert journal.summary("r").message == SECRET
