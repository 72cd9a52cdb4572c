"""Round trips through the codec."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from states import (
    Cached,
    Cancelled,
    ClientFailed,
    ExceptionRecord,
    Failed,
    Finished,
    Looped,
    Mapped,
    NoResult,
    NotDeserializable,
    Paused,
    Pending,
    Queued,
    Result,
    Resume,
    Retrying,
    Running,
    SafeResult,
    Scheduled,
    Skipped,
    State,
    Submitted,
    Success,
    TimedOut,
    TriggerFailed,
    ValidationFailed,
    dumps,
    loads,
)

AT = datetime(2020, 5, 14, tzinfo=UTC)


@attrs.frozen
class Suspicious(Failed):
    reason: str = ""
    _evidence: object = attrs.field(default=(), alias="evidence")


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


tricky = st.sampled_from(["$tuple", "$dict", "$", "exact", "type", "$state"])


moments = st.datetimes(
    timezones=st.sampled_from(
        [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(seconds=-561))]
    )
)


records = st.builds(ExceptionRecord, words, words, st.lists(words, max_size=2).map(tuple))


hashables = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    words,
    st.binary(max_size=5),
    moments,
    st.floats(allow_nan=False, allow_infinity=False),
    st.tuples(words, st.integers(0, 9)),
    records,
    st.frozensets(words, max_size=2),
)


def nested(inner):
    return st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(words | tricky, inner, max_size=3),
        st.dictionaries(hashables, inner, max_size=3),
        st.sets(hashables, max_size=3),
        st.builds(Result, inner, st.none() | words),
        st.builds(
            SafeResult, inner, st.none() | words, st.none() | st.just({"type": "X", "dir": "/data"})
        ),
        st.builds(Success, words, result=inner),
    )


values = st.recursive(hashables | st.just(NoResult), nested, max_leaves=8)


payload = {
    "message": st.none() | words | values,
    "context": st.none()
    | st.dictionaries(words, values, max_size=2)
    | st.dictionaries(hashables, values, max_size=2),
    "cached_inputs": st.none() | st.dictionaries(words, values, max_size=2),
}


counts = st.integers(0, 2**63 - 1)


plain_states = st.one_of(
    *(
        st.builds(cls, **payload, result=values)
        for cls in (
            Pending,
            Running,
            Finished,
            Success,
            Cancelled,
            Failed,
            TimedOut,
            TriggerFailed,
            ValidationFailed,
            Skipped,
        )
    ),
    *(
        st.builds(cls, **payload, result=values, start_time=moments)
        for cls in (Scheduled, Paused, Resume)
    ),
    st.builds(Retrying, **payload, result=values, start_time=moments, run_count=counts),
    st.builds(Looped, **payload, result=values, loop_count=counts),
    st.builds(
        Cached,
        **payload,
        result=values,
        cached_parameters=values,
        cached_result_expiration=st.none() | moments,
    ),
    st.builds(Suspicious, **payload, result=values, reason=words, evidence=values),
)


inner_states = plain_states | st.builds(
    Mapped, **payload, map_states=st.lists(st.none() | plain_states, max_size=2)
)


all_states = st.one_of(
    inner_states,
    *(
        st.builds(cls, **payload, result=values, state=st.none() | inner_states)
        for cls in (Submitted, ClientFailed)
    ),
    st.builds(Queued, **payload, result=values, start_time=moments, state=st.none() | inner_states),
)


@given(all_states)
@example(Success(result={"$tuple": [1]}))
@example(Success(result=({"$dict": []},)))
@example(Success(result={1: "a", "1": "b", None: "c", (2,): "d"}))
def test_every_state_comes_back_as_it_was(state):
    wire = state.serialize()
    text = json.dumps(wire, allow_nan=False)

    again = State.deserialize(json.loads(text))

    assert type(again) is type(state)
    assert again == state
    assert again.message == state.message
    assert again.context == state.context
    assert again.cached_inputs == state.cached_inputs
    assert type(again._result) is type(state._result)
    assert again.serialize() == wire


@given(all_states)
def test_text_is_canonical(state):
    text = dumps(state)

    assert dumps(loads(text)) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=5) | tricky, inner, max_size=3)
        ),
    )
)
def test_reading_anything_gives_a_state_or_not_deserializable(value):
    for wire in (
        value,
        {"type": "Success", "_result": value},
        {"type": "Success", "context": value},
        {"type": "Success", "exact": {"message": value}},
        {"type": "Mapped", "map_states": value},
        {"type": "Cached", "exact": {"cached_parameters": value}},
        {"type": "Success", "cached_inputs": {"x": value}},
    ):
        try:
            assert isinstance(State.deserialize(wire), State)
        except NotDeserializable:
            pass


@given(all_states, st.data())
def test_reading_a_damaged_dict_gives_a_state_or_not_deserializable(state, data):
    text = dumps(state)
    start = data.draw(st.integers(0, len(text)))
    damaged = (
        text[:start] + data.draw(st.text(max_size=2)) + text[start + data.draw(st.integers(0, 3)) :]
    )

    try:
        assert isinstance(loads(damaged), State)
    except NotDeserializable:
        pass


def test_serialize_returns_copies():
    context, result = {"a": [1]}, {"b": [2]}
    state = Success(result=result, context=context)
    wire = state.serialize()
    wire["context"]["a"].append(9)
    wire["_result"]["value"]["b"].append(9)
    again = State.deserialize(wire)
    wire["context"]["a"].append(10)

    assert (state.context, state.result) == ({"a": [1]}, {"b": [2]})
    assert again.context == {"a": [1, 9]}
