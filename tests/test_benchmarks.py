"""Every bench runs; what it measures is not judged here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent

# The tables of each bench, and who is in them whatever peers are installed.
BOTH = {"hand-written", "ours"}
BENCHES: dict[str, dict[str, set[str]]] = {
    "trigger": {
        "a bare step": {*BOTH, "transitions"},
        "a full step": {*BOTH, "transitions", "transitions, shared", "transitions, locked"},
        "an async step": {*BOTH, "transitions, async"},
        "a refused trigger": {"ours, a step", "ours, refused", "hand-written, refused"},
    },
    "parts": {"what a step is made of": {"a full step", "the bound event", "the memory journal"}},
    "create": {
        "create a run": {*BOTH, "transitions, own machine", "transitions, shared"},
        "create and keep, ours, collector at work": {"up to 1,000", "up to 1,000,000"},
        "create and keep, ours, collector held back": {"up to 1,000", "up to 1,000,000"},
    },
    "memory": {"memory, traced": {*BOTH, "ours, one step", "transitions, own machine"}},
    "million": {
        "10,000 live runs: create": BOTH,
        "10,000 live runs: step": BOTH,
        "10,000 live runs: pause": BOTH,
    },
    "fanout": {"fan-out: all": BOTH, "fan-out grows, ours": {"1,000", "10,000", "100,000"}},
    "growth": {
        "a step in a large table": {"ours, 10 states", "ours, 100 states"},
        "make a table": {"ours, 10 states", "ours, 100 states"},
    },
    "contention": {
        "1 thread on 1 run": BOTH,
        "8 threads on 8 runs": BOTH,
        "8 threads on 1 run": {*BOTH, "transitions, locked"},
    },
    "wire": {
        "serialize a Success": BOTH,
        "deserialize a Success": BOTH,
        "serialize a Retrying": BOTH,
        "deserialize a Retrying": BOTH,
    },
    "imports": {
        "import": {"attrs, pendulum, transitions", "states", "fsm"},
        "heavy modules imported": {"fsm"},
    },
    "journal": {
        "append to memory": BOTH,
        "append to SQLite one by one": {"raw sqlite3", "ours"},
        "append to SQLite without syncs": {"raw sqlite3", "ours"},
        "append to SQLite in batches of 100": {"raw sqlite3", "ours"},
    },
    "restore": {"restore a run of 100 steps": {"hand-written, SQLite", "ours, SQLite"}},
    "diagram": {"a mermaid diagram": {"transitions, the table", "ours, the table", "ours, a run"}},
    "perform": {
        "perform a trivial task": {"bare", "the steps", "thrice bare and the steps", "ours"},
        "perform 100 side by side": {"bare", "ours"},
    },
    "workflow": {
        "Montage, 1,000 tasks": {"threads and graphlib", "ours, no journal", "ours, SQLite"},
        "Montage, 10,000 tasks": {"threads and graphlib", "ours, no journal", "ours, memory"},
        "Epigenomics, 1,000 tasks": {"threads and graphlib", "ours, no journal"},
        "Blast, 10,000 tasks": {"threads and graphlib", "ours, no journal"},
    },
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where the benchmarks are found, but not the packages beside them: those are installed."""
    folder = tmp_path_factory.mktemp("benchmarks")
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks")
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONIOENCODING": "utf-8"}


def measure(environment: dict[str, str], folder: Path, *arguments: str) -> Any:
    file = folder / "figures.json"
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--json", file, *arguments],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=120,
        check=False,
    )  # fmt: skip
    assert (ran.stderr, ran.returncode) == ("", 0)
    return json.loads(file.read_text(encoding="utf-8")), ran.stdout


@pytest.mark.parametrize("bench", BENCHES)
def test_a_bench_writes_its_figures(bench, environment, tmp_path):
    written, printed = measure(environment, tmp_path, bench)

    tables = {table["title"]: table for table in written["benches"][bench]}
    assert tables.keys() >= BENCHES[bench].keys()
    for title, expected in BENCHES[bench].items():
        table = tables[title]
        assert table["figures"].keys() >= expected
        assert table["against"] in table["figures"]
        assert f"{title} [{table['unit']}]" in printed
        for figure in table["figures"].values():
            assert figure["spread"][0] <= figure["median"] <= figure["spread"][1]


def test_what_is_not_measured_is_said(environment, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['cattrs'] = None\n")
    hidden = os.pathsep.join([str(tmp_path), environment.get("PYTHONPATH", "")])

    written, printed = measure(environment | {"PYTHONPATH": hidden}, tmp_path, "wire")

    cattrs = [each for each in written["reach"] if "cattrs" in each["what"]]
    assert [each["met"] for each in cattrs] == [None, None]
    assert "not measured" in printed


def test_benches_are_all_tested(environment, tmp_path):
    code = "import json; from benchmarks.program import BENCHES; print(json.dumps(BENCHES))"

    printed = subprocess.check_output(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, encoding="utf-8"
    )

    assert json.loads(printed) == list(BENCHES)


def test_a_bench_that_is_not_there_is_named(environment, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nonsense"],
        cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=60,
        check=False,
    )  # fmt: skip

    assert ran.returncode == 2
    assert "'nonsense' is not one of" in ran.stderr
