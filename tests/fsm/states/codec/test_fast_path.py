"""The fast path gives the results of the encoder and the decoder."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

import attrs
import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.states.codec import fast_path, limits
from fsm.states.codec.decode import Decoder
from fsm.states.codec.encode import Encoder
from states import (
    Cached,
    Failed,
    Looped,
    Mapped,
    NoResult,
    Result,
    Retrying,
    Running,
    SafeResult,
    Scheduled,
    Submitted,
    Success,
)

AT = pendulum.datetime(2030, 1, 1)
NO_RESULT = {"type": "NoResultType", "__version__": "0.10.7"}


@attrs.frozen
class Blamed(Failed):
    culprit: str = ""


@attrs.frozen
class Checked(Success):
    def __attrs_post_init__(self):
        raise ValueError("only the constructor knows")


class Praised(Success):
    __slots__ = ()


class Says(str):
    """No plain string."""

    __slots__ = ()


ORDINARY = [
    Running(),
    Running("Starting task run."),
    Running("Grüße an 東京"),
    Success(result=None),
    Success("done", result={"rows": 336776}, context={"tags": ["nightly", "flights"]}),
    Success(result=[1, -1.5, True, None, "a", {}, [], {"a": 0}]),
    Success(result=2**63 - 1),
    Failed("boom", result=NoResult, context={"attempts": {"1": "refused"}}),
    Looped(loop_count=3),
    Scheduled("later", start_time=AT),
    Scheduled(start_time=datetime(2030, 1, 1, 12, 30, 0, 7, tzinfo=UTC)),
    Retrying("Again.", start_time=AT, run_count=2),
    Cached(result=1, cached_parameters={"x": 1}, cached_result_expiration=AT),
    Cached(result=1),
    Praised("well done", result=1),
]

UNWRITTEN = {
    "a message of more than one line": Running("a\nb"),
    "a long message": Running("a" * 501),
    "a message that is no string": Running(5),
    "a string of another class": Running(Says("a")),
    "a tuple": Success(result=(1,)),
    "an exception": Failed(result=ValueError("no")),
    "a kept result": Success(result=Result(1, "s3://x")),
    "a safe result": Success(result=SafeResult(1)),
    "cached inputs": Success(cached_inputs={"x": 1}),
    "names that are none": Success(result={1: 1}),
    "a name of another class": Success(context={Says("a"): 1}),
    "a long name": Success(context={"a" * 501: 1}),
    "a name with NUL": Success(context={"\0": 1}),
    "an integer JSON readers lose": Success(result={"a": 2**63}),
    "no number": Success(result=[math.nan]),
    "many items": Success(result=list(range(17))),
    "deep items": Success(context={"a": {"b": {"c": {"d": 1}}}}),
    "a surrogate": Success(result=["\ud800"]),
    "another zone": Scheduled(start_time=datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
    "a huge count": Looped(loop_count=2**63),
    "children": Mapped(map_states=[None]),
    "a wrapped state": Submitted(state=Running()),
    "a field of a user's class": Blamed(culprit="gardener"),
}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1]),
    st.floats(),
    st.text(max_size=8),
    st.text("a", min_size=499, max_size=502),
    st.sampled_from([Says("a"), "\0", "\ud800", "a\nb", b"a"]),
)
names = st.text(max_size=4) | st.sampled_from(["$tuple", "type", "exact", Says("a"), 1])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(names, inner, max_size=3)
        | st.lists(st.just(0), min_size=15, max_size=18)
    ),
    max_leaves=12,
)
messages = st.none() | scalars
contexts = st.none() | st.dictionaries(names, values, max_size=3)
results = st.just(NoResult) | values
moments = st.datetimes(timezones=st.sampled_from([pendulum.UTC, UTC, timezone(timedelta(hours=5))]))
counts = st.integers(0, 2**64)
states = st.one_of(
    *(
        st.builds(cls, messages, result=results, context=contexts)
        for cls in (Running, Success, Failed, Praised, Blamed)
    ),
    st.builds(Retrying, messages, result=results, start_time=moments, run_count=counts),
    st.builds(Looped, messages, result=results, loop_count=counts),
    st.builds(
        Cached,
        messages,
        result=results,
        cached_parameters=values,
        cached_result_expiration=st.none() | moments,
    ),
)


def in_full(state):
    return Encoder().encode_state(state, "", 0)


def fields(state):
    return {
        field.name: (type(getattr(state, field.name)), repr(getattr(state, field.name)))
        for field in attrs.fields(type(state))
    }


@given(states | st.sampled_from(ORDINARY))
def test_the_fast_path_writes_what_the_encoder_writes(state):
    wire = fast_path.write(state)

    if wire is not None:
        assert json.dumps(wire, allow_nan=False) == json.dumps(in_full(state), allow_nan=False)


@given(st.sampled_from(ORDINARY), st.data())
def test_the_fast_path_reads_what_the_decoder_reads(state, data):
    wire = in_full(state)
    parts = [wire, wire["_result"], wire["context"]]
    for _ in range(data.draw(st.integers(0, 2))):
        part = data.draw(st.sampled_from(parts))
        name = data.draw(st.sampled_from([*part, "exact", "run_count", "location"]) | names)
        part.pop(name, None)
        if data.draw(st.booleans()):
            part[name] = data.draw(values | st.sampled_from(["Failed", "Result", {}, [], 0, -1]))

    read = fast_path.read(wire)

    if read is not None:
        limits.check(wire)
        expected = Decoder().decode_state(wire, "", 0)
        assert type(read) is type(expected)
        assert fields(read) == fields(expected)


@pytest.mark.parametrize("state", ORDINARY, ids=repr)
def test_the_fast_path_takes_an_ordinary_state(state):
    wire = fast_path.write(state)

    assert wire is not None
    assert fields(fast_path.read(wire)) == fields(state)


@pytest.mark.parametrize("what", UNWRITTEN)
def test_the_fast_path_leaves_other_states_to_the_encoder(what):
    assert fast_path.write(UNWRITTEN[what]) is None


def test_a_context_of_another_class_is_left_to_the_encoder():
    state = Running(context={"a": 1})
    object.__setattr__(state, "_context", MappingProxyType({"a": 1}))

    assert fast_path.write(state) is None


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Nothing"},
        {"type": "State"},
        {"type": "Mapped"},
        {"type": "Blamed"},
        {"type": "Checked"},
        {"type": ["Running"]},
        {"type": Says("Running")},
        {Says("type"): "Running"},
        {"run_count": 1},
        {"exact": {}},
        {"__version__": 1},
        {"__version__": Says("0.10.7")},
        {"message": 5},
        {"message": "a\nb"},
        {"context": None},
        {"context": {"a": (1,)}},
        {"cached_inputs": {"x": NO_RESULT}},
        {"cached_inputs": None},
        {"_result": None},
        {"_result": {}},
        {"_result": {**NO_RESULT, "location": "x"}},
        {"_result": {**NO_RESULT, "type": Says("NoResultType")}},
        {"_result": {**in_full(Success(result=1))["_result"], "kind": "value"}},
        {"_result": {**in_full(Success(result=1))["_result"], "exact": 1}},
    ],
    ids=repr,
)
def test_the_fast_path_leaves_other_dicts_to_the_decoder(change):
    (name,) = change
    wire = fast_path.write(Running("Starting task run."))
    wire.pop(name, None)  # so that a name of another class takes the place

    assert fast_path.read(wire | change) is None


@pytest.mark.parametrize("name", ["start_time", "run_count"])
@pytest.mark.parametrize("value", [None, -1, "soon", True, 1.0, "2030-01-01"])
def test_the_fast_path_raises_no_error_itself(name, value):
    wire = fast_path.write(Retrying(start_time=AT, run_count=2))

    assert fast_path.read(wire | {name: value}) is None


def test_changing_a_written_dict_does_not_change_the_state():
    state = Success(result={"a": [1]}, context={"b": ["c"]})
    wire = in_full(state)

    for _ in range(2):
        written = [fast_path.write(state), fast_path.write(Running())]
        assert written == [wire, in_full(Running())]
        written[0]["_result"]["value"]["a"].clear()
        written[0]["_result"]["result_handler"].clear()
        written[0]["context"]["b"].clear()
        for each in written:
            each["_result"].clear()
            each["cached_inputs"]["x"] = 1
            each["context"]["y"] = 1
    assert (state.result, state.context) == ({"a": [1]}, {"b": ["c"]})


def test_changing_a_dict_after_reading_does_not_change_the_state():
    wire = in_full(Success(result={"a": [1]}, context={"b": ["c"]}))

    state = fast_path.read(wire)
    wire["_result"]["value"]["a"].clear()
    wire["context"]["b"].clear()

    assert (state.result, state.context) == ({"a": [1]}, {"b": ["c"]})


def test_the_most_that_the_fast_path_takes_is_within_the_limits():
    text = "a" * 500
    level = text
    for _ in range(3):
        level = {f"{name:0500}": level for name in range(16)}
    inner = next(iter(level.values()))
    state = Cached(text, result=inner, context=level, cached_parameters=level)

    wire = fast_path.write(state)

    assert wire is not None
    limits.check(wire)
    assert fast_path.read(wire) is not None
