"""Check what is published: build both distributions, judge them, and test the source one.

`tox -e package` runs it. Arguments are those of pytest: which tests the unpacked source
distribution must pass; without any, a sample that reads every folder it holds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
SAMPLE = [
    "tests/test_readme.py",
    "tests/test_contributing.py",
    "tests/test_packaging.py",
    "tests/test_pages.py",
    "tests/test_pictures.py",
    "tests/test_examples.py",
    "tests/test_exports.py",
    "tests/test_traces.py",
    "tests/test_benchmarks.py::test_benches_are_all_tested",
    "tests/fsm/states/codec/test_wire.py",
    "tests/fsm/lifecycle",
    "tests/fsm/web/test_page.py",
    "tests/fsm/journal/test_contract.py",
    "tests/fsm/cli/test_help.py",
]


def run(*command: str | Path, cwd: Path) -> None:
    print("$", *command, flush=True)
    subprocess.run([*map(str, command)], cwd=cwd, check=True)


def missing_files(source: Path) -> list[str]:
    """The files under version control that *source* lacks."""
    try:
        listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    except (OSError, subprocess.CalledProcessError):
        return []  # no checkout, or no git: there is nothing to compare with
    return [name for name in filter(None, listed.split("\0")) if not (source / name).exists()]


def main(arguments: list[str]) -> int:
    bin_folder = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkout, dist = folder / "checkout", folder / "dist"
        leave_out = shutil.ignore_patterns(
            ".git", ".tox", ".venv", "build", "*.egg-info", ".*_cache"
        )
        shutil.copytree(ROOT, checkout, ignore=leave_out)
        run(sys.executable, "-m", "build", "--outdir", dist, checkout, cwd=folder)
        [wheel], [archive] = dist.glob("*.whl"), dist.glob("*.tar.gz")
        run(bin_folder / "twine", "check", "--strict", wheel, archive, cwd=folder)
        run(bin_folder / "check-wheel-contents", "--toplevel", "fsm,states", wheel, cwd=folder)
        run(bin_folder / "pyroma", "--min", "10", archive, cwd=folder)
        with tarfile.open(archive) as packed:
            packed.extractall(folder / "source", filter="data")
        [source] = (folder / "source").iterdir()
        if missing := missing_files(source):
            print("the source distribution lacks", *missing, file=sys.stderr)
            return 1
        environment = {**os.environ, "PYTHONSAFEPATH": "1"}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "auto"]
        command += arguments or SAMPLE
        print("$", *command, flush=True)
        return subprocess.run(command, cwd=source, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
