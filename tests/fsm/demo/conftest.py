"""What the tests of the demo share: two generations of it on the real records, and small ones."""

from __future__ import annotations

import csv
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from rich.console import Console

from fsm import TaskRun, open_journal
from fsm.demo import pipeline, run_demo
from fsm.demo.dataset import PACKAGE, Dataset

HASTY = {"max_retries": 5, "timeout": 0.2}  # so that nobody waits long for the stalled attempt
HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,"
    "flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour"
)


@attrs.frozen
class Performed:
    """What a demo has printed and left behind."""

    code: int
    text: str
    directory: Path
    verdict: dict[str, Any] | None = None

    def run(self, id: str) -> TaskRun:
        """A run as the journal has it."""
        return self.runs()[id]

    def runs(self) -> dict[str, TaskRun]:
        """All the runs that the journal has."""
        journal = open_journal(self.directory.absolute() / "demo.db")
        try:
            ids = [summary.run for summary in journal.runs()]
            return {id: TaskRun.restore(id, journal) for id in ids}
        finally:
            journal.close()


def perform(
    directory: Path, *, executor: str = "thread", fresh: bool = False, terminal: bool = False
) -> Performed:
    """Perform a demo in this process."""
    output = io.StringIO()
    console = Console(file=output, width=80, force_terminal=terminal, color_system=None)
    verdicts: list[dict[str, Any]] = []
    code = run_demo(directory, console, executor=executor, fresh=fresh, report=verdicts.append)
    return Performed(code, output.getvalue(), directory, *verdicts)


@pytest.fixture(scope="session")
def records() -> Path:
    """The folder of the real records."""
    if importlib.util.find_spec(PACKAGE) is None:
        pytest.skip("the extra `demo` is not installed")
    return Dataset.locate().folder


@pytest.fixture(scope="session")
def both(
    records: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Performed, dict[str, int], Performed]:
    """Two generations in one directory, and the steps that the first had before the second."""
    directory = tmp_path_factory.mktemp("demo") / "[bold red]x"
    first = perform(directory)
    steps = {id: len(run.history) for id, run in first.runs().items()}
    return first, steps, perform(directory, terminal=True)


@pytest.fixture(scope="session")
def first(both: tuple[Performed, dict[str, int], Performed]) -> Performed:
    """The first of them, on what is no terminal."""
    return both[0]


@pytest.fixture(scope="session")
def second(both: tuple[Performed, dict[str, int], Performed]) -> Performed:
    """The second of them, on a terminal."""
    return both[2]


@pytest.fixture(scope="session")
def by_processes(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Performed:
    """One generation on processes, of which one is killed."""
    return perform(tmp_path_factory.mktemp("processes"), executor="process")


@pytest.fixture(scope="session")
def by_dask(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Performed:
    """One on a Dask cluster, of whose workers one is killed."""
    pytest.importorskip("distributed")
    return perform(tmp_path_factory.mktemp("dask"), executor="dask")


def flight(month: int, dep_delay: str = "1", arr_delay: str = "2", carrier: str = "AA") -> str:
    """One row of flights.csv."""
    late = f"{dep_delay},0,0,{arr_delay}"
    return f"2013,{month},1,NA,0,{late},{carrier},1,N1,JFK,LAX,1,1,6,0,2013-01-01T11:00:00Z"


def write_records(folder: Path, rows: list[str]) -> None:
    """Write small tables of the real shape."""
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", "\n".join([HEADER, *rows]) + "\n")
    tables = {
        "airlines": ["carrier,name", "AA,American [bold]Airlines[/bold]"],
        "airports": ["faa,name,lat", "LAX,Los Angeles,0"],
        "planes": ["tailnum,year,type,manufacturer", "N1,2001,x,BOEING", "N2,NA,x,AIRBUS"],
        "weather": ["origin,year,month,day,hour,precip", "JFK,2013,7,4,6,0.1"],
    }
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of small records, one flight a month, that the demo takes for the real ones."""
    folder = tmp_path / "records"
    folder.mkdir()
    write_records(folder, [flight(month) for month in range(1, 13)])
    monkeypatch.setattr(Dataset, "locate", classmethod(lambda cls: cls(folder)))
    monkeypatch.setattr(pipeline, "POLICIES", {**pipeline.POLICIES, "airports": HASTY})
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))
