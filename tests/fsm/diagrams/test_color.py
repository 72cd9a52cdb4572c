"""Colours: made safe for markup, and the contrast of text on them."""

from __future__ import annotations

import pytest

from fsm.diagrams.color import as_hex, contrast, text_on
from fsm.diagrams.dot_source import INK, PATH
from states import State


def test_black_on_white_has_the_highest_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("state", State.children())
def test_the_name_of_every_state_has_enough_contrast(state: type[State]) -> None:
    assert contrast(text_on(state.color), state.color) > 4.5


@pytest.mark.parametrize("ink", [INK, PATH])
@pytest.mark.parametrize("paper", ["#ffffff", "#0d1117"])
def test_lines_have_enough_contrast_in_light_and_dark_schemes(ink: str, paper: str) -> None:
    assert contrast(ink, paper) > 3


def test_a_short_hex_colour_becomes_a_long_one() -> None:
    assert as_hex("#Fa0") == "#ffaa00"


@pytest.mark.parametrize(
    "color", ["red", "", "#12345", "#fff;stroke:url(x)", "#fff\n", "#\uff26\uff26\uff26"]
)
def test_an_invalid_colour_becomes_grey(color: str) -> None:
    assert as_hex(color) == "#696969"
