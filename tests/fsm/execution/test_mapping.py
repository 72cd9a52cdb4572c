"""Mapping: what a call is mapped over, with constant arguments, a quorum and a limit."""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
import pytest

from fsm import Call, MemoryJournal, Quorum, Runner, TaskRun, gather, task
from fsm.errors import InvalidArgument
from fsm.execution import ResultOf
from fsm.flow import Mapping, Node, each


def weigh(size: int, unit: str = "g") -> str:
    return f"{size} {unit}"


def test_constant_arguments_are_given_to_each_child() -> None:
    with Runner(workers=2) as runner:
        (state,) = runner.perform_all([Call(TaskRun(), weigh, over=each([1, 2], unit="kg"))])

    assert state.result == ["1 kg", "2 kg"]


def test_a_runner_maps_over_a_mapping() -> None:
    with Runner(workers=2) as runner:
        state = runner.map(TaskRun(), weigh, each([1, 2], unit="kg"), quorum=Quorum.all())

    assert state.result == ["1 kg", "2 kg"]


def test_a_task_maps_over_a_mapping() -> None:
    assert task(weigh).map(each([1], unit="kg")).state.result == ["1 kg"]


def test_a_node_is_mapped_over_the_result_of_another_with_constants() -> None:
    sizes = Node(lambda: [1, 2]).with_name("sizes")
    journal = MemoryJournal()

    weights = Node(weigh).each(each(sizes, unit="t")).with_name("weights")

    assert gather(weights, journal=journal).result == {"weights": ["1 t", "2 t"]}


def test_constant_arguments_travel_to_other_processes() -> None:
    def weigh(size: int, unit: str = "g") -> str:  # travels by value: workers know no tests
        return f"{size} {unit}"

    with Runner("process", workers=1) as runner:
        state = runner.map(TaskRun(), weigh, each([1], unit="kg"))

    assert state.result == ["1 kg"]


def test_a_constant_may_have_the_name_of_a_parameter_of_each() -> None:
    assert dict(each([1], items=2, inputs=3).arguments) == {"items": 2, "inputs": 3}


def test_settings_given_beside_a_mapping_override_its_own() -> None:
    mapping = Mapping([1], Quorum.any(), 3, again=True)

    node = Node(weigh).each(mapping, max_concurrency=5)

    assert node.over == Mapping([1], Quorum.any(), 5, again=True)


def test_constant_arguments_cannot_be_changed_later() -> None:
    given = {"unit": "kg"}
    mapping = Mapping([1], arguments=given)

    given["unit"] = "t"

    assert dict(mapping.arguments) == {"unit": "kg"}
    with pytest.raises(TypeError):
        mapping.arguments["unit"] = "t"  # type: ignore[index]  # it is frozen


def test_a_mapping_can_be_pickled() -> None:
    mapping = Mapping([1], Quorum.any(), arguments={"unit": "kg"})

    assert pickle.loads(cloudpickle.dumps(mapping)) == mapping


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "2"])
def test_a_limit_that_is_no_whole_number_from_1_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidArgument, match="max_concurrency"):
        Mapping([1], max_concurrency=limit)


@pytest.mark.parametrize("value", [Node(weigh), ResultOf(TaskRun())], ids=["node", "result"])
def test_a_constant_that_is_not_known_yet_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgument, match="a constant argument is a value"):
        each([1], unit=value)


@pytest.mark.parametrize("over", [[1], Mapping(Node(weigh))], ids=["list", "node"])
def test_a_call_cannot_be_mapped_over_a_list_or_a_node(over: Any) -> None:
    with pytest.raises(InvalidArgument, match="a call is mapped over"):
        Call(TaskRun(), weigh, over=over)


def test_a_node_cannot_be_mapped_over_a_list() -> None:
    wrong: Any = [1]

    with pytest.raises(InvalidArgument, match=r"mapped over a Mapping.*each\(\.\.\.\)"):
        Node(weigh, over=wrong)
