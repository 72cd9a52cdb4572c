"""A point in time: an aware `pendulum.DateTime`, or the microseconds since 1970 it stands for."""

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
_LONGEST = 64  # characters of a written moment; real ones have 32 or fewer

# The gate admits what `datetime.fromisoformat` reads one way only, in every version of Python.
# It is never the parser: the parser also takes week dates, basic format, and times cut short,
# from 3.14 on the hour 24, and in offsets 60 minutes and more.
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_GATE = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK}:[0-5][0-9](?:\.[0-9]{{1,32}})?"
    rf"(?:Z|[+-]{_CLOCK}(?::[0-5][0-9])?)?"
)


def to_micros(moment: datetime) -> int:
    """Count the microseconds from 1970 in UTC to an aware *moment*, exactly."""
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
    """Make the moment in UTC that many microseconds after 1970."""
    try:
        at = _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        raise InvalidPayload(
            f"{micros} microseconds after 1970 is outside of years 1 to 9999", "moment"
        ) from None
    return _rebuilt(at, pendulum.UTC)


def years_after(moment: pendulum.DateTime, years: int) -> pendulum.DateTime:
    """Move *moment* by whole calendar years; 29 February becomes the 28th where it must.

    Raises:
        ValueError: That is past year 9999.
    """
    year = moment.year + years
    leaps = moment.month == 2 and moment.day == 29 and not isleap(year)
    at = datetime.replace(moment, year=year, day=28 if leaps else moment.day)
    return _rebuilt(at, moment.tzinfo or pendulum.UTC)


def as_moment(value: Any, field: str) -> pendulum.DateTime:
    """Take a datetime as the moment it means: naive is UTC, an aware one keeps its zone.

    Raises:
        InvalidPayload: It is no datetime, or its zone does not answer.
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
            return _rebuilt(value, zone)
        moment = value if _is_ours(value, zone) else _rebuilt(value, zone)
        to_micros(moment)
    except Exception as error:  # a tzinfo is the caller's code and may raise anything
        raise InvalidPayload(
            f"{field} has a tzinfo that cannot say its offset: {type(error).__name__}", field
        ) from error
    return moment  # type: ignore[return-value]  # _is_ours says it is pendulum's


def _is_twice(value: datetime, zone: tzinfo) -> bool:
    """Whether the clock on the wall shows this time a second time, as in autumn."""
    wall = datetime(*value.timetuple()[:6], tzinfo=zone)
    return wall.utcoffset() != wall.replace(fold=1).utcoffset()


def _is_ours(value: datetime, zone: tzinfo) -> bool:
    return type(value) is pendulum.DateTime and value.tzinfo is zone


def _rebuilt(value: datetime, zone: tzinfo) -> pendulum.DateTime:
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
    """Say *value*'s zone in pendulum's terms; one it does not know becomes a fixed offset."""
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
        return timezone(offset)  # no ISO text has room for it: as_moment makes it UTC
    return FixedTimezone(offset.days * 86400 + offset.seconds) if offset else pendulum.UTC


def parse(text: object, field: str) -> pendulum.DateTime:
    """Read an ISO 8601 moment: date, `T` or space, time to the second, and an offset or `Z`.

    Without an offset it is UTC. Fractions past the microsecond are cut.

    Raises:
        NotDeserializable: It is anything else.
    """
    if type(text) is not str or len(text) > _LONGEST or not _GATE.fullmatch(text):
        raise NotDeserializable(_not_a_moment(text, field), field)
    try:
        at = datetime.fromisoformat(text)
        return _rebuilt(at, _as_zone(at))
    except ValueError:
        raise NotDeserializable(_not_a_moment(text, field), field) from None


def _not_a_moment(text: object, field: str) -> str:
    shown = repr(text[:_LONGEST]) if type(text) is str else type(text).__name__
    return f"{field} is {shown}; write a moment such as '2020-05-14T21:12:00+00:00'"


def format(moment: datetime) -> str:
    """Write a moment as the reference does: ISO 8601 with its offset, its zone's name lost."""
    if moment.tzinfo is pendulum.UTC:  # to ask it for its offset takes as long again
        return f"{_date(moment).isoformat()}T{_time(moment).isoformat()}+00:00"
    return moment.isoformat()
