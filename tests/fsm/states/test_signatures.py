"""The constructors, as the reference documents them."""

from __future__ import annotations

import inspect

from states import NoResult


def test_each_constructor_takes_the_golden_names_in_their_order(golden, classes):
    wanted = {
        name: [
            (p["name"], NoResult if p["default"] == "NoResult" else None) for p in cls["signature"]
        ]
        for name, cls in golden("hierarchy")["classes"].items()
    }

    found = {
        name: [(p.name, p.default) for p in inspect.signature(cls).parameters.values()]
        for name, cls in classes.items()
    }

    assert found == wanted


def test_all_parameters_can_be_given_by_position(classes):
    for cls in classes.values():
        kinds = {p.kind for p in inspect.signature(cls).parameters.values()}
        assert kinds == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
