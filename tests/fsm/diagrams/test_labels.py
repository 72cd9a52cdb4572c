"""Labels of edges break into short lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.diagrams.labels import wrap_label
from fsm.text import as_label


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("pause → Paused", ["pause → Paused"]),
        ("time_out [deadline passed] → TimedOut", ["time_out [deadline passed]", "→ TimedOut"]),
        ("", []),
        ("x" * 100, ["x" * 52, "x" * 48]),
    ],
)
def test_a_label_breaks_between_its_parts(text: str, lines: list[str]) -> None:
    assert wrap_label(text, 26) == lines


@given(st.text(), st.integers(4, 40))
def test_breaking_a_label_loses_no_character(text: str, width: int) -> None:
    assert "".join("".join(wrap_label(text, width)).split()) == "".join(as_label(text).split())
