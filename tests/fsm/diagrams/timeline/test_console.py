"""Timelines on a terminal: a bar for each run, readable without colour; no text is markup."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import attrs
import pytest
from rich.cells import cell_len
from rich.console import Console

from fsm import Step, TaskRun
from fsm.diagrams.timeline.bars import bars, cells
from fsm.diagrams.timeline.console import timeline
from fsm.testing import HandClock
from states import Pending, Running, State

from ..conftest import HOSTILE


def printed(shown: Any, width: int = 80, **options: Any) -> str:
    """The text that a console prints."""
    console = Console(file=io.StringIO(), width=width, **options)
    console.print(shown)
    return console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO, from above


def test_without_a_run_that_moved_the_text_says_so() -> None:
    assert printed(timeline([TaskRun(), []])) == "no run has moved yet\n"


def test_runs_are_lines_in_the_order_in_which_they_began(clock: HandClock, run: TaskRun) -> None:
    later = TaskRun("later", clock=clock)
    later.start()

    lines = printed(timeline([later, run])).splitlines()

    assert [line.split()[0] for line in lines[:3]] == ["00:00:00", "load", "later"]


def test_every_retry_is_visible(run: TaskRun) -> None:
    line = printed(timeline([run]), 100).splitlines()[1]

    assert line.count("✗") == 2
    assert "▒" in line
    assert line.endswith("Success 17 s, 3 attempts")


def test_waits_are_as_long_as_they_lasted(clock: HandClock) -> None:
    run = TaskRun("r", clock=clock)
    run.schedule(start_time=clock().add(seconds=10))
    clock.advance(seconds=10)
    run.start()
    clock.advance(seconds=10)
    run.succeed()

    line = printed(timeline([run]), 60).splitlines()[1]

    assert abs(line.count("░") - line.count("█")) <= 1  # of 43 cells


def test_a_state_of_unknown_kind_has_a_mark() -> None:
    @attrs.frozen
    class Dreaming(State):
        """A state of no known kind."""

    steps = [Step("r", 1, "sleep", Pending(), Dreaming(), 0)]

    assert "▪ Dreaming" in printed(timeline([steps]))


def test_a_history_is_drawn_as_its_run(run: TaskRun) -> None:
    assert printed(timeline([run.history])) == printed(timeline([run]))


def test_a_run_that_is_not_finished_lasts_until_the_end(clock: HandClock) -> None:
    run = TaskRun("r", clock=clock)
    run.start()

    line = printed(timeline([run], until=run.history[0].micros + 5_000_000)).splitlines()[1]

    assert line.endswith("█ Running 5 s")


def test_an_ascii_terminal_gets_ascii(run: TaskRun) -> None:
    long_name = TaskRun("n" * 100, clock=HandClock())
    long_name.start()
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=file, width=80)

    console.print(timeline([run, long_name]))
    file.flush()

    assert b"#" in file.buffer.getvalue()  # type: ignore[attr-defined]  # a BytesIO, from above


def test_bars_have_the_colours_of_the_states(run: TaskRun) -> None:
    text = printed(timeline([run]), force_terminal=True, color_system="truecolor")

    assert "\x1b[38;2;61;103;255m" in text  # Running


def test_there_are_no_colours_outside_a_terminal(run: TaskRun) -> None:
    assert "\x1b" not in printed(timeline([run]))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_only_text(text: str) -> None:
    steps = [Step(text, 1, "start", Pending(), Running(), 0)]

    lines = printed(timeline([steps])).split("\n")

    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


def test_markup_of_rich_is_shown_as_text() -> None:
    steps = [Step("[red]x[/]", 1, "start", Pending(), Running(), 0)]

    assert "[red]x[/]" in printed(timeline([steps]))


@pytest.mark.parametrize("width", [1, 10, 40, 200])
def test_any_width_is_accepted(run: TaskRun, width: int) -> None:
    assert "load" in printed(timeline([run], width), 300)


def test_a_long_loop_is_drawn_as_running(clock: HandClock) -> None:
    run = TaskRun("loop", clock=clock)
    for _ in range(1000):
        run.start()
        clock.advance(seconds=1)
        run.loop()
        run.iterate()
    run.start()
    run.succeed()

    assert set(printed(timeline([run])).splitlines()[1].split()[1]) == {"█"}


@pytest.mark.parametrize("width", range(20, 120, 7))
def test_names_bars_and_ends_share_a_narrow_terminal(clock: HandClock, width: int) -> None:
    runs = [TaskRun(name, clock=clock) for name in ("a name of some length, or more", "数据" * 9)]
    for run in runs:
        run.start()
        clock.advance(seconds=7)
        run.succeed()

    lines = printed(timeline(runs), width).splitlines()[1:3]

    assert max(map(cell_len, lines)) <= width
    for line, name in zip(lines, ("a name", "数据"), strict=True):
        assert line.startswith(name)
        assert "█" in line
        assert width < 30 or "Succ" in line


@pytest.mark.parametrize("seconds", range(1, 60, 5))
def test_the_end_of_a_run_is_visible_if_there_is_a_cell_after_it(
    clock: HandClock, seconds: int
) -> None:
    first, last = TaskRun("first", clock=clock), TaskRun("last", clock=clock)
    first.start()
    clock.advance(seconds=seconds)
    first.succeed()
    clock.advance(seconds=60)
    last.start()

    assert "█●" in printed(timeline([first, last])).splitlines()[1]


def test_the_scale_shows_the_day(clock: HandClock) -> None:
    run = TaskRun("a name that leaves room", clock=clock)
    run.start()

    assert printed(timeline([run])).startswith("2020-01-01 UTC          00:00:00 ")


@pytest.mark.parametrize("width", [1, 2, 7, 100])
def test_each_state_has_a_cell_if_there_are_enough(run: TaskRun, width: int) -> None:
    (bar,) = bars([run])

    shown = cells(bar, bar.began, bar.ended, width)

    assert len(shown) == width
    if width == 100:
        kinds = {style.name for style in shown if style}
        assert kinds >= {"Running", "Failed", "Retrying"}


@pytest.mark.parametrize("package", ["rich", "pygraphviz"])
def test_importing_diagrams_does_not_import_optional_packages(package: str) -> None:
    code = f"import fsm.diagrams, sys; sys.exit({package!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
