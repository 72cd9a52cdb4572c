"""Results, and the absence of one."""

from __future__ import annotations

import copy
import pickle

import attrs
import pytest

from states import (
    Failed,
    InvalidPayload,
    NoResult,
    NoResultType,
    Result,
    SafeResult,
    State,
    Success,
)


def test_a_state_without_a_result_has_no_result():
    assert Success()._result is NoResult
    assert Success().result is None


def test_a_result_of_none_is_a_result():
    assert Success(result=None)._result == Result(None)
    assert Success(result=None)._result is not NoResult


@pytest.mark.parametrize(
    "result", [Result(1, "here"), SafeResult(2, result_handler={"type": "X"}), NoResult]
)
def test_a_result_object_is_not_wrapped(result):
    assert Success(result=result)._result is result


def test_a_value_is_wrapped():
    assert Success(result=[1])._result == Result([1])


@pytest.mark.parametrize(
    "copied",
    [
        lambda one: pickle.loads(pickle.dumps(one)),
        copy.copy,
        copy.deepcopy,
        lambda one: type(one)(),
    ],
)
def test_there_is_one_no_result(copied):
    assert copied(NoResult) is NoResult


def test_no_result_has_a_readable_repr():
    assert (repr(NoResult), str(NoResult)) == ("<No result>", "NoResult")
    assert (NoResult.value, NoResult.location) == (None, None)
    assert NoResult == NoResultType()
    assert NoResult != Result()


def test_the_repr_of_a_result_has_its_type_and_value():
    assert repr(Result("x", "here")) == "<Result: 'x'>"
    assert repr(SafeResult(1)) == "<SafeResult: 1>"


def test_results_are_equal_by_type_with_all_they_hold():
    assert Result(1) == Result(1)
    assert Result(1) != SafeResult(1)
    assert Result(1, "a") != Result(1, "b")
    assert SafeResult(1, result_handler={"type": "A"}) != SafeResult(1)


def test_results_are_frozen():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Result(1).value = 2


def test_a_handlers_description_is_copied():
    handler = {"type": "JSONResultHandler"}
    result = SafeResult(1, result_handler=handler)
    handler["type"] = "other"

    assert result.result_handler == {"type": "JSONResultHandler"}
    with pytest.raises(InvalidPayload, match="result_handler cannot hold str"):
        SafeResult(1, result_handler="JSONResultHandler")


def test_a_record_equals_its_exception():
    error = ValueError("boom")
    saved = Failed(result=error)

    restored = State.deserialize(saved.serialize())

    assert restored == saved
    assert saved == restored
    assert restored != Failed(result=ValueError("bang"))
    assert restored != Failed(result=TypeError("boom"))
    assert hash(restored) == hash(saved)
