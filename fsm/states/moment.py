"""Points in time: aware `pendulum.DateTime`, microseconds since 1970 in UTC, ISO 8601 text."""

from __future__ import annotations

import re
from calendar import isleap
from datetime import UTC as STDLIB_UTC
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
from pendulum.tz.timezone import FixedTimezone, Timezone

from .errors import InvalidPayload, NotDeserializable

_EPOCH = datetime(1970, 1, 1)
_EPOCH_DAY = _EPOCH.toordinal()
_date, _time = datetime.date, datetime.time
_LONGEST = 64  # characters of a written moment; valid ones have 32 or fewer

# The pattern admits what `datetime.fromisoformat` reads one way only, in every version of Python.
# It is never the parser: the parser also takes week dates, basic format, and times cut short,
# from 3.14 on the hour 24, and in offsets 60 minutes and more.
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_PATTERN = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK}:[0-5][0-9](?:\.[0-9]{{1,32}})?"
    rf"(?:Z|[+-]{_CLOCK}(?::[0-5][0-9])?)?"
)


def to_micros(moment: datetime) -> int:
    """Return the microseconds from 1970 in UTC to an aware *moment*, exactly."""
    seconds = (
        (moment.toordinal() - _EPOCH_DAY) * 86400
        + moment.hour * 3600
        + moment.minute * 60
        + moment.second
    )
    micros = seconds * 1_000_000 + moment.microsecond
    if moment.tzinfo is pendulum.UTC:
        return micros
    offset = moment.utcoffset()
    if offset is None:
        raise InvalidPayload("a naive datetime is no point in time; give it a tzinfo", "moment")
    return micros - (offset.days * 86400 + offset.seconds) * 1_000_000 - offset.microseconds


def from_micros(micros: int) -> pendulum.DateTime:
    """Return the moment so many microseconds after 1970, in UTC."""
    try:
        at = _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        raise InvalidPayload(
            f"{micros} microseconds after 1970 is outside of years 1 to 9999", "moment"
        ) from None
    return _build(at, pendulum.UTC)


def years_after(moment: pendulum.DateTime, years: int) -> pendulum.DateTime:
    """Add calendar years to *moment*; 29 February becomes the 28th in a year without one.

    Raises:
        ValueError: The year is past 9999.
    """
    year = moment.year + years
    leaps = moment.month == 2 and moment.day == 29 and not isleap(year)
    at = datetime.replace(moment, year=year, day=28 if leaps else moment.day)
    return _build(at, moment.tzinfo or pendulum.UTC)


def as_moment(value: Any, field: str) -> pendulum.DateTime:
    """Convert a datetime to pendulum's: a naive one is taken as UTC, an aware one keeps its zone.

    Raises:
        InvalidPayload: It is no datetime, or its tzinfo fails.
    """
    if type(value) is pendulum.DateTime and value.tzinfo is pendulum.UTC:
        return value
    if not isinstance(value, datetime):
        raise InvalidPayload(
            f"{field} cannot hold {type(value).__name__}; give an aware datetime", field
        )
    try:
        zone = _as_zone(value)
        if isinstance(zone, timezone):
            return from_micros(to_micros(value))
        if value.fold and _is_twice(value, zone):  # pickling would take the first of the two
            zone = pendulum.FixedTimezone(int(value.utcoffset().total_seconds()))  # type: ignore[union-attr]  # aware
            return _build(value, zone)
        moment = value if _is_pendulum(value, zone) else _build(value, zone)
        to_micros(moment)
    except Exception as error:  # a tzinfo is the caller's code and may raise anything
        raise InvalidPayload(
            f"{field} has a tzinfo that fails to give its offset: {type(error).__name__}", field
        ) from error
    return moment  # type: ignore[return-value]  # _is_pendulum says it is pendulum's


def _is_twice(value: datetime, zone: tzinfo) -> bool:
    """Whether wall clocks in *zone* show this time twice, as on the last night of summer time."""
    wall = datetime(*value.timetuple()[:6], tzinfo=zone)
    return wall.utcoffset() != wall.replace(fold=1).utcoffset()


def _is_pendulum(value: datetime, zone: tzinfo) -> bool:
    return type(value) is pendulum.DateTime and value.tzinfo is zone


def _build(value: datetime, zone: tzinfo) -> pendulum.DateTime:
    # The constructor: pendulum.instance and from_timestamp cost six times as much.
    return pendulum.DateTime(
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        tzinfo=zone,
        fold=value.fold,
    )


def _as_zone(value: datetime) -> tzinfo:
    """Return pendulum's zone for that of *value*; an unknown one becomes a fixed offset."""
    zone = value.tzinfo
    if zone is None or zone is STDLIB_UTC:
        return pendulum.UTC
    if isinstance(zone, (Timezone, FixedTimezone)):
        return zone
    if isinstance(zone, ZoneInfo) and zone.key is not None:
        return pendulum.timezone(zone.key)
    offset = value.utcoffset()
    if offset is None:
        return pendulum.UTC
    if offset.microseconds:
        return timezone(offset)  # ISO 8601 cannot express it: as_moment converts to UTC
    return FixedTimezone(offset.days * 86400 + offset.seconds) if offset else pendulum.UTC


def parse(text: object, field: str) -> pendulum.DateTime:
    """Read an ISO 8601 moment: date, `T` or space, time to the second, and an offset or `Z`.

    Without an offset it is UTC. Digits after the microsecond are cut off.

    Raises:
        NotDeserializable: The text is anything else.
    """
    if type(text) is not str or len(text) > _LONGEST or not _PATTERN.fullmatch(text):
        raise NotDeserializable(_describe_bad(text, field), field)
    try:
        at = datetime.fromisoformat(text)
        return _build(at, _as_zone(at))
    except ValueError:
        raise NotDeserializable(_describe_bad(text, field), field) from None


def _describe_bad(text: object, field: str) -> str:
    given = repr(text[:_LONGEST]) if type(text) is str else type(text).__name__
    return f"{field} is {given}; write a moment such as '2020-05-14T21:12:00+00:00'"


def format(moment: datetime) -> str:
    """Write a moment as the reference system does: ISO 8601 with its offset, no zone name."""
    if moment.tzinfo is pendulum.UTC:  # asking UTC for its offset doubles the time
        return f"{_date(moment).isoformat()}T{_time(moment).isoformat()}+00:00"
    return moment.isoformat()
