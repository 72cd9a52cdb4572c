"""Two whole demos on the real records."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from states import Cached, Mapped, Skipped, Success

from .conftest import Performed, rows_of


def test_both_come_to_a_good_end(first: Performed, second: Performed) -> None:
    assert (first.code, second.code) == (0, 0)
    assert all(run.state.is_successful() for run in second.runs().values())


def test_a_generation_is_of_forty_runs(first: Performed) -> None:
    ids = [id for id in first.runs() if id.split("/")[0] == "demo-1"]

    assert len(ids) == 40
    assert "40/40" in first.text


def test_the_figures_are_those_that_pandas_finds(first: Performed, records: Path) -> None:
    pandas: Any = pytest.importorskip("pandas")
    year = pandas.read_csv(records / "flights.csv.zip")
    names = pandas.read_csv(records / "airlines.csv").set_index("carrier")["name"]

    written = {row["carrier"]: row for row in rows_of(first.directory / "demo-1" / "report.csv")}

    assert (len(year), int(year.dep_time.isna().sum())) == (336_776, 8_255)
    assert "336,776 flights" in first.text
    assert "8,255 were cancelled" in first.text
    assert f"{year.dep_delay.mean():.2f}" in first.text
    assert f"{year.arr_delay.mean():.2f}" in first.text
    assert len(written) == year.carrier.nunique() == 16
    for carrier, group in year.groupby("carrier"):
        row = written[carrier]
        assert row["airline"] == names[carrier]
        assert int(row["flights"]) == len(group)
        assert int(row["cancelled"]) == group.dep_time.isna().sum()
        assert int(row["diverted"]) == (group.arr_delay.isna() & group.dep_time.notna()).sum()
        assert float(row["mean_departure_delay"]) == pytest.approx(group.dep_delay.mean(), abs=1e-4)
        assert float(row["mean_arrival_delay"]) == pytest.approx(group.arr_delay.mean(), abs=1e-4)


def test_carriers_come_latest_first(first: Performed) -> None:
    rows = rows_of(first.directory / "demo-1" / "report.csv")

    delays = [float(row["mean_departure_delay"]) for row in rows]

    assert delays == sorted(delays, reverse=True)


def test_months_add_up_to_what_pandas_finds(first: Performed, records: Path) -> None:
    pandas: Any = pytest.importorskip("pandas")
    months = pandas.read_csv(records / "flights.csv.zip").groupby("month").size()

    cleaned = first.run("demo-1/clean").state.result

    assert [month["flights"] for month in cleaned] == list(months)


def test_weather_is_joined_as_pandas_joins_it(first: Performed, records: Path) -> None:
    pandas: Any = pytest.importorskip("pandas")
    hour = ["origin", "year", "month", "day", "hour"]
    weather = pandas.read_csv(records / "weather.csv")
    joined = pandas.read_csv(records / "flights.csv.zip").merge(weather, on=hour)
    of_day = joined[(joined.month == 2) & (joined.day == 8)]

    found = first.run("demo-1/weather[0]").state.result

    assert (found["flights"], found["wet"]) == (len(of_day), (of_day.precip > 0).sum())


EVENTS = {
    "load": "start fail retry start succeed",
    "airports": "start time_out retry start succeed",
    "airlines": "start succeed cache",
    "planes": "start loop iterate start loop iterate start loop iterate start succeed",
    "clean": "map map",
    "clean[11]": "start succeed",
    "weather[3]": "start skip",
    "publish": "pause resume start succeed",
}


@pytest.mark.parametrize("name", EVENTS)
def test_each_kind_of_run_took_its_way(name: str, first: Performed) -> None:
    run = first.run(f"demo-1/{name}")

    assert [step.event for step in run.history] == EVENTS[name].split()


def test_the_skipped_day_says_why(first: Performed) -> None:
    state = first.run("demo-1/weather[3]").state

    assert isinstance(state, Skipped)
    assert "no weather is recorded on 2013-12-31" in str(state.message)


def test_a_second_demo_finds_the_airlines_cached(first: Performed, second: Performed) -> None:
    before, after = first.run("demo-1/airlines"), second.run("demo-2/airlines")

    assert [step.event for step in after.history] == ["cache"]
    assert isinstance(before.state, Cached)
    assert isinstance(after.state, Cached)
    assert after.state.result == before.state.result
    assert after.state.cached_result_expiration == before.state.cached_result_expiration
    assert "kept in the journal by demo-1/airlines" in second.text


def test_a_second_demo_leaves_the_first_alone(
    both: tuple[Performed, dict[str, int], Performed],
) -> None:
    _, before, second = both

    after = {id: len(run.history) for id, run in second.runs().items() if id in before}

    assert after == before


def test_faults_are_named_as_injected(first: Performed, second: Performed) -> None:
    for text in (first.text, " ".join(second.text.split())):
        assert "Injected on purpose:" in text
        assert "injected fault: the first read of flights.csv.zip fails" in text
        assert "(injected fault: its first attempt stalls past the timeout of 1 s)" in text


def test_how_the_stalled_attempt_ends_is_announced(first: Performed) -> None:
    assert "; a thread cannot be stopped, so it keeps running\n" in first.text


def test_no_thread_is_killed(first: Performed) -> None:
    assert "kill -9" not in first.text
    assert "Verdict: 40 runs finished, 0 lost, 2 retried, 0 rescued, 0 refused.\n" in first.text


def test_programs_get_the_same_verdict(first: Performed) -> None:
    counts = {"finished": 40, "lost": 0, "retried": 2, "rescued": 0, "refused": 0}
    assert first.verdict == {"demo": "demo-1", **counts, "problems": ()}


def test_the_approver_is_seen(first: Performed) -> None:
    lines = first.text.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("the approver"))

    assert "Paused" in lines[place - 1]
    assert "Resume" in lines[place + 1]


def test_a_terminal_shows_a_bar(first: Performed, second: Performed) -> None:
    assert "━" in second.text
    assert "━" not in first.text


def test_a_terminal_of_80_columns_is_wide_enough(second: Performed) -> None:
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", second.text).replace("\r", "\n")
    lines = [line for line in shown.splitlines() if str(second.directory) not in line]

    assert max(map(len, lines)) <= 80


def test_a_terminal_shows_paths_and_commands_in_one_line(second: Performed) -> None:
    journal = shlex.quote(str(second.directory / "demo.db"))

    assert f"history demo-2/load --journal {journal}\n" in second.text


def test_what_is_not_a_terminal_gets_plain_lines(first: Performed) -> None:
    assert "\x1b" not in first.text
    assert "\r" not in first.text
    assert re.search(r"^ 5/40  clean\[\d+\] +Success +\w+: [\d,]+ flights", first.text, re.M)


def test_a_directory_in_brackets_is_no_markup(first: Performed) -> None:
    assert f"{first.directory}/demo-1/report.csv" in first.text
    assert first.directory.name == "[bold red]x"


def test_every_file_named_is_there(first: Performed) -> None:
    _, _, written = first.text.partition("Written:\n")
    paths = [line.strip() for line in written.partition("\n\n")[0].splitlines()]

    assert [Path(path).name for path in paths if not path.endswith("lifecycle.svg")] == [
        "report.csv",
        "lifecycle.mmd",
        "report.html",
        "timeline.svg",
        "demo.db",
    ]
    assert all(Path(path).stat().st_size for path in paths)
    assert (first.directory / "lifecycle.mmd").read_text().startswith("stateDiagram-v2")


def test_the_timeline_shows_the_runs_of_the_generation(second: Performed) -> None:
    chart = (second.directory / "timeline.svg").read_text("utf-8")

    assert chart.startswith("<svg")
    assert "demo-2/load: " in chart
    assert "demo-1/" not in chart


def test_the_report_holds_the_runs_with_their_steps(second: Performed) -> None:
    page = (second.directory / "report.html").read_text("utf-8")

    assert page.startswith("<!DOCTYPE html>")
    assert '"demo-1/load"' in page
    assert '"demo-2/load"' in page


def commands(text: str) -> list[str]:
    """The commands that a demo prints at its end."""
    _, _, following = text.partition("\nNext: ")
    return re.findall(r"^  (.*(?: history | demo).*)$", following, re.M)


def test_the_next_commands_work_as_printed(first: Performed, tmp_path: Path) -> None:
    history, again = commands(first.text)
    shutil.copytree(first.directory, tmp_path / "copy")

    read = subprocess.run(history, shell=True, capture_output=True, text=True, check=False)
    again = again.replace(shlex.quote(str(first.directory)), str(tmp_path / "copy"))
    done = subprocess.run(again, shell=True, capture_output=True, text=True, check=False)

    assert (read.returncode, read.stderr) == (0, "")
    assert "injected fault: the first read of flights.csv.zip fails" in read.stdout
    assert (done.returncode, done.stderr) == (0, "")
    assert "Verdict: 40 runs finished" in done.stdout


PROGRAM = """#!{python}
import sys
from pathlib import Path
from fsm.demo.ending import repeat_command
from fsm.demo.folder import Folder

print(" ".join(sys.argv[1:]) or repeat_command(Folder(Path("fsm-demo")), "process"))
"""


@pytest.mark.parametrize(
    ("folder", "started", "path", "printed"),
    [
        (".venv/bin", ".venv/bin/fsm", "", ".venv/bin/fsm"),
        (".venv/bin", "./.venv/bin/fsm", "", ".venv/bin/fsm"),
        (".venv/bin", "fsm", ".venv/bin", "fsm"),
        ("my tools", "'my tools/fsm'", "", "'my tools/fsm'"),
        (".", "./fsm", "", "./fsm"),
    ],
)
def test_the_program_is_named_as_the_shell_finds_it(
    folder: str, started: str, path: str, printed: str, tmp_path: Path
) -> None:
    script = tmp_path / folder / "fsm"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(PROGRAM.format(python=sys.executable))
    script.chmod(0o755)

    def run(command: str) -> str:
        searched = f"{tmp_path / path}:/usr/bin:/bin" if path else "/usr/bin:/bin"
        return subprocess.run(
            command,
            shell=True,
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": searched},
        ).stdout.strip()

    command = run(started)

    assert command == f"{printed} demo --executor process"
    assert run(command) == "demo --executor process"


def test_only_the_report_stays_of_a_generation(first: Performed, second: Performed) -> None:
    left = [
        [file.name for file in (second.directory / id).iterdir()] for id in ("demo-1", "demo-2")
    ]

    assert left == [["report.csv"], ["report.csv"]]


def test_results_in_the_journal_are_small(second: Performed) -> None:
    database = sqlite3.connect(second.directory / "demo.db")
    (largest,) = database.execute("SELECT max(length(payload)) FROM steps").fetchone()
    database.close()

    assert largest < 8_000


def test_a_mapping_knows_its_children(first: Performed) -> None:
    state = first.run("demo-1/tally").state

    assert isinstance(state, Mapped)
    assert [type(child) for child in state.map_states] == [Success] * 12
