"""Durations: converted to seconds, read from text, and written as text."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from fsm.durations import (
    A_CENTURY,
    as_optional_seconds,
    as_seconds,
    format_duration,
    parse_duration,
)
from fsm.errors import InvalidArgument


@pytest.mark.parametrize("value", [90, 90.0, datetime.timedelta(minutes=1.5)])
def test_a_duration_is_a_number_of_seconds_or_a_timedelta(value: Any) -> None:
    assert as_seconds(value) == as_optional_seconds(value) == 90.0
    assert isinstance(as_seconds(value), float)


def test_none_is_no_duration_but_may_stand_for_no_limit() -> None:
    assert as_optional_seconds(None) is None
    with pytest.raises(InvalidArgument, match="lease is a number of seconds or a timedelta"):
        as_seconds(None, "lease")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [True, "90", b"90", 1j, object()])
def test_other_types_are_refused_by_the_name_of_the_argument(value: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^lease is a number of seconds or a timedelta"):
        as_seconds(value, "lease")


@pytest.mark.parametrize(
    "value",
    [-1, -1e-9, float("nan"), float("inf"), A_CENTURY + 1, 10**400, datetime.timedelta(days=36601)],
)
def test_a_duration_is_between_0_and_a_century(value: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^grace is between 0 seconds and a century, not "):
        as_seconds(value, "grace")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86_400), ("0", 0), ("90", 90),
        ("0.5h", 1800), (" 10m ", 600), ("1h30m", 5400), ("1h 30m", 5400), ("3 h 7 min", 11_220),
        ("2 d 4 h", 187_200), ("4 min 5 s", 245), ("36600d", 36_600 * 86_400),
    ],
)  # fmt: skip
def test_text_is_read_as_people_write_it_and_as_it_is_written_here(
    text: str, seconds: float
) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "-5", "5 minutes", "1w", "1h30", "10M", "1e3", "nan", "inf", "1.5.2s", "m",
        "\u0661\u0660m", "\u00bdd", "1h  30m", "9" * 400, "10\u00a0m",
    ],
)  # fmt: skip
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="write 90s, 10m, 2h, 1d or 1h30m"):
        parse_duration(text)


def test_text_of_more_than_a_century_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="'36601d' is longer than a century"):
        parse_duration("36601d")


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0 ms"),
        (999_999, "999 ms"),
        (1_000_000, "1 s"),
        (59_999_999, "59.9 s"),
        (60_000_000, "1 min"),
        (3_599_000_000, "59 min 59 s"),
        (3_600_000_000, "1 h"),
        (48 * 3_600_000_000, "2 d"),
        (50 * 3_600_000_000, "2 d 2 h"),
    ],
)
def test_a_duration_is_written_rounded_down(micros: int, text: str) -> None:
    assert format_duration(micros) == text
