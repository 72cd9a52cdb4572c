"""Text that others wrote is safe to show, and bounded."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.states import moment
from fsm.text import as_label, cut, escape, format_time, is_dated, readable

anything = st.text(st.characters())  # surrogates, too


@given(anything)
def test_escaped_text_is_printable(text: str) -> None:
    assert escape(text).isprintable()


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert escape(text) == escape(text, storable=True) == text


def test_no_control_character_slips_through() -> None:
    everything = "".join(map(chr, range(0x110000)))

    assert not [c for c in escape(everything) if unicodedata.category(c) in ("Cc", "Cf", "Cs")]


def test_an_escape_says_which_character_it_was() -> None:
    assert escape("\x1b[2J\u202e\n\0\ud800") == r"\x1b[2J\u202e\n\x00\ud800"


def test_line_ends_stay_where_they_are_asked_for() -> None:
    assert escape("one\ntwo\r", keep="\n") == "one\ntwo\\r"


@given(anything, st.integers(1, 20), st.booleans(), st.booleans())
def test_a_limit_bounds_the_result_with_its_escapes(
    text: str, limit: int, drop: bool, storable: bool
) -> None:
    assert len(escape(text, limit, drop=drop, storable=storable)) <= limit


def test_a_text_that_was_cut_says_so() -> None:
    assert escape("x" * 10**6, 5) == "xxxx…"
    assert escape("\0" * 10**6, 5) == "\\x00…"
    assert escape("xxxxx", 5) == "xxxxx"


@given(anything)
def test_storable_text_is_utf8_without_nul(text: str) -> None:
    stored = escape(text, storable=True)

    assert b"\0" not in stored.encode()
    assert json.loads(json.dumps(stored)) == stored


def test_storable_text_keeps_what_a_database_takes() -> None:
    assert escape("\x1b[2J\n\u202e\0", storable=True) == "\x1b[2J\n\u202e\\x00"


@given(anything)
def test_a_label_is_one_printable_line(text: str) -> None:
    assert as_label(text).isprintable()
    assert len(as_label(text)) <= 200
    assert as_label(as_label(text)) == as_label(text)


def test_a_line_end_in_a_label_is_a_space() -> None:
    assert as_label("one\r\n two\u2028three") == "one two three"


def test_a_long_label_is_cut() -> None:
    assert as_label("x" * 10**6) == "x" * 199 + "…"


def test_cutting_says_how_long_the_text_was() -> None:
    assert cut("abcdef", 4) == "abcd … (6 characters)"
    assert cut(ValueError("no"), 4) == "no"


def test_readable_json_has_lines_and_exact_numbers() -> None:
    assert readable('{"a":18014398509481985}') == '{\n  "a": 18014398509481985\n}'
    assert readable("no json") == "no json"
    assert readable("[" * 100_000).startswith("[" * 20_000)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_shown_in_utc_to_the_millisecond(at: datetime) -> None:
    micros = moment.to_micros(at)

    assert is_dated(micros)
    shown = datetime.fromisoformat(format_time(micros)).replace(tzinfo=UTC)
    assert timedelta() <= at - shown < timedelta(milliseconds=1)


@pytest.mark.parametrize("micros", [2**63 - 1, -(2**63), 10**30])
def test_a_time_outside_of_the_calendar_is_its_number(micros: int) -> None:
    assert not is_dated(micros)
    assert format_time(micros) == f"{micros} µs"


def test_milliseconds_may_be_left_out() -> None:
    assert format_time(1_500_000) == "1970-01-01 00:00:01.500"
    assert format_time(1_500_000, millis=False) == "1970-01-01 00:00:01"
