"""Color: what can be read on what."""

from __future__ import annotations

import pytest

from fsm.diagrams.color import contrast, safe, text_on
from fsm.diagrams.dot_source import INK, PATH
from states import State


def test_black_on_white_is_the_most_there_is() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("state", State.children())
def test_the_name_of_every_state_can_be_read(state: type[State]) -> None:
    assert contrast(text_on(state.color), state.color) > 4.5


@pytest.mark.parametrize("ink", [INK, PATH])
@pytest.mark.parametrize("paper", ["#ffffff", "#0d1117"])
def test_lines_can_be_seen_in_the_light_and_in_the_dark(ink: str, paper: str) -> None:
    assert contrast(ink, paper) > 3


def test_a_short_colour_is_written_out() -> None:
    assert safe("#Fa0") == "#ffaa00"


@pytest.mark.parametrize(
    "color", ["red", "", "#12345", "#fff;stroke:url(x)", "#fff\n", "#\uff26\uff26\uff26"]
)
def test_what_is_no_colour_is_grey(color: str) -> None:
    assert safe(color) == "#696969"
