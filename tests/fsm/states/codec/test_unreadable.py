"""What cannot be read, and the errors for it."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

import attrs
import pytest

from fsm.states import ambient
from fsm.states.codec import limits
from states import (
    Failed,
    NoResult,
    NotDeserializable,
    NotSerializable,
    Result,
    SafeResult,
    State,
    Success,
    UnknownState,
    dumps,
    loads,
)

AT = datetime(2020, 5, 14, tzinfo=UTC)


@attrs.frozen
class Convicted(Failed):
    reason: str = ""
    _evidence: object = attrs.field(default=(), alias="evidence")


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


NESTED = {"type": "Submitted", "state": {"type": "Submitted"}}


SAFE = {"type": "SafeResult", "value": 1, "result_handler": {"type": "JSONResultHandler"}}


RETRYING = {"type": "Retrying", "start_time": "2020-01-01T00:00:00Z"}


def success(**fields):
    return {"type": "Success", **fields}


def exactly(value):
    return success(_result={**SAFE, "kind": "Result", "exact": value})


HOSTILE = [
    *(None, 5, "Success", [], [["type", "Success"]], b"{}", Success(), Success),
    *(
        {},
        {"type": None},
        {"type": 1},
        {"type": "success"},
        {"type": "Nope"},
        {"type": ["Success"]},
    ),
    *({"type": "__class__"}, {"type": "os.system"}, {"type": "x" * 10**6}, {1: 2}),
    *(
        success(message=1),
        success(message=["a"]),
        success(context=[]),
        success(context="a"),
        success(context=0),
    ),
    *(
        success(color="red"),
        success(start_time=None),
        success(exact=None),
        success(exact={"color": 1}),
    ),
    *(success(exact={"result": 1}), success(exact={"context": [1]}), success(cached_inputs=[])),
    *(
        success(cached_inputs={"x": None}),
        success(cached_inputs={"x": 1}),
        success(cached_inputs=""),
    ),
    *(
        success(cached_inputs=False),
        success(_result=None),
        success(_result={}),
        success(_result=[]),
    ),
    *(
        success(_result={"type": "S3Result"}),
        success(_result={"type": 1}),
        success(_result={**SAFE, "kind": 1}),
    ),
    *(success(_result={**SAFE, "kind": "value"}), success(_result={**SAFE, "extra": 1})),
    *(success(_result={**SAFE, "kind": "None"}), success(_result={**SAFE, "location": 1})),
    *(
        success(_result={"type": "SafeResult", "value": 1}),
        success(_result={"type": "Result", "location": 1}),
    ),
    *(success(_result={"type": "SafeResult", "result_handler": {"type": "X"}}),),
    *(
        success(_result={**SAFE, "result_handler": None}),
        success(_result={**SAFE, "result_handler": {}}),
    ),
    *(success(_result={**SAFE, "result_handler": "JSON"}),),
    *(success(cached_inputs={"x": {**SAFE, "kind": "value", "location": "a"}}),),
    *(
        success(context={"a": math.nan}),
        success(context={"a": math.inf}),
        success(context={"a": 2**63}),
    ),
    *(
        success(context={"a": "\0"}),
        success(context={"\0": 1}),
        success(message="\ud800"),
        success(context={1: 1}),
    ),
    *(success(context={"a": (1,)}), success(context={"a": {1}}), success(context={"a": AT})),
    *(success(context=Sly(a=1)), success(context={"a": object()}), success(message=Colour.RED)),
    *(
        success(context={"a": deep(32)}),
        success(context={"a": deep(5_000)}),
        success(_result={**SAFE, "value": deep(33)}),
    ),
    *(
        success(context={"a": cycle()}),
        success(context={"a": shared(30)}),
        exactly(deep(33)),
        exactly(deep(5_000)),
    ),
    *(success(message="a" * (limits.CHARS + 1)), success(context={"a" * (limits.CHARS + 1): 1})),
    *(success(context={"a": [0] * (limits.ITEMS + 1)}),),
    *(
        exactly({"$tuple": 1}),
        exactly({"$set": [[]]}),
        exactly({"$set": [1, True]}),
        exactly({"$set": {}}),
    ),
    *(
        exactly({"$frozenset": [{}]}),
        exactly({"$dict": [[1]]}),
        exactly({"$dict": [[1, 2], [1, 3]]}),
    ),
    *(
        exactly({"$dict": [[[], 2]]}),
        exactly({"$dict": 1}),
        exactly({"$bytes": "?"}),
        exactly({"$bytes": 1}),
    ),
    *(
        exactly({"$bytes": "é"}),
        exactly({"$datetime": "now"}),
        exactly({"$datetime": 1}),
        exactly({"$x": 1}),
    ),
    *(
        exactly({"$exception": 1}),
        exactly({"$exception": {"type": "a"}}),
        exactly({"$noresult": 1}),
    ),
    *(exactly({"$exception": {"type": "a", "text": "b", "traceback": "c"}}),),
    *(exactly({"$exception": {"type": "a", "text": 1, "traceback": []}}),),
    *(exactly({"$exception": {"type": "a", "text": "b", "traceback": [1]}}),),
    *(
        exactly({"$result": [1]}),
        exactly({"$result": [1, 2]}),
        exactly({"$safe": [1, None]}),
        exactly({"$safe": 1}),
    ),
    *(
        exactly({"$safe": [1, None, {}]}),
        exactly({"$state": 1}),
        exactly({"$state": {"type": "Nope"}}),
    ),
    *(
        exactly({"$set": [{"$state": {"type": "State"}}]}),
        exactly({"$import": "os"}),
        exactly({"$": 1}),
    ),
    *(
        {**RETRYING, "start_time": None},
        {"type": "Retrying"},
        {"type": "Paused"},
        {**RETRYING, "start_time": 0},
    ),
    *(
        {"type": "Queued"},
        {"type": "Scheduled", "start_time": ""},
        {"type": "Resume", "start_time": "2020-01-01"},
    ),
    *({**RETRYING, "run_count": value} for value in ("3", -1, 2.5, True, [], 2**63)),
    *({"type": "Looped", "loop_count": value} for value in (None, "3", -1, 1.0, False)),
    *(
        {"type": "Mapped", "n_map_states": value}
        for value in (10**9, -1, None, "2", 1.0, True, 1_000_001)
    ),
    *({"type": "Mapped", "map_states": value} for value in (None, {}, 1, "ab", [1], [{}], [[]])),
    *(
        {"type": "Mapped", "map_states": [None], "n_map_states": value}
        for value in (0, 2, 10**9, None, "1", True)
    ),
    *(
        {"type": "Mapped", "result": []},
        {"type": "Mapped", "_result": SAFE},
        success(n_map_states=1),
    ),
    *(
        NESTED,
        {"type": "Submitted", "state": {}},
        {"type": "Submitted", "state": []},
        {"type": "Queued", "state": 1},
    ),
    *({"type": "Cached", "cached_result_expiration": value} for value in (0, "", "never", [])),
]


@pytest.mark.parametrize("wire", HOSTILE, ids=range(len(HOSTILE)))
def test_a_dict_that_describes_no_state_is_refused(wire):
    started = time.process_time()

    with pytest.raises(NotDeserializable) as refused:
        State.deserialize(wire)

    assert time.process_time() - started < 5
    assert 0 < len(str(refused.value)) < 1_000


def test_short_strings_cannot_add_up_past_the_limit():
    wire = "a" * 500
    for _ in range(4):
        wire = dict.fromkeys("abcdefghijklmnop", wire)  # 33 million characters, all one

    with pytest.raises(NotDeserializable, match="more than"):
        limits.check(wire)


def test_states_nest_up_to_the_limit():
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


def test_the_error_for_a_misspelt_type_suggests_the_right_one():
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


def test_reading_ignores_the_clock_and_the_ambient_context(classes):
    def never():
        raise AssertionError

    with ambient.at(0):
        wires = [
            cls("m").serialize()
            for cls in (*State.children(),)
            if cls.__module__.startswith("fsm.states")
        ]
        wires.append(Convicted().serialize())
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
    ids=lambda text: repr(text)[:20],
)
def test_text_that_describes_no_state_is_refused(text):
    with pytest.raises(NotDeserializable):
        loads(text)


def test_a_text_with_too_many_items_is_refused_before_it_is_parsed():
    crowd = "[]," * (limits.ITEMS + 9) + "0"

    with pytest.raises(NotDeserializable, match="items is not read"):
        loads('{"type": "Success", "context": {"a": [' + crowd + "]}}")
    assert loads('{"type": "Success", "message": "' + crowd + '"}').message == crowd


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


def test_context_keys_that_are_no_strings_are_written_as_text():
    wire = Success(context={1: "a", None: {b"\xff": (2,)}}).serialize()

    assert wire["context"] == {"1": "a", "None": {"\\xff": [2]}}
    assert State.deserialize(wire).context == {1: "a", None: {b"\xff": (2,)}}


@pytest.mark.parametrize(
    ("message", "written"),
    [
        (3, "3"),
        (1.5, "1.5"),
        (True, "True"),
        (b"abc", "abc"),
        (ValueError("a", 1), "('a', 1)"),
        ([1, "b"], "[1, 'b']"),
        (Success("x"), "Success"),
        (AT, "2020-05-14T00:00:00+00:00"),
        ("", ""),
        (NoResult, "null"),
        ((1,), "(1,)"),
        ({1}, "[1]"),
        (frozenset([1]), "[1]"),
        (Result(1), "1"),
        (SafeResult("x"), "x"),
    ],
)
def test_a_message_is_text_on_the_wire(message, written):
    wire = Failed(message).serialize()

    assert wire["message"] == written
    if not isinstance(message, Exception):
        assert State.deserialize(wire).message == message
