"""Text of others is made safe to show."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fsm.text import as_label


@given(st.text())
def test_a_label_can_be_printed_on_one_line(text: str) -> None:
    assert as_label(text).isprintable()
    assert len(as_label(text)) <= 200


@given(st.text())
def test_a_label_of_a_label_is_the_same(text: str) -> None:
    assert as_label(as_label(text)) == as_label(text)


def test_in_a_label_a_line_end_is_a_space() -> None:
    assert as_label("one\r\n two\u2028three") == "one two three"


def test_a_long_label_is_cut() -> None:
    assert as_label("x" * 10**6) == "x" * 199 + "…"
