"""Plain: what of a text can be shown at all, on one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.diagrams.plain import plain, wrapped


@given(st.text())
def test_what_is_plain_can_be_printed(text: str) -> None:
    assert plain(text).isprintable()
    assert len(plain(text)) <= 200


@given(st.text())
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)


def test_a_line_end_is_a_space() -> None:
    assert plain("one\r\n two\u2028three") == "one two three"


def test_a_long_text_is_cut() -> None:
    assert plain("x" * 10**6) == "x" * 199 + "…"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("pause → Paused", ["pause → Paused"]),
        ("time_out [deadline passed] → TimedOut", ["time_out [deadline passed]", "→ TimedOut"]),
        ("", []),
        ("x" * 100, ["x" * 52, "x" * 48]),
    ],
)
def test_a_label_breaks_where_its_parts_meet(text: str, lines: list[str]) -> None:
    assert wrapped(text, 26) == lines


@given(st.text(), st.integers(4, 40))
def test_breaking_loses_nothing(text: str, width: int) -> None:
    assert "".join("".join(wrapped(text, width)).split()) == "".join(plain(text).split())
