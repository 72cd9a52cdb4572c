"""What cannot be written, and the errors for it."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import attrs
import pytest

from fsm.states.codec import limits
from states import (
    Cached,
    ExceptionRecord,
    Failed,
    Mapped,
    NotSerializable,
    Result,
    SafeResult,
    State,
    Submitted,
    Success,
    UnknownState,
    dumps,
    loads,
)


@attrs.frozen
class Accused(Failed):
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
def test_the_error_for_an_unwritable_value_names_its_field(value):
    for state, field in (
        (Success(result=value), "result"),
        (Success(result=[value, ()]), "result"),
        (Success(cached_inputs={"x": value}), "cached_inputs.x"),
        (Success(cached_inputs={"x": Result(value)}), "cached_inputs.x"),
        (Success(context={"a": {"b": value}}), "context.a.b"),
        (Success([value]), "message"),
        (Cached(cached_parameters=value), "cached_parameters"),
        (Accused(evidence=value), "evidence"),
        (Mapped(map_states=[None, Success(result=value)]), "map_states.1.result"),
        (Submitted(state=Success(result=value)), "state.result"),
    ):
        with pytest.raises(NotSerializable) as refused:
            state.serialize()
        assert refused.value.field.startswith(field)
        assert 0 < len(str(refused.value)) < 400


@pytest.mark.parametrize("value", [shared(28), [*shared(28), ()], [(), *shared(28)]])
def test_a_shared_value_counts_each_time_it_is_written(value):
    for state, field in (
        (Success(result=value), "result"),
        (Success(value), "message"),
        (Success(context={"a": value}), "context"),
    ):
        with pytest.raises(NotSerializable, match="too big") as refused:
            state.serialize()
        assert refused.value.field.startswith(field)


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
        lambda inner: (inner,),
        lambda inner: {1: inner},
        lambda inner: {"$x": inner},
        Result,
        SafeResult,
        lambda inner: Success(result=inner),
        lambda inner: Failed(inner),
        lambda inner: Mapped(map_states=[Success(result=inner)]),
    ]
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


@pytest.mark.parametrize(
    "way", ["fsm.states.codec.fast_path.write", "fsm.states.codec.encode.Encoder.encode_state"]
)
def test_a_state_that_changes_while_it_is_written_is_refused(monkeypatch, way):
    def broken(*_):
        raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(way, broken)

    with pytest.raises(NotSerializable, match="changed size"):
        Success(result=(1,)).serialize()
