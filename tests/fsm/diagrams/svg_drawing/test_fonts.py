"""Lettering: how wide text is, and where it breaks."""

from __future__ import annotations

import pytest

from fsm.diagrams.svg_drawing.fonts import broken, width


@pytest.mark.parametrize(
    ("text", "em"),
    [
        ("", 0),
        ("i", 0.222),
        ("W", 0.944),
        ("0", 0.556),
        ("日", 1.0),
        ("e\u0301", 0.556),
        ("é", 0.556),
        ("ï", 0.222),
    ],
)
def test_text_is_as_wide_as_its_letters(text: str, em: float) -> None:
    assert width(text, 100) == pytest.approx(100 * em)


def test_every_letter_of_ascii_has_its_width() -> None:
    from fsm.diagrams.svg_drawing.fonts import _WIDTH

    assert {chr(code) for code in range(32, 127)} - set(_WIDTH) <= set("{}")


def test_a_label_breaks_where_its_parts_meet() -> None:
    assert broken(["submit [pause over] → Submitted"], 20) == ("submit [pause over]", "→ Submitted")


def test_a_label_with_room_stays_on_one_line() -> None:
    assert broken(["pause → Paused"], 20) == ("pause → Paused",)


def test_a_long_guard_breaks_between_its_words() -> None:
    assert broken(["retry [attempts left, time left]"], 18) == (
        "retry",
        "[attempts left,",
        "time left]",
    )


def test_a_word_stays_whole() -> None:
    assert broken(["fail_validation (not ClientFailed) → ValidationFailed"], 12) == (
        "fail_validation",
        "(not",
        "ClientFailed)",
        "→ ValidationFailed",
    )


def test_a_word_that_is_none_any_more_breaks_at_its_joints() -> None:
    assert broken(["warn → PartiallySucceededWithSomeMoreWarnings"], 12) == (
        "warn",
        "→ PartiallySucceededWith",
        "SomeMoreWarnings",
    )
    assert broken(["quarantine_for_an_inspection_later"], 12) == (
        "quarantine_for_an_",
        "inspection_later",
    )


def test_a_word_without_joints_breaks_somewhere() -> None:
    assert broken(["x" * 60], 12) == ("x" * 26, "x" * 26, "x" * 8)


def test_each_line_begins_anew() -> None:
    assert broken(["a", "b"], 20) == ("a", "b")
