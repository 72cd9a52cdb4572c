"""Points in time: microseconds, datetimes, and the strict parser of text."""

from __future__ import annotations

import math
import pickle
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm.states import moment
from states import InvalidPayload, NotDeserializable, Scheduled

aware = st.datetimes(timezones=st.timezones() | st.just(UTC))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.datetimes())
def test_microseconds_are_exact(naive):
    at = naive.replace(tzinfo=UTC)
    micros = moment.to_micros(at)

    assert micros == (at - EPOCH) // timedelta(microseconds=1)
    assert moment.from_micros(micros) == at
    assert moment.from_micros(micros).tzinfo is pendulum.UTC


@given(aware)
def test_any_zone_counts_the_same_microseconds(at):
    kept = moment.as_moment(at, "at")

    assert moment.to_micros(kept) == moment.to_micros(at)
    assert kept.utcoffset() == at.utcoffset()
    assert type(kept) is pendulum.DateTime


@given(aware)
def test_a_written_moment_reads_back_as_the_same_instant(at):
    text = moment.format(moment.as_moment(at, "at"))

    assert moment.to_micros(moment.parse(text, "at")) == moment.to_micros(at)
    assert moment.format(moment.parse(text, "at")) == text


def test_the_ends_of_the_calendar_are_points_in_time():
    for at in (datetime.min, datetime.max):
        for hours in (-23, 23):
            zoned = at.replace(tzinfo=timezone(timedelta(hours=hours)))
            kept = moment.as_moment(zoned, "at")
            assert moment.to_micros(moment.parse(moment.format(kept), "at")) == moment.to_micros(
                zoned
            )


@pytest.mark.parametrize("micros", [10**30, -(10**30), 253402300800000000])
def test_no_moment_lies_outside_of_the_calendar(micros):
    with pytest.raises(InvalidPayload, match="outside of years 1 to 9999"):
        moment.from_micros(micros)


def test_a_naive_datetime_is_taken_as_utc_by_constructors_only():
    assert moment.as_moment(datetime(2020, 1, 1), "at") == datetime(2020, 1, 1, tzinfo=UTC)
    assert moment.as_moment(pendulum.naive(2020, 1, 1), "at").tzinfo is pendulum.UTC
    with pytest.raises(InvalidPayload, match="naive"):
        moment.to_micros(datetime(2020, 1, 1))


@pytest.mark.parametrize(
    ("zone", "kept"),
    [
        (timezone.utc, pendulum.UTC),  # noqa: UP017  # the other name of the same thing
        (ZoneInfo("Europe/Berlin"), pendulum.timezone("Europe/Berlin")),
        (pendulum.timezone("Asia/Tokyo"), pendulum.timezone("Asia/Tokyo")),
        (timezone(timedelta(hours=5, minutes=30)), pendulum.timezone(19800)),
        (timezone(timedelta(seconds=561)), pendulum.timezone(561)),
        (timezone(timedelta(0), "Zulu"), pendulum.UTC),
        (timezone(timedelta(microseconds=5)), pendulum.UTC),
    ],
)
def test_zones_are_kept_in_pendulums_terms(zone, kept):
    at = datetime(2020, 7, 1, 12, tzinfo=zone)

    assert moment.as_moment(at, "at").tzinfo == kept
    assert moment.to_micros(moment.as_moment(at, "at")) == moment.to_micros(at)


def test_a_pendulum_moment_in_its_own_zone_is_taken_as_it_is():
    for zone in ("UTC", "Europe/Berlin"):
        at = pendulum.datetime(2020, 1, 1, tz=zone)
        assert moment.as_moment(at, "at") is at


class Wild(tzinfo):
    def utcoffset(self, when):
        raise KeyError(when)


class Silent(tzinfo):
    def utcoffset(self, when):
        return None


def test_a_zone_that_raises_is_refused():
    with pytest.raises(InvalidPayload, match="tzinfo"):
        Scheduled(start_time=datetime(2020, 1, 1, tzinfo=Wild()))


def test_a_zone_without_an_offset_counts_as_no_zone():
    at = Scheduled(start_time=datetime(2020, 1, 1, tzinfo=Silent())).start_time

    assert at == datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", ["2020-01-01", 0, 1.5, True, date(2020, 1, 1), math.nan, [], b""])
def test_only_datetimes_are_moments(value):
    with pytest.raises(InvalidPayload, match="start_time cannot hold") as refused:
        Scheduled(start_time=value)

    assert refused.value.field == "start_time"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2020-01-01T00:00:00", "2020-01-01T00:00:00+00:00"),
        ("2020-01-01 00:00:00Z", "2020-01-01T00:00:00+00:00"),
        ("2020-07-01T12:00:00+02:00", "2020-07-01T12:00:00+02:00"),
        ("2020-07-01T12:00:00-00:00", "2020-07-01T12:00:00+00:00"),
        ("1800-01-01T00:00:00+00:09:21", "1800-01-01T00:00:00+00:09:21"),
        ("2020-01-01T00:00:00.1234567899Z", "2020-01-01T00:00:00.123456+00:00"),
        ("2020-01-01T00:00:00.5-23:59:59", "2020-01-01T00:00:00.500000-23:59:59"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_iso_8601_moments_are_parsed(text, written):
    assert moment.format(moment.parse(text, "at")) == written


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2020-01-01", "20200101T000000Z", "2020-W01-1T00:00:00", "2020-001"),
        *("2020-01-01T00:00", "2020-01-01T00", "2020-01-01t00:00:00z", "2020-1-1T00:00:00"),
        *(
            "2020-13-01T00:00:00Z",
            "2020-02-30T00:00:00Z",
            "2021-02-29T00:00:00",
            "0000-01-01T00:00:00",
        ),
        *("2020-01-01T24:00:00Z", "2020-01-01T00:60:00Z", "2020-01-01T00:00:60Z"),
        *("2020-01-01T00:00:00+25:00", "2020-01-01T00:00:00+2", "2020-01-01T00:00:00 UTC"),
        *("2020-01-01T00:00:00+00:60", "2020-01-01T00:00:00-00:00:60"),
        *("2020-01-01T00:00:00,5Z", "2020-01-01T00:00:00.Z", " 2020-01-01T00:00:00Z"),
        *("2020-01-01T00:00:00Z\n", "٢٠٢٠-01-01T00:00:00Z", "2020-01-01T00:00:00+00:00:00.5"),
        *("2020-01-01T00:00:00." + "1" * 99, "2020-01-01T00:00:00[Europe/Berlin]"),
        *(None, 0, 1.5, True, b"2020-01-01T00:00:00Z", [], {}),
    ],
)
def test_other_text_is_not_parsed(text):
    with pytest.raises(NotDeserializable) as refused:
        moment.parse(text, "start_time")

    assert refused.value.field == "start_time"


class LaxDatetime(datetime):
    """Reads the hour 24 as the next midnight, as `datetime` does from Python 3.14 on."""

    @classmethod
    def fromisoformat(cls, text):
        at = datetime.fromisoformat(text.replace("T24:", "T00:"))
        return at + timedelta(days="T24:" in text)


@pytest.mark.parametrize("text", ["2020-01-01T24:00:00", "2020-01-01T24:00:00.000+00:00"])
def test_the_hour_24_is_refused_even_where_python_reads_it(text, monkeypatch):
    monkeypatch.setattr(moment, "datetime", LaxDatetime)
    assert LaxDatetime.fromisoformat(text).day == 2

    with pytest.raises(NotDeserializable):
        moment.parse(text, "at")


@given(st.text(max_size=70))
def test_parsing_raises_not_deserializable_only(text):
    try:
        moment.parse(text, "at")
    except NotDeserializable:
        pass


def test_the_second_of_two_equal_times_survives_pickling():
    twice = datetime(2020, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Paris"), fold=1)

    state = Scheduled(start_time=twice)

    assert state.start_time.utcoffset() == timedelta(hours=1)
    assert pickle.loads(pickle.dumps(state)) == state
    assert Scheduled(start_time=twice.replace(fold=0)) != state
