"""The repr of a state."""

from __future__ import annotations

from states import Failed


def test_repr_is_the_golden_one(golden, build, classes):
    rows = golden("repr")["states"]

    shown = [(row["class"], classes[row["class"]](build(row["message"]))) for row in rows]

    assert [repr(state) for _, state in shown] == [row["repr"] for row in rows]
    assert [str(state) for _, state in shown] == [row["str"] for row in rows]
    assert [f"{state}" for _, state in shown] == [row["format"] for row in rows]


def test_a_message_is_shown_without_escaping():
    assert repr(Failed('a "b"\n')) == '<Failed: "a "b"\n">'
