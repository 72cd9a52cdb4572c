"""The pure functions on rows."""

from __future__ import annotations

import csv

import pytest

from fsm.demo import flights
from fsm.demo.flights import Flight, Tally

HEADER = ["month", "day", "hour", "carrier", "origin", "dest", "dep_delay", "arr_delay"]


def made(*delays: int | None, carrier: str = "AA", hour: int = 6) -> Flight:
    return Flight(1, 2, hour, carrier, "JFK", "LAX", *delays)


def test_cleaning_finds_columns_by_their_names() -> None:
    rows = iter([["extra", *HEADER], ["?", "1", "2", "6", "AA", "JFK", "LAX", "-3", "NA"]])

    assert list(flights.clean(rows)) == [made(-3, None)]


@pytest.mark.parametrize("header", [[], HEADER[1:]])
def test_a_missing_column_is_an_error(header: list[str]) -> None:
    with pytest.raises(ValueError, match="month"):
        flights.clean(iter([header]))


def test_a_word_in_place_of_a_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="soon"):
        list(flights.clean(iter([HEADER, ["1", "2", "6", "AA", "JFK", "LAX", "soon", "NA"]])))


def test_what_was_cleaned_reads_back(tmp_path) -> None:
    kept = [made(5, -7), made(None, None), made(3, None)]
    with (tmp_path / "kept.csv").open("w", newline="") as text:
        csv.writer(text).writerows(kept)

    with (tmp_path / "kept.csv").open(newline="") as text:
        assert list(flights.parse(csv.reader(text))) == kept


def test_a_tally_tells_cancelled_from_diverted() -> None:
    counted = flights.tally([made(5, -7), made(None, None), made(3, None)], lambda _: "all")

    assert counted == {"all": Tally(3, 1, 1, 8, -7)}
    assert (counted["all"].departure, counted["all"].arrival) == (4.0, -7.0)


def test_without_departures_there_is_no_mean() -> None:
    assert (Tally(1, 1).departure, Tally(1, 1).arrival) == (None, None)


def test_a_total_adds_up() -> None:
    assert flights.total([Tally(1, 2, 3, 4, 5), Tally(10, 20, 30, 40, 50)]) == Tally(
        11, 22, 33, 44, 55
    )


def test_a_total_of_nothing_is_nothing() -> None:
    assert flights.total([]) == Tally()


def test_weather_is_that_of_the_day() -> None:
    header = ["origin", "month", "day", "hour", "precip"]
    rows = [header, ["JFK", "1", "2", "6", "0.5"], ["JFK", "1", "2", "7", "NA"]]

    hours = flights.hours_of_weather(iter([*rows, ["JFK", "1", "3", "6", "9"]]), 1, 2)

    assert hours == {("JFK", 6): 0.5, ("JFK", 7): 0.0}


def test_flights_join_the_weather_of_their_hour() -> None:
    known = {("JFK", 6): 0.5, ("JFK", 7): 0.0}

    joined = flights.day_of_weather([made(1, 2), made(3, 4, hour=7), made(5, 6, hour=8)], known)

    assert (joined["flights"], joined["wet"], joined["departure_minutes"]) == (2, 1, 4)


def test_pages_of_planes_add_up() -> None:
    page = [["N1", "2000", "", "BOEING"], ["N2", "NA", "", "AIRBUS"]]

    once = flights.fleet(page)

    assert once == {"planes": 2, "dated": 1, "years": 2000, "makers": {"BOEING": 1, "AIRBUS": 1}}
    assert flights.fleet(page, once)["makers"] == {"BOEING": 2, "AIRBUS": 2}
    assert once["planes"] == 2
