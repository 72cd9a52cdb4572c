"""Mapped: its result is the list of its children's results."""

from __future__ import annotations

import pickle

import pytest

from states import Failed, InvalidPayload, Mapped, NoResult, Result, Success

CHILDREN = [Success(result=1), None, Failed(), Mapped(map_states=[Success(result=2)])]


def test_the_result_is_the_list_of_the_childrens_results():
    state = Mapped(map_states=CHILDREN)

    assert state.result == [1, None, None, [2]]
    assert state._result == Result([1, None, None, [2]])
    assert state.n_map_states == 4


def test_without_children_the_result_is_an_empty_list():
    assert Mapped().result == []
    assert Mapped().map_states == []
    assert Mapped(result=NoResult).n_map_states == 0


@pytest.mark.parametrize("result", [None, [1], Result(), Result([1])])
def test_a_result_cannot_be_given(result):
    with pytest.raises(InvalidPayload, match="cannot be given") as refused:
        Mapped(result=result)

    assert refused.value.field == "result"


def test_the_list_of_children_is_copied():
    children = [Success()]
    state = Mapped(map_states=children)
    children.append(None)

    assert state.n_map_states == 1
    assert Mapped(map_states=(None,)).map_states == [None]


@pytest.mark.parametrize(
    ("children", "field"),
    [("ab", "map_states"), (3, "map_states"), ([1], "map_states.0"), ([None, "x"], "map_states.1")],
)
def test_children_are_states_or_unknown(children, field):
    with pytest.raises(InvalidPayload) as refused:
        Mapped(map_states=children)

    assert refused.value.field == field


def test_children_count_when_mapped_states_are_compared():
    assert Mapped(map_states=[None]) != Mapped(map_states=[None, None])
    assert Mapped(map_states=[Success()]) != Mapped(map_states=[Failed()])
    assert Mapped(map_states=CHILDREN) == Mapped("m", map_states=CHILDREN)


def test_the_children_survive_pickling():
    state = pickle.loads(pickle.dumps(Mapped(map_states=CHILDREN)))

    assert state.result == [1, None, None, [2]]
    assert state._result == Result([1, None, None, [2]])
    assert Mapped._result is type(state)._result
