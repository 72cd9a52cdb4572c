"""Options of several commands."""

from __future__ import annotations

import click
import pytest

from fsm.cli.options import DurationType

from .conftest import Invoke


def test_a_duration_is_given_as_text_or_seconds() -> None:
    assert DurationType().convert("1h30m", None, None) == 5400
    assert DurationType().convert(90, None, None) == 90


def test_another_spelling_of_a_duration_is_a_wrong_command_line() -> None:
    with pytest.raises(click.BadParameter, match="write 90s, 10m, 2h, 1d or 1h30m"):
        DurationType().convert("soon", None, None)


@pytest.mark.parametrize("args", [["runs", "--older"], ["work", "shop", "--once", "--grace"]])
def test_more_than_a_century_is_a_wrong_command_line(
    args: list[str], journal: str, fsm: Invoke
) -> None:
    result = fsm(*args, "36601d", "--journal", journal)

    assert result.exit_code == 2
    assert "'36601d' is longer than a century" in result.stderr
