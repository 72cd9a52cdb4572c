"""Runs over time, in SVG and in Mermaid; no text of users is markup."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm import Step, TaskRun
from fsm.diagrams import chart, gantt
from fsm.diagrams.timeline.axis import ticks
from fsm.diagrams.timeline.bars import bars
from fsm.diagrams.timeline.groups import groups
from fsm.testing import HandClock
from states import Pending, Running, Success

from ..conftest import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"

ELEMENTS = {"svg", "style", "g", "title", "text", "rect", "circle", "line", "path"}
ATTRIBUTES = {
    "class", "cx", "cy", "d", "fill", "height", "r", "role", "text-anchor", "viewBox", "width", "x",
    "x1", "x2", "y", "y1", "y2",
}  # fmt: skip
BEGAN = 1_577_836_800_000_000  # in microseconds: the year 2020
TASK = re.compile(r"    \S+ [^:]+ :(active|crit|done|milestone), \d+, \d+")

hostile = st.text() | st.sampled_from(HOSTILE)


def two_steps(name: str, began: int = 0) -> list[Step]:
    """A run that takes a second."""
    running, done = Running(), Success()
    return [
        Step(name, 1, "start", Pending(), running, began),
        Step(name, 2, "succeed", running, done, began + 1_000_000),
    ]


def parse_checked(text: str) -> ElementTree.Element:
    """The root of an SVG document, after each element and attribute is checked."""
    root = ElementTree.fromstring(text)
    for element in root.iter():
        assert element.tag.rpartition("}")[2] in ELEMENTS
        assert set(element.attrib) <= ATTRIBUTES
    assert len(root.findall(".//{*}style")) == 1
    return root


def texts(root: ElementTree.Element, tag: str = "text") -> list[str]:
    return [element.text or "" for element in root.iter() if element.tag.endswith(f"}}{tag}")]


class TestChart:
    """As SVG."""

    def test_without_a_run_that_moved_the_picture_says_so(self) -> None:
        assert "no run has moved yet" in texts(parse_checked(chart([TaskRun(), []])))

    def test_each_run_is_named(self, run: TaskRun) -> None:
        found = texts(parse_checked(chart([run, two_steps("other")])))

        assert {"load", "other"} <= set(found)

    def test_attempts_are_numbered(self, run: TaskRun) -> None:
        found = texts(parse_checked(chart([run])))

        assert [each for each in found if each.isdigit()] == ["1", "2", "3"]
        assert "Success 17 s, 3 attempts" in found

    def test_a_state_that_took_no_time_is_visible(self, run: TaskRun) -> None:
        hints = texts(parse_checked(chart([run])), "title")

        assert "Failed at 00:00:05.000" in hints

    def test_a_failure_that_took_no_time_stands_out(self, run: TaskRun) -> None:
        root = parse_checked(chart([run]))

        failed = [
            rect
            for rect in root.iter("{http://www.w3.org/2000/svg}rect")
            if (rect.findtext("{*}title") or "").startswith("Failed at")
        ]
        highs = {float(rect.get("height", "")) for rect in root.findall(".//{*}g/{*}rect")}
        assert {float(rect.get("height", "")) for rect in failed} == {max(highs)}

    def test_a_clock_that_goes_back_leaves_bars_inside(self, clock: HandClock) -> None:
        run = TaskRun("run-1", clock=clock, max_retries=1)
        run.submit()
        clock.advance(seconds=7)
        run.start()
        clock.jump(hours=-1)
        run.fail()
        run.retry()
        clock.advance(seconds=2)
        run.start()
        drawn = parse_checked(chart([run], until=run.history[0].micros + 20_000_000))

        xs = [float(rect.get("x", "200")) for rect in drawn.findall(".//{*}g/{*}rect")]
        assert all(200 <= x <= 960 for x in xs)
        assert "Running 20 s, 2 attempts" in texts(drawn)
        assert [(span.began, span.ended) for span in bars([run])[0].spans][-1][0] == (
            run.history[1].micros
        )

    @pytest.mark.parametrize("width", [600, 900, 1200, 2000])
    @given(began=st.integers(0, 4 * 10**15), spread=st.integers(0, 10**17))
    @settings(max_examples=50, deadline=None)
    def test_no_two_ticks_overlap(self, width: int, began: int, spread: int) -> None:
        steps = two_steps("r", began)
        steps[1] = steps[1]._replace(micros=began + spread)

        root = parse_checked(chart([steps], width))

        marks = [
            (float(text.get("x", "")), len(text.text or ""))
            for text in root.iter("{http://www.w3.org/2000/svg}text")
            if text.get("text-anchor") == "middle"
        ]
        for (x, long), (after, longer) in pairwise(marks):
            assert after - x > 6.5 * (long + longer) / 2

    def test_bars_have_their_duration_as_tooltip(self, run: TaskRun) -> None:
        assert "Running at 00:00:00.000, 5 s" in texts(parse_checked(chart([run])), "title")

    def test_there_are_colours_for_a_dark_scheme(self, run: TaskRun) -> None:
        assert "prefers-color-scheme: dark" in chart([run])

    def test_many_runs_are_grouped(self) -> None:
        many = [two_steps(f"{'load' if place % 3 else 'mail'}-{place}") for place in range(90)]

        found = texts(parse_checked(chart(many)))

        assert {"load", "mail", "60 runs", "30 runs", "60 Success"} <= set(found)

    def test_the_size_does_not_grow_with_the_runs(self) -> None:
        few, many = (
            chart([two_steps(f"load-{place}", place * 1000) for place in range(count)])
            for count in (200, 2_000)
        )

        assert len(many) < 2 * len(few)

    def test_the_size_does_not_grow_with_the_steps(self) -> None:
        states = Running(), Pending()
        steps = [
            Step("r", seq, "go", states[seq % 2], states[not seq % 2], seq * 1000)
            for seq in range(1, 20_000)
        ]

        assert len(chart([steps])) < 500_000

    @given(name=hostile, kind=hostile)
    def test_hostile_text_is_only_text(self, name: str, kind: str) -> None:
        parse_checked(chart([two_steps(name)], kinds={name: kind}))

    @settings(max_examples=20, deadline=None)
    @given(name=hostile, kind=hostile)
    def test_hostile_text_is_only_text_in_groups(self, name: str, kind: str) -> None:
        names = [f"{name}{place}" for place in range(61)]

        parse_checked(chart(map(two_steps, names), kinds=dict.fromkeys(names[:9], kind)))


class TestGantt:
    """As Mermaid."""

    def test_each_run_is_a_section(self, run: TaskRun) -> None:
        lines = gantt([run, two_steps("other")]).splitlines()

        assert [line for line in lines if "section" in line] == [
            "    section other", "    section load",
        ]  # fmt: skip

    def test_each_state_is_a_task(self) -> None:
        assert gantt([two_steps("r")]).splitlines()[-2:] == [
            "    1 Running :active, 0, 1000",
            "    2 Success :milestone, 1000, 1000",
        ]

    def test_a_long_run_shows_its_first_and_last_spans(self) -> None:
        steps = [Step("r", seq, "go", Pending(), Running(), seq) for seq in range(1, 1000)]

        assert gantt([steps]).count(" Running :") == 50

    @pytest.mark.parametrize(
        ("days", "form"), [(0, "%H:%M:%S"), (2, "%m-%d %H:%M"), (3650, "%Y-%m-%d")]
    )
    def test_the_axis_is_as_precise_as_needed(self, days: int, form: str) -> None:
        runs = two_steps("a"), two_steps("b", days * 86_400_000_000)

        assert f"axisFormat {form}\n" in gantt(runs)

    def test_the_text_stays_within_the_limit_of_mermaid(self) -> None:
        def long(name: str) -> list[Step]:
            return [Step(name, seq, "go", Pending(), Running(), BEGAN + seq) for seq in range(99)]

        text = gantt([long(f"run-{place}") for place in range(40)])

        assert text.count("section") == 40
        assert 30_000 < len(text) < 50_000

    def test_many_runs_are_grouped(self) -> None:
        text = gantt([two_steps(f"load-{place}") for place in range(100)])

        assert "section load (100 runs)" in text
        assert text.count(" :") == 2

    @given(name=hostile)
    def test_hostile_text_is_only_text(self, name: str) -> None:
        first, second, third, section, *tasks = (
            gantt([two_steps(name)]).removesuffix("\n").split("\n")
        )

        assert (first, second) == ("gantt", "    dateFormat x")
        assert third.startswith("    axisFormat ")
        assert section.startswith("    section ")
        assert ":" not in section
        assert len(tasks) == 2
        assert all(TASK.fullmatch(task) for task in tasks)


class TestAttempts:
    """The attempt that each span belongs to."""

    def numbers(self, run: TaskRun) -> list[int]:
        (bar,) = bars([run])
        return [span.attempt for span in bar.spans]

    def test_a_loop_continues_its_attempt(self, clock: HandClock) -> None:
        run = TaskRun(clock=clock)
        for event in ("submit", "start", "loop", "iterate", "start", "fail", "rerun", "start"):
            run.trigger(event)

        assert self.numbers(run) == [0, 1, 1, 1, 1, 1, 1, 2]

    def test_a_rescue_continues_its_attempt(self, clock: HandClock) -> None:
        run = TaskRun(clock=clock)
        for event in ("start", "rescue", "start"):
            run.trigger(event)

        assert self.numbers(run) == [1, 1, 1]

    def test_an_attempt_that_fails_before_it_begins_is_counted(self, clock: HandClock) -> None:
        run = TaskRun(clock=clock, max_retries=1)
        for event in ("fail_trigger", "retry", "fail"):
            run.trigger(event)

        assert self.numbers(run) == [1, 1, 2]
        assert run.attempts == 2


class TestGroups:
    """Groups of runs."""

    def test_runs_are_grouped_by_name_without_its_number(self) -> None:
        found = groups(bars([two_steps("a-1"), two_steps("a-2"), two_steps("b/2020-01-01")]))

        assert {group.name: len(group.bars) for group in found} == {"a": 2, "b": 1}

    def test_runs_of_many_names_are_grouped_by_kind(self) -> None:
        names = [chr(97 + place) for place in range(20)]

        found = groups(bars(map(two_steps, names), kinds=dict.fromkeys(names, "shop:Order")))

        assert [group.name for group in found] == ["shop:Order"]

    def test_groups_beyond_forty_share_one(self) -> None:
        names = [f"n{place}" for place in range(60)]

        found = groups(bars(map(two_steps, names), kinds={name: name for name in names}))

        assert len(found) == 40
        assert found[-1].name == "21 others"
        assert sum(len(group.bars) for group in found) == 60

    def test_counts_are_the_runs_at_a_point_in_time(self) -> None:
        (group,) = groups(bars([two_steps("a-1"), two_steps("a-2", 1_000_000)]))

        (counts,) = group.counts(0, 2_000_000, 4).values()

        assert counts == [1, 1, 1, 1]

    def test_the_shortest_failure_is_counted(self, run: TaskRun) -> None:
        (group,) = groups(bars([run]))
        (bar,) = group.bars

        counts = group.counts(bar.began, bar.ended, 5)

        assert "Failed" in {style.name for style in counts}

    @pytest.mark.parametrize("began", [0, 1, 499_999, 500_000, 999_999])
    def test_the_shortest_run_is_counted(self, began: int) -> None:
        (group,) = groups(bars([two_steps("a-1", began)]))

        (counts,) = group.counts(0, 1_000_000_000, 100).values()

        assert sum(counts) == 1

    @pytest.mark.parametrize("seconds", [1, 6, 0.7, 13])
    def test_a_run_that_loops_is_counted_once(self, clock: HandClock, seconds: float) -> None:
        run = TaskRun("run-1", clock=clock)
        for _ in range(300):
            run.start()
            clock.advance(seconds=seconds)
            run.loop()
            run.iterate()
        (group,) = groups(bars([run]))
        (bar,) = group.bars

        counts = group.counts(bar.began, bar.ended, 50)

        assert {style.name: counted for style, counted in counts.items()} == {"Running": [1] * 50}


@pytest.mark.parametrize(
    ("spread", "labels"),
    [
        (0, ["00:00:00.000000"]),
        (4_000, [f"00:00:00.00{millis}" for millis in range(5)]),
        (40_000_000, ["00:00:00", "00:00:10", "00:00:20", "00:00:30", "00:00:40"]),
        (10 * 86_400_000_000, ["01-01", "01-03", "01-05", "01-07", "01-09", "01-11"]),
        (200 * 86_400_000_000, ["01", "02", "03", "04", "05", "06", "07"]),
        (5 * 366 * 86_400_000_000, ["2020", "2021", "2022", "2023", "2024", "2025"]),
    ],
)
def test_ticks_are_at_round_times(clock: HandClock, spread: int, labels: list[str]) -> None:
    began = int(clock().timestamp()) * 1_000_000

    marks = [label for _, label in ticks(began, began + spread)]

    assert [mark.removeprefix("2020-") for mark in marks] == labels


@pytest.mark.parametrize("seconds", [9, 155, 86_300, 90_000, 218_163_600])
def test_no_tick_overlaps_the_heading(clock: HandClock, seconds: float) -> None:
    run = TaskRun("load", clock=clock)  # at midnight, where there is a tick
    run.start()
    clock.advance(seconds=seconds)
    run.succeed()

    root = parse_checked(chart([run], 900))

    heading, first, *_ = (text for text in root.iter(f"{SVG}text") if text.get("y") == "28")
    assert heading.text is not None
    assert first.text is not None
    begins = float(first.get("x", "")) - 6.4 * len(first.text) / 2
    assert 12 + 6.4 * len(heading.text) < begins


@given(began=st.integers(0, 4 * 10**15), spread=st.integers(0, 2 * 10**17))
def test_there_are_few_ticks_all_within_the_picture(began: int, spread: int) -> None:
    marks = [micros for micros, _ in ticks(began, began + spread)]

    assert all(began <= micros <= began + spread for micros in marks)
    assert len(marks) <= 9
