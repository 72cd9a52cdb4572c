"""How wide text is, and where it breaks."""

from __future__ import annotations

import pytest

from fsm.diagrams.svg_drawing.fonts import break_lines, text_width


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
def test_the_width_of_text_is_that_of_its_letters(text: str, em: float) -> None:
    assert text_width(text, 100) == pytest.approx(100 * em)


def test_every_ascii_letter_has_a_known_width() -> None:
    from fsm.diagrams.svg_drawing.fonts import _WIDTH

    assert {chr(code) for code in range(32, 127)} - set(_WIDTH) <= set("{}")


def test_a_label_breaks_between_its_parts() -> None:
    assert break_lines(["submit [pause over] → Submitted"], 20) == (
        "submit [pause over]",
        "→ Submitted",
    )


def test_a_short_label_stays_on_one_line() -> None:
    assert break_lines(["pause → Paused"], 20) == ("pause → Paused",)


def test_a_long_guard_breaks_between_its_words() -> None:
    assert break_lines(["retry [attempts left, time left]"], 18) == (
        "retry",
        "[attempts left,",
        "time left]",
    )


def test_a_word_is_not_broken() -> None:
    assert break_lines(["fail_validation (not ClientFailed) → ValidationFailed"], 12) == (
        "fail_validation",
        "(not",
        "ClientFailed)",
        "→ ValidationFailed",
    )


def test_a_very_long_word_breaks_at_its_joints() -> None:
    assert break_lines(["warn → PartiallySucceededWithSomeMoreWarnings"], 12) == (
        "warn",
        "→ PartiallySucceededWith",
        "SomeMoreWarnings",
    )
    assert break_lines(["quarantine_for_an_inspection_later"], 12) == (
        "quarantine_for_an_",
        "inspection_later",
    )


def test_a_very_long_word_without_joints_breaks_anywhere() -> None:
    assert break_lines(["x" * 60], 12) == ("x" * 26, "x" * 26, "x" * 8)


def test_lines_are_not_joined() -> None:
    assert break_lines(["a", "b"], 20) == ("a", "b")
