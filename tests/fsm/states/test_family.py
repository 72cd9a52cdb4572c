"""The tree of state classes: predicates, children, parents, colours."""

from __future__ import annotations

import gc

import attrs
import pytest

import fsm.states.fast_new  # noqa: F401  # so that the third of these names is a class
from states import DuplicateState, Failed, Pending, State, Success, UnknownState


def names(found):
    return [cls.__name__ for cls in found if cls.__module__.startswith("fsm.states")]


def test_the_predicates_answer_as_the_golden_matrix_says(golden, classes):
    matrix = golden("is_matrix")

    found = {
        name: {check: getattr(cls(), check)() for check in matrix["checks"]}
        for name, cls in classes.items()
    }

    assert found == matrix["matrix"]


@pytest.mark.parametrize("relatives", ["children", "parents"])
def test_relatives_are_the_golden_ones(golden, classes, relatives):
    wanted = {name: cls[relatives] for name, cls in golden("hierarchy")["classes"].items()}

    found = {name: names(getattr(cls, relatives)()) for name, cls in classes.items()}

    assert found == wanted


def test_colours_are_the_golden_ones(golden, classes):
    wanted = {name: cls["color"] for name, cls in golden("hierarchy")["classes"].items()}

    assert {name: cls.color for name, cls in classes.items()} == wanted


def test_a_user_class_appears_once_among_the_children():
    @attrs.frozen
    class Suspended(Failed):
        reason: str = ""

    assert State.children().count(Suspended) == 1
    assert [cls.__name__ for cls in State.children()].count("Suspended") == 1
    assert Suspended.parents() == [Failed, *Failed.parents()]


def test_a_class_without_attrs_appears_once_among_the_children():
    class Plain(Success):
        pass

    assert Success.children().count(Plain) == 1
    assert Plain("m").is_successful()


def test_a_class_declared_again_replaces_the_first():
    def declare():
        class Again(Pending):
            pass

        return Again

    first, second = declare(), declare()

    assert first not in Pending.children()
    assert second in Pending.children()


def test_a_hidden_user_class_shows_only_its_children():
    class _Hidden(Pending):
        pass

    class Shown(_Hidden):
        pass

    assert _Hidden not in Pending.children()
    assert Shown in Pending.children()
    assert Shown.parents() == [Pending, State]


def test_a_class_without_references_is_no_longer_among_the_children():
    class Gone(Pending):
        pass

    del Gone
    gc.collect()

    assert "Gone" not in [cls.__name__ for cls in Pending.children()]


@pytest.mark.parametrize("name", ["State", "_MetaState", "_Unfrozen"])
def test_abstract_classes_are_not_read(name):
    for wire in ({"type": name}, Success("m").serialize() | {"type": name}):
        with pytest.raises(UnknownState, match=r"'\w+'; (is its module|did you mean '[A-Z])"):
            State.deserialize(wire)


def test_a_class_with_the_name_of_a_built_in_state_is_refused():
    with pytest.raises(DuplicateState, match="built-in state Success") as refused:

        @attrs.frozen
        class Success(Failed):
            pass

    assert refused.value.field == "Success"
    assert names(Failed.children()) == ["TimedOut", "TriggerFailed", "ValidationFailed"]
