"""JSON and colours on a terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.cli.printing import light, put_json


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
