"""Graph: the nodes, names and references of a graph, and the graphs that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from fsm.errors import InvalidArgument
from fsm.flow import Mapping, Node
from fsm.flow.graph import Graph
from fsm.flow.task import task
from fsm.tasks.trigger_rules import all_finished, all_successful, any_failed


def load(number: int = 0) -> int:
    return number


def clean(number: int) -> int:
    return number


def report(*numbers: int) -> int:
    return sum(numbers)


def test_all_nodes_above_a_node_are_collected() -> None:
    loaded = Node(load)
    cleaned = Node(clean, (loaded,))

    graph = Graph.of(Node(report, (cleaned, loaded)))

    assert list(graph.nodes) == ["load", "clean", "report"]
    assert dict(graph.above) == {"load": (), "clean": ("load",), "report": ("clean", "load")}


def test_a_keyword_argument_may_be_a_node() -> None:
    assert Graph.of(Node(clean, kwargs={"number": Node(load)})).above["clean"] == ("load",)


def test_the_inputs_of_a_mapped_node_may_be_a_node() -> None:
    assert Graph.of(Node(clean).each(Node(load))).above["clean"] == ("load",)


def test_nodes_with_one_name_are_numbered_in_the_order_they_run() -> None:
    first, second = Node(load, (1,)), Node(load, (2,))

    graph = Graph.of(Node(report, (Node(clean, (first,)), Node(clean, (second,)))))

    assert list(graph.nodes) == ["load", "clean", "load-2", "clean-2", "report"]
    assert graph.name(second) == "load-2"


def test_a_numbered_name_that_is_taken_is_not_given() -> None:
    graph = Graph.of([Node(load).with_name("load-2"), Node(load), Node(load), Node(load)])

    assert list(graph.nodes) == ["load-2", "load", "load-3", "load-4"]


def test_names_given_by_a_mapping_come_before_other_names() -> None:
    graph = Graph.of({"clean": Node(report, (Node(clean, (1,)),)).with_name("ignored")})

    assert sorted(graph.nodes) == ["clean", "clean-2"]
    assert graph.above["clean"] == ("clean-2",)


def test_a_function_given_by_name_is_a_node() -> None:
    assert Graph.of({"first": load}).nodes["first"].task is load


def test_a_task_binds_its_arguments_to_a_node() -> None:
    node = task(clean).bind(Node(load), number=3)

    assert isinstance(node, Node)
    assert Graph.of(node).above["clean"] == ("load",)


def test_nodes_name_others_they_come_after() -> None:
    graph = Graph.of({"a": load, "b": load, "c": Node(report, after=["a", "b"])})

    assert graph.above["c"] == ("a", "b")


def test_a_node_that_is_named_twice_is_above_once() -> None:
    loaded = Node(load)

    graph = Graph.of({"load": loaded, "c": Node(clean, (loaded,)).after(loaded, "load")})

    assert graph.above["c"] == ("load",)


def test_the_nodes_given_are_the_references() -> None:
    cleaned = Node(clean, (Node(load),))

    assert Graph.of([cleaned, Node(report, (cleaned,))]).references == ("clean", "report")


def test_the_references_of_nodes_by_name_are_those_without_a_node_below() -> None:
    graph = Graph.of({"a": load, "b": Node(report, after="a"), "c": Node(report, after="a")})

    assert graph.references == ("b", "c")


def test_references_can_be_named() -> None:
    loaded = Node(load)

    graph = Graph.of({"a": loaded, "b": Node(report, after="a")}, [loaded, "b", "a"])

    assert graph.references == ("a", "b")


def test_an_empty_graph_is_a_graph() -> None:
    assert Graph.of([]).references == Graph.of({}).references == ()


# Copies.


def test_after_adds_nodes() -> None:
    first, second = Node(load), Node(load)
    node = Node(report).after(first)

    more = node.after(second, trigger_rule=any_failed, skip_on_upstream_skip=False)

    assert Graph.of(more).above["report"] == ("load", "load-2")
    assert (more.trigger_rule, more.skip_on_upstream_skip) == (any_failed, False)
    assert (node.trigger_rule, node.skip_on_upstream_skip) == (all_successful, True)


def test_after_keeps_the_settings_that_are_left_out() -> None:
    node = Node(report, trigger_rule=all_finished, skip_on_upstream_skip=False).after("a")

    assert (node.trigger_rule, node.skip_on_upstream_skip) == (all_finished, False)


def test_each_takes_any_iterable_once() -> None:
    over = Node(clean).each(number for number in range(3)).over

    assert over == Mapping([0, 1, 2])


def test_the_repr_of_a_node_omits_the_nodes_above() -> None:
    node = Node(load)
    for _ in range(10_000):
        node = Node(clean, (node,))

    assert repr(node) == "<node 'clean'>"


def test_a_node_keeps_its_own_arguments() -> None:
    kwargs: dict[str, Any] = {"number": 1}
    node = Node(load, kwargs=kwargs)

    kwargs["number"] = 2

    assert node.kwargs == {"number": 1}


# What is refused.


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(InvalidArgument, match=r"no node is called 'alfa' \(did you mean 'alpha'\?"):
        Graph.of({"alpha": load, "b": Node(report, after="alfa")})


def test_a_cycle_is_refused_and_listed_in_order() -> None:
    graph = {"a": Node(load, after="c"), "b": Node(load, after="a"), "c": Node(load, after="b")}

    with pytest.raises(InvalidArgument) as refused:
        Graph.of(graph)

    said = str(refused.value)
    turns = ["'a' after 'c' after 'b' after 'a'", "'b' after 'a' after 'c' after 'b'",
             "'c' after 'b' after 'a' after 'c'"]  # fmt: skip
    assert any(said == f"the nodes wait for each other: {turn}" for turn in turns)


def test_a_node_does_not_come_after_itself() -> None:
    with pytest.raises(InvalidArgument, match="'a' after 'a'"):
        Graph.of({"a": Node(load, after="a")})


def test_a_reference_must_be_in_the_graph() -> None:
    with pytest.raises(InvalidArgument, match="<node 'load'> is not in the graph"):
        Graph.of(Node(report), Node(load))


def test_a_node_with_two_names_is_refused() -> None:
    node = Node(load)

    with pytest.raises(InvalidArgument, match="given twice, as 'a' and as 'b'"):
        Graph.of({"a": node, "b": node})


@pytest.mark.parametrize("inside", [[0], (0,), {0}, {"a": 0}], ids=repr)
def test_a_node_inside_an_argument_is_refused(inside: Any) -> None:
    node = Node(load)
    hidden = {"a": node} if isinstance(inside, dict) else type(inside)([node])

    with pytest.raises(InvalidArgument, match="as an argument of its own"):
        Node(report, (hidden,))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Node(5),  # type: ignore[arg-type]  # wrong on purpose, as are those below
        lambda: Node(Node(load)),  # type: ignore[arg-type]
        lambda: Node(load, trigger_rule=True),  # type: ignore[arg-type]
        lambda: Node(load, after=[5]),  # type: ignore[list-item]
        lambda: Node(load, name=5),  # type: ignore[arg-type]
        lambda: Node(clean).each(5),  # type: ignore[arg-type]
        lambda: Node(clean).each([1], max_concurrency=0),
        lambda: Node(clean, (1,)).each([1]),
        lambda: Graph.of(5),
        lambda: Graph.of([5]),
        lambda: Graph.of({"a": 5}),
        lambda: Graph.of({5: load}),
        lambda: Graph.of(Node(load), [5]),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_refused(make: Any) -> None:
    with pytest.raises(InvalidArgument):
        make()


# Large ones.


def test_a_long_chain_is_collected_without_recursion() -> None:
    node = Node(load)
    for _ in range(10_000):
        node = Node(clean, (node,))

    assert len(Graph.of(node).nodes) == 10_001


def test_each_node_is_visited_once_however_many_paths_lead_to_it() -> None:
    looks = 0

    class Counted(Node):
        @property
        def takes(self) -> tuple[Node, ...]:
            nonlocal looks
            looks += 1
            return super().takes

    layer: list[Node] = [Node(load)]
    for _ in range(60):  # 2 to the 60 ways
        layer = [Counted(report, tuple(layer)) for _ in range(2)]

    Graph.of(layer)

    assert looks == 2 * 120  # once to walk, once for what is above
