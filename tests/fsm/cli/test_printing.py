"""How text becomes harmless."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.cli.printing import light, put_json, shown


@given(st.text(st.characters()))
def test_what_is_shown_is_printable(text: str) -> None:
    assert shown(text).isprintable()


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_what_is_printable_is_shown_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_no_control_character_slips_through() -> None:
    everything = "".join(map(chr, range(0x110000)))

    assert not [c for c in shown(everything) if unicodedata.category(c) in ("Cc", "Cf", "Cs")]


@given(st.text(st.characters()))
def test_json_comes_back_from_ascii(text: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        written: list[str] = []
        patched.setattr("click.echo", written.append)

        put_json({"text": text})

    assert written[0].replace("\n", "").isprintable()
    assert written[0].isascii()
    assert json.loads(written[0]) == {"text": text}


@pytest.mark.parametrize("color", ["link file:///x", "bold", "", None, 7, "#fff\n"])
def test_what_is_no_colour_is_grey(color: object) -> None:
    assert light(color).style == "#696969"
