"""The clock in force and the ambient context."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pendulum
import pytest

from fsm.states import ambient
from states import (
    ClientFailed,
    InvalidPayload,
    Looped,
    Mapped,
    Paused,
    Pending,
    Queued,
    Resume,
    Retrying,
    Scheduled,
    State,
)

AT = datetime(2020, 5, 14, 21, 12, 0, 123456, tzinfo=UTC)
MICROS = 1589490720123456


def test_the_systems_clock_is_the_default():
    before = time.time_ns() // 1000  # noqa: TID251  # the system's clock is what is tested
    asked = ambient.micros()
    after = time.time_ns() // 1000  # noqa: TID251  # as above

    assert before <= asked <= after
    assert ambient.now().timezone is pendulum.UTC


def test_a_clock_may_return_any_time_zone():
    with ambient.clock(lambda: AT.astimezone(timezone(timedelta(hours=2)))):
        assert ambient.micros() == MICROS
        assert ambient.now() == AT
        assert ambient.now().timezone is pendulum.UTC


def test_at_stops_the_clock():
    with ambient.at(MICROS):
        assert ambient.now() == AT
        assert Scheduled().start_time == Queued().start_time == AT


def test_the_innermost_clock_is_in_force():
    with ambient.at(1):
        with ambient.clock(lambda: AT):
            assert ambient.micros() == MICROS
        assert ambient.micros() == 1


@pytest.mark.parametrize("answer", [datetime(2020, 1, 1), 5, None, "now"])
def test_a_clock_that_returns_no_aware_datetime_is_refused(answer):
    with ambient.clock(lambda: answer), pytest.raises(InvalidPayload) as refused:
        ambient.now()

    assert refused.value.field == "clock"


@pytest.mark.parametrize("stopped", [1.5, True, "1", None])
def test_only_whole_microseconds_stop_the_clock(stopped):
    with pytest.raises(InvalidPayload), ambient.at(stopped):
        pass


def test_a_clock_that_is_not_callable_is_refused():
    with pytest.raises(InvalidPayload), ambient.clock(AT):
        pass


def test_using_adds_names_until_the_block_ends():
    with ambient.using(a=1, b=1), ambient.using(b=2):
        assert dict(ambient.context()) == {"a": 1, "b": 2}
    assert dict(ambient.context()) == {}


def test_hide_context_hides_the_names():
    with ambient.using(task_run_count=3), ambient.hide_context():
        assert dict(ambient.context()) == {}
        assert Retrying().run_count == 1


def test_another_thread_has_its_own_clock_and_context():
    seen = []
    with ambient.using(a=1), ambient.at(0):
        thread = threading.Thread(
            target=lambda: seen.append((dict(ambient.context()), ambient.micros()))
        )
        thread.start()
        thread.join()

    assert seen[0][0] == {}
    assert seen[0][1] > 0


def test_task_tags_become_tags_of_every_state_without_its_own(classes):
    with ambient.using(task_tags={"t"}):
        assert all(cls().context["tags"] == ["t"] for cls in classes.values())
        assert all(cls(context={"tags": 1}).context == {"tags": 1} for cls in classes.values())
        assert ClientFailed(context={"a": 1}).context == {"a": 1, "tags": ["t"]}


def test_task_tags_of_none_are_ignored():
    with ambient.using(task_tags=None):
        assert Pending().context == {}


@pytest.mark.parametrize("tags", ["abc", 5])
def test_task_tags_that_are_no_list_are_refused(tags):
    with ambient.using(task_tags=tags), pytest.raises(InvalidPayload, match="task_tags"):
        Pending()


def test_the_run_count_goes_into_the_context_of_scheduled_states_only(classes):
    with ambient.using(task_run_count=3):
        told = {name for name, cls in classes.items() if cls().context == {"task_run_count": 3}}

        assert told == {"Scheduled", "Paused", "Resume", "Retrying"}
        assert Resume(context={"task_run_count": 1}).context == {"task_run_count": 3}


def test_run_counts_are_given_or_ambient_or_one():
    assert Retrying().run_count == 1
    with ambient.using(task_run_count=0):
        assert Retrying().run_count == 0
        assert Retrying(run_count=2).run_count == 2
    with ambient.using(task_run_count=None):
        assert Retrying().run_count == 1
        assert Retrying().context == {}


def test_loop_counts_are_given_or_ambient_or_one():
    assert Looped().loop_count == 1
    with ambient.using(task_loop_count=4):
        assert Looped().loop_count == 4
        assert Looped(loop_count=0).loop_count == 0


def test_an_ambient_count_is_checked_like_a_given_one():
    with ambient.using(task_run_count="3"), pytest.raises(InvalidPayload) as refused:
        Retrying()

    assert refused.value.field == "run_count"


@pytest.mark.parametrize(
    ("now", "end"),
    [("2020-05-14", "2030-05-14"), ("2020-02-29", "2030-02-28"), ("2014-02-28", "2024-02-28")],
)
def test_a_pause_ends_ten_calendar_years_from_now(now, end):
    with ambient.clock(lambda: datetime.fromisoformat(now).replace(tzinfo=UTC)):
        assert Paused().start_time == datetime.fromisoformat(end).replace(tzinfo=UTC)


def test_a_pause_past_year_9999_needs_a_start_time():
    with ambient.clock(lambda: datetime(9995, 1, 1, tzinfo=UTC)), pytest.raises(InvalidPayload):
        Paused()


def test_the_ambient_context_is_not_read_for_given_values():
    def never():
        raise AssertionError

    with ambient.clock(never):
        assert Paused(start_time=AT).start_time == AT
        assert all(isinstance(cls(), State) for cls in (Pending, Mapped, Looped))
