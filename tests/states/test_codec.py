"""The codec: what survives it, what it refuses to write, what it refuses to read."""

from __future__ import annotations

import json
import math
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

import attrs
import pytest
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
    NotSerializable,
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
    UnknownState,
    ValidationFailed,
    ambient,
    dumps,
    limits,
    loads,
)

AT = datetime(2020, 5, 14, tzinfo=UTC)


@attrs.frozen
class Suspicious(Failed):
    reason: str = ""
    _evidence: object = attrs.field(default=(), alias="evidence")


@attrs.frozen
class Strict(Failed):
    limit: int = attrs.field(default=1, validator=attrs.validators.lt(10))


class Bare(Success):
    def __init__(self, wanted):
        super().__init__(result=wanted)


# What can be carried, nested as deep as fits.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
tricky = st.sampled_from(["$tuple", "$dict", "$", "exact", "type", "$state"])
moments = st.datetimes(
    timezones=st.sampled_from(
        [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(seconds=-561))]
    )
)
records = st.builds(ExceptionRecord, words, words, st.lists(words, max_size=2).map(tuple))
hashables = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), words, st.binary(max_size=5), moments,
    st.floats(allow_nan=False, allow_infinity=False), st.tuples(words, st.integers(0, 9)), records,
    st.frozensets(words, max_size=2),
)  # fmt: skip


def nested(inner):
    return st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(words | tricky, inner, max_size=3),
        st.dictionaries(hashables, inner, max_size=3),
        st.sets(hashables, max_size=3),
        st.builds(Result, inner, st.none() | words),
        st.builds(SafeResult, inner, st.none() | words, st.none() | st.just({"type": "X", "dir": "/data"})),
        st.builds(Success, words, result=inner),
    )  # fmt: skip


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
        for cls in (Pending, Running, Finished, Success, Cancelled, Failed, TimedOut, TriggerFailed, ValidationFailed, Skipped)
    ),
    *(st.builds(cls, **payload, result=values, start_time=moments) for cls in (Scheduled, Paused, Resume)),
    st.builds(Retrying, **payload, result=values, start_time=moments, run_count=counts),
    st.builds(Looped, **payload, result=values, loop_count=counts),
    st.builds(Cached, **payload, result=values, cached_parameters=values, cached_result_expiration=st.none() | moments),
    st.builds(Suspicious, **payload, result=values, reason=words, evidence=values),
)  # fmt: skip
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
def test_reading_anything_ends_in_a_state_or_the_one_error(value):
    for wire in (value, {"type": "Success", "_result": value}, {"type": "Success", "context": value},
                 {"type": "Success", "exact": {"message": value}}, {"type": "Mapped", "map_states": value},
                 {"type": "Cached", "exact": {"cached_parameters": value}},
                 {"type": "Success", "cached_inputs": {"x": value}}):  # fmt: skip
        try:
            assert isinstance(State.deserialize(wire), State)
        except NotDeserializable:
            pass


@given(all_states, st.data())
def test_a_damaged_wire_ends_in_a_state_or_the_one_error(state, data):
    text = dumps(state)
    start = data.draw(st.integers(0, len(text)))
    damaged = (
        text[:start] + data.draw(st.text(max_size=2)) + text[start + data.draw(st.integers(0, 3)) :]
    )

    try:
        assert isinstance(loads(damaged), State)
    except NotDeserializable:
        pass


def test_serializing_hands_out_copies():
    context, result = {"a": [1]}, {"b": [2]}
    state = Success(result=result, context=context)
    wire = state.serialize()
    wire["context"]["a"].append(9)
    wire["_result"]["value"]["b"].append(9)
    again = State.deserialize(wire)
    wire["context"]["a"].append(10)

    assert (state.context, state.result) == ({"a": [1]}, {"b": [2]})
    assert again.context == {"a": [1, 9]}


# -- exceptions ---------------------------------------------------------------------------------


def failure(error=None):
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise (error or ValueError("boom")) from inner
    except Exception as caught:
        return caught


def test_an_exception_comes_back_as_an_inert_record():
    error = failure()
    error.add_note("a hint")
    state = loads(dumps(Failed(error, result=error, cached_inputs={"x": [error]})))

    record = state.result
    assert type(record) is ExceptionRecord
    assert not isinstance(record, BaseException)
    assert (record.type, record.text, str(record), repr(record)) == (
        "ValueError",
        "boom",
        "boom",
        "ValueError('boom')",
    )
    assert any("KeyError: 'inner'" in line for line in record.traceback)
    assert any("a hint" in line for line in record.traceback)
    assert state.cached_inputs["x"] == [record]
    assert repr(state) == '<Failed: "boom">'


def test_a_record_is_written_as_it_came():
    text = dumps(Failed(failure(), result=failure()))

    assert dumps(loads(text)) == text


def test_an_exception_never_stops_a_failure_from_being_written():
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError

    for error in (
        failure(Broken()),
        failure(ValueError("\0\ud800" * 10**6)),
        SystemExit(3),
        RecursionError(),
    ):
        record = loads(dumps(Failed(result=error))).result
        assert len(record.text) <= 10_000
        assert all(len(line) <= 1_000 for line in record.traceback)
    assert record.type == "RecursionError"
    assert loads(dumps(Failed(result=Broken()))).result.type.endswith("Broken")


def test_a_deep_traceback_is_cut():
    def dig(depth):
        return dig(depth - 1) if depth else 1 / 0

    with pytest.raises(ZeroDivisionError) as caught:
        dig(200)

    assert len(loads(dumps(Failed(result=caught.value))).result.traceback) <= 50


# -- what cannot be written ---------------------------------------------------------------------


class Colour(StrEnum):
    RED = "red"


class Sly(dict):
    pass


def cycle():
    loop = []
    loop.append(loop)
    return loop


def deep(levels):
    value = 0
    for _ in range(levels):
        value = [value]
    return value


def shared(levels):
    value = [1, 2]
    for _ in range(levels):
        value = [value, value]
    return value


@attrs.frozen
class Local(Result):
    folder: str = ""


UNWRITABLE = {
    "object": object(),
    "nan": math.nan,
    "inf": -math.inf,
    "big integer": 2**63,
    "small integer": -(2**63) - 1,
    "nul": "a\0",
    "surrogate": "\ud800",
    "nul in a key": {"a\0": 1},
    "surrogate in a rich key": {("\udfff",): 1},
    "cycle": cycle(),
    "rich cycle": (cycle(),),
    "deep": deep(33),
    "rich and deep": (deep(32),),
    "naive": datetime(2020, 1, 1),
    "decimal": Decimal(1),
    "enum": Colour.RED,
    "dict subclass": Sly(),
    "class": Success,
    "function": deep,
    "shared": shared(28),
    "rich and shared": shared(28) + [()],
    "huge text": "a" * (limits.CHARS + 1),
    "huge bytes": b"a" * limits.CHARS,
    "abstract": State(),
    "result class": Local(1),
    "located": Result(1, 5),
    "handled": SafeResult(1, result_handler={"type": object()}),
    "handled by no one": SafeResult(1, result_handler={"dir": "x"}),
    "record": ExceptionRecord(1, 2, 3),
}


@pytest.mark.parametrize("value", UNWRITABLE.values(), ids=UNWRITABLE)
def test_what_cannot_be_written_exactly_names_its_field(value):
    for state, field in (
        (Success(result=value), "result"),
        (Success(result=[value, ()]), "result"),
        (Success(cached_inputs={"x": value}), "cached_inputs.x"),
        (Success(cached_inputs={"x": Result(value)}), "cached_inputs.x"),
        (Success(context={"a": {"b": value}}), "context.a.b"),
        (Success(value if not isinstance(value, str) or len(value) > 9 else [value]), "message"),
        (Cached(cached_parameters=value), "cached_parameters"),
        (Suspicious(evidence=value), "evidence"),
        (Mapped(map_states=[None, Success(result=value)]), "map_states.1.result"),
        (Submitted(state=Success(result=value)), "state.result"),
    ):
        with pytest.raises(NotSerializable) as refused:
            state.serialize()
        assert refused.value.field.startswith(field), refused.value
        assert 0 < len(str(refused.value)) < 400


def test_the_path_of_a_nested_value_is_dotted():
    with pytest.raises(NotSerializable, match=r"cached_inputs\.x\.a\.1 holds object") as refused:
        Success(cached_inputs={"x": {"a": [0, object()]}}).serialize()

    assert refused.value.field == "cached_inputs.x.a.1"


@pytest.mark.parametrize("levels", [0, 1, 31, 32])
def test_values_nest_up_to_the_limit(levels):
    for value in (deep(levels), Result(deep(levels))):
        assert loads(dumps(Success(result=value))).result == deep(levels)


def test_deep_values_of_every_kind_fit_the_wire():
    kinds = [
        lambda inner: (inner,), lambda inner: {1: inner}, lambda inner: {"$x": inner}, Result,
        SafeResult, lambda inner: Success(result=inner), lambda inner: Failed(inner),
        lambda inner: Mapped(map_states=[Success(result=inner)]),
    ]  # fmt: skip
    for kind in kinds:
        value, state = {1}, None
        for _ in range(40):
            value = kind(value)
            try:
                state = Success(result=value)
                text = dumps(state)
            except NotSerializable:
                break
            assert loads(text) == state
        else:
            raise AssertionError("no limit")


def test_names_of_cached_inputs_are_strings():
    with pytest.raises(NotSerializable, match="names are strings"):
        Success(cached_inputs={1: 2}).serialize()


def test_abstract_states_are_neither_written_nor_read(classes):
    for name in ("State", "_MetaState"):
        with pytest.raises(NotSerializable):
            classes[name]().serialize()
        with pytest.raises(UnknownState):
            State.deserialize({"type": name})


def test_a_million_children_come_back():
    state = Mapped(map_states=[None] * 10_000)

    assert loads(dumps(state)) == state
    with pytest.raises(NotSerializable, match="children"):
        Mapped(map_states=[None] * (limits.CHILDREN + 1)).serialize()


def test_text_that_grows_in_json_is_still_bounded():
    with pytest.raises(NotSerializable, match="characters of JSON"):
        dumps(Success("\x01" * (limits.CHARS // 2)))


def test_a_state_that_changes_while_it_is_written_is_refused(monkeypatch):
    def broken(*_):
        raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr("states.writer.Writer.state", broken)

    with pytest.raises(NotSerializable, match="changed size"):
        Success().serialize()


# -- users' classes -----------------------------------------------------------------------------


def test_extra_fields_are_written_under_the_constructors_names():
    wire = Suspicious(reason="x", evidence=(1,)).serialize()

    assert (wire["reason"], wire["evidence"]) == ("x", [1])
    assert wire["exact"] == {"evidence": {"$tuple": [1]}}


def test_a_missing_extra_field_takes_its_default():
    wire = Suspicious(reason="x").serialize()
    del wire["reason"]

    assert State.deserialize(wire) == Suspicious()


def test_a_users_validator_speaks_when_a_state_is_read():
    wire = Strict().serialize() | {"limit": 10}

    with pytest.raises(NotDeserializable, match="Strict refuses"):
        State.deserialize(wire)


def test_an_undecorated_class_is_read_without_its_constructor():
    assert loads(dumps(Bare(5))) == Bare(5)


def test_of_two_classes_of_one_name_only_the_later_is_written():
    def declare(base):
        @attrs.frozen
        class Twin(base):
            pass

        return Twin

    first, second = declare(Failed), declare(Success)

    assert type(loads(dumps(second()))) is second
    with pytest.raises(NotSerializable, match="another class"):
        first().serialize()


def test_a_field_the_wire_uses_itself_is_refused():
    @attrs.frozen
    class Typed(Failed):
        type: str = ""

    with pytest.raises(NotSerializable, match="field named type"):
        Typed().serialize()
    with pytest.raises(NotDeserializable, match="field named type"):
        State.deserialize({"type": "Typed"})


def test_a_field_of_ours_on_a_users_class_is_theirs():
    @attrs.frozen
    class Homely(Failed):
        state: str = "NY"
        start_time: object = None

    assert loads(dumps(Homely(state="TX", start_time=AT))) == Homely(state="TX", start_time=AT)


def test_a_redeclared_field_has_to_keep_its_meaning():
    @attrs.frozen
    class Loose(Retrying):
        start_time: object = "soon"
        run_count: object = 1.5

    for given_, field in (({}, "start_time"), ({"start_time": AT}, "run_count")):
        with pytest.raises(NotSerializable) as refused:
            Loose(**given_).serialize()
        assert refused.value.field == field
    with pytest.raises(NotSerializable, match="naive|zone|tzinfo"):
        Loose(start_time=datetime(2020, 1, 1, tzinfo=Sullen())).serialize()


class Sullen(UTC.__class__.__base__):
    def utcoffset(self, when):
        raise KeyError

    def tzname(self, when):
        return "?"


def test_a_moment_whose_zone_raises_is_not_written():
    class Late(datetime):
        def utcoffset(self):
            return timedelta(0)

    with pytest.raises(NotSerializable):
        Success(result=Late(2020, 1, 1, tzinfo=Sullen())).serialize()


# -- what cannot be read ------------------------------------------------------------------------

NESTED = {"type": "Submitted", "state": {"type": "Submitted"}}
SAFE = {"type": "SafeResult", "value": 1, "result_handler": {"type": "JSONResultHandler"}}
RETRYING = {"type": "Retrying", "start_time": "2020-01-01T00:00:00Z"}


def success(**fields):
    return {"type": "Success", **fields}


def exactly(value):
    return success(_result={**SAFE, "kind": "Result", "exact": value})


HOSTILE = [
    *(None, 5, "Success", [], [["type", "Success"]], b"{}", Success(), Success),
    *({}, {"type": None}, {"type": 1}, {"type": "success"}, {"type": "Nope"}, {"type": ["Success"]}),
    *({"type": "__class__"}, {"type": "os.system"}, {"type": "x" * 10**6}, {1: 2}),
    *(success(message=1), success(message=["a"]), success(context=[]), success(context="a"), success(context=0)),
    *(success(color="red"), success(start_time=None), success(exact=None), success(exact={"color": 1})),
    *(success(exact={"result": 1}), success(exact={"context": [1]}), success(cached_inputs=[])),
    *(success(cached_inputs={"x": None}), success(cached_inputs={"x": 1}), success(cached_inputs="")),
    *(success(cached_inputs=False), success(_result=None), success(_result={}), success(_result=[])),
    *(success(_result={"type": "S3Result"}), success(_result={"type": 1}), success(_result={**SAFE, "kind": 1})),
    *(success(_result={**SAFE, "kind": "value"}), success(_result={**SAFE, "extra": 1})),
    *(success(_result={**SAFE, "kind": "None"}), success(_result={**SAFE, "location": 1})),
    *(success(_result={"type": "SafeResult", "value": 1}), success(_result={"type": "Result", "location": 1})),
    *(success(_result={"type": "SafeResult", "result_handler": {"type": "X"}}),),
    *(success(_result={**SAFE, "result_handler": None}), success(_result={**SAFE, "result_handler": {}})),
    *(success(_result={**SAFE, "result_handler": "JSON"}),),
    *(success(cached_inputs={"x": {**SAFE, "kind": "value", "location": "a"}}),),
    *(success(context={"a": math.nan}), success(context={"a": math.inf}), success(context={"a": 2**63})),
    *(success(context={"a": "\0"}), success(context={"\0": 1}), success(message="\ud800"), success(context={1: 1})),
    *(success(context={"a": (1,)}), success(context={"a": {1}}), success(context={"a": AT})),
    *(success(context=Sly(a=1)), success(context={"a": object()}), success(message=Colour.RED)),
    *(success(context={"a": deep(32)}), success(context={"a": deep(5_000)}), success(_result={**SAFE, "value": deep(33)})),
    *(success(context={"a": cycle()}), success(context={"a": shared(30)}), exactly(deep(33)), exactly(deep(5_000))),
    *(success(message="a" * (limits.CHARS + 1)), success(context={"a" * (limits.CHARS + 1): 1})),
    *(success(context={"a": [0] * (limits.ITEMS + 1)}),),
    *(exactly({"$tuple": 1}), exactly({"$set": [[]]}), exactly({"$set": [1, True]}), exactly({"$set": {}})),
    *(exactly({"$frozenset": [{}]}), exactly({"$dict": [[1]]}), exactly({"$dict": [[1, 2], [1, 3]]})),
    *(exactly({"$dict": [[[], 2]]}), exactly({"$dict": 1}), exactly({"$bytes": "?"}), exactly({"$bytes": 1})),
    *(exactly({"$bytes": "é"}), exactly({"$datetime": "now"}), exactly({"$datetime": 1}), exactly({"$x": 1})),
    *(exactly({"$exception": 1}), exactly({"$exception": {"type": "a"}}), exactly({"$noresult": 1})),
    *(exactly({"$exception": {"type": "a", "text": "b", "traceback": "c"}}),),
    *(exactly({"$exception": {"type": "a", "text": 1, "traceback": []}}),),
    *(exactly({"$exception": {"type": "a", "text": "b", "traceback": [1]}}),),
    *(exactly({"$result": [1]}), exactly({"$result": [1, 2]}), exactly({"$safe": [1, None]}), exactly({"$safe": 1})),
    *(exactly({"$safe": [1, None, {}]}), exactly({"$state": 1}), exactly({"$state": {"type": "Nope"}})),
    *(exactly({"$set": [{"$state": {"type": "State"}}]}), exactly({"$import": "os"}), exactly({"$": 1})),
    *({**RETRYING, "start_time": None}, {"type": "Retrying"}, {"type": "Paused"}, {**RETRYING, "start_time": 0}),
    *({"type": "Queued"}, {"type": "Scheduled", "start_time": ""}, {"type": "Resume", "start_time": "2020-01-01"}),
    *({**RETRYING, "run_count": value} for value in ("3", -1, 2.5, True, [], 2**63)),
    *({"type": "Looped", "loop_count": value} for value in (None, "3", -1, 1.0, False)),
    *({"type": "Mapped", "n_map_states": value} for value in (10**9, -1, None, "2", 1.0, True, 1_000_001)),
    *({"type": "Mapped", "map_states": value} for value in (None, {}, 1, "ab", [1], [{}], [[]])),
    *({"type": "Mapped", "map_states": [None], "n_map_states": value} for value in (0, 2, 10**9, None, "1", True)),
    *({"type": "Mapped", "result": []}, {"type": "Mapped", "_result": SAFE}, success(n_map_states=1)),
    *(NESTED, {"type": "Submitted", "state": {}}, {"type": "Submitted", "state": []}, {"type": "Queued", "state": 1}),
    *({"type": "Cached", "cached_result_expiration": value} for value in (0, "", "never", [])),
]  # fmt: skip


@pytest.mark.parametrize("wire", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_state_is_refused_at_once(wire):
    started = time.process_time()

    with pytest.raises(NotDeserializable) as refused:
        State.deserialize(wire)

    assert time.process_time() - started < 5
    assert 0 < len(str(refused.value)) < 1_000


def test_nested_states_end_at_the_limit():
    wire = success()
    for _ in range(40):
        wire = {"type": "Mapped", "map_states": [wire]}

    with pytest.raises(NotDeserializable, match="nests deeper than 32") as refused:
        State.deserialize(wire)

    assert refused.value.field.startswith("map_states.0.map_states.0")


def test_errors_name_the_field():
    for wire, field in (
        (success(context={"a": math.nan}), "context"),
        ({**RETRYING, "start_time": "x"}, "start_time"),
        ({"type": "Submitted", "state": {**RETRYING, "run_count": "3"}}, "state.run_count"),
        (success(cached_inputs={"x": {}}), "cached_inputs.x"),
        (success(colour=1), "colour"),
        ({"type": "Mapped", "map_states": [None, {"type": "Nope"}]}, "map_states.1.type"),
    ):
        with pytest.raises(NotDeserializable) as refused:
            State.deserialize(wire)
        assert refused.value.field == field


def test_a_misspelt_type_is_told_the_right_one():
    with pytest.raises(UnknownState, match="did you mean 'Success'"):
        State.deserialize({"type": "Sucess"})


def test_any_mapping_is_read():
    assert State.deserialize(MappingProxyType({"type": "Success"})) == Success()


class Hostile(dict):
    def __iter__(self):
        raise SystemError

    keys = items = get = __getitem__ = __len__ = __iter__


def test_the_methods_of_a_dict_subclass_can_only_fail():
    with pytest.raises(NotDeserializable):
        State.deserialize(Hostile(type="Success"))
    with pytest.raises(NotDeserializable):
        State.deserialize(success(context=Hostile()))


def test_reading_asks_no_surroundings(classes):
    def never():
        raise AssertionError

    with ambient.at(0):
        wires = [
            cls("m").serialize()
            for cls in (*State.children(),)
            if cls.__module__.startswith("states.")
        ]
        wires.append(Suspicious().serialize())
    with ambient.clock(never), ambient.using(task_tags=["t"], task_run_count=5, task_loop_count=5):
        for wire in wires:
            state = State.deserialize(wire)
            assert state.context == {}
            assert getattr(state, "run_count", 1) == getattr(state, "loop_count", 1) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "nope", "[", "{", "null", "[]", "5", '"Success"', '{"type": "Success"', "\0"),
        *('{"type": "Success", "type": "Failed"}', '{"type": "Success", "context": {"a": NaN}}'),
        *('{"type": "Success", "context": {"a": -Infinity}}', "[" * 100_000, '{"a":' * 100_000),
        *('{"type": "Success", "context": {"a": ' + "9" * 5_000 + "}}", '{"type": "Success"} x'),
        *(
            '{"type": "Success", "context": {"a": 1e999}}',
            '{"type": "Success", "message": "\\ud800"}',
        ),
        *(" " * (limits.CHARS + 1), b"{}", None, 5),
    ],
    ids=range(19),
)
def test_text_that_is_no_state_is_refused(text):
    with pytest.raises(NotDeserializable):
        loads(text)


def test_a_stack_too_full_to_write_is_the_documented_error():
    def at_the_brink(depth, act):
        if depth:
            return at_the_brink(depth - 1, act)
        return act()

    value = deep(30)
    text = dumps(Success(result=value))
    for depth in range(880, 1000, 5):
        for act, error in (
            (lambda: dumps(Success(result=value)), NotSerializable),
            (lambda: loads(text), NotDeserializable),
        ):
            try:
                at_the_brink(depth, act)
            except (error, RecursionError):
                pass


def test_pairs_of_a_context_that_is_no_string_are_rendered():
    wire = Success(context={1: "a", None: {b"\xff": (2,)}}).serialize()

    assert wire["context"] == {"1": "a", "null": {"\\xff": [2]}}
    assert State.deserialize(wire).context == {1: "a", None: {b"\xff": (2,)}}


@pytest.mark.parametrize(
    ("message", "written"),
    [
        (3, "3"), (1.5, "1.5"), (True, "True"), (b"abc", "abc"), (ValueError("a", 1), "('a', 1)"),
        ([1, "b"], '[1,"b"]'), (Success("x"), "Success"), (AT, "2020-05-14T00:00:00+00:00"), ("", ""),
        (NoResult, "null"), ((1,), "[1]"), ({1}, "[1]"), (frozenset([1]), "[1]"), (Result(1), "1"),
        (SafeResult("x"), "x"),
    ],
)  # fmt: skip
def test_a_message_is_text_on_the_wire(message, written):
    wire = Failed(message).serialize()

    assert wire["message"] == written
    if not isinstance(message, Exception):
        assert State.deserialize(wire).message == message
