"""Spans of time on the command line."""

from __future__ import annotations

import click
import pytest

from fsm.cli.duration import Duration

from .conftest import Invoke


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86_400), ("0", 0), ("90", 90),
        ("0.5h", 1800), (" 10m ", 600), ("1h30m", 5400), ("1h 30m", 5400), ("3 h 7 min", 11_220),
        ("2 d 4 h", 187_200), ("4 min 5 s", 245), ("36600d", 36_600 * 86_400),
    ],
)  # fmt: skip
def test_it_is_read_as_people_and_we_write_it(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "-5", "5 minutes", "1w", "1h30", "10M", "1e3", "nan", "inf", "1.5.2s", "m",
        "\u0661\u0660m", "\u00bdd", "1h  30m", "9" * 400, "10\u00a0m",
    ],
)  # fmt: skip
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write 90s, 10m, 2h, 1d or 1h30m"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize("args", [["runs", "--older"], ["work", "shop", "--once", "--grace"]])
def test_more_than_a_century_is_a_wrong_command_line(
    args: list[str], journal: str, fsm: Invoke
) -> None:
    result = fsm(*args, "36601d", "--journal", journal)

    assert result.exit_code == 2
    assert "'36601d' is longer than a century" in result.stderr
