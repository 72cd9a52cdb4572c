"""`states` is a short name and nothing else: `import fsm` works whoever else uses that name."""

from __future__ import annotations

import ast
import base64
import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import fsm
import states
from fsm import states as home

ROOT = Path(fsm.__file__).parent.parent

ALL_OF_FSM = """
import importlib, pkgutil, fsm
for name in fsm.__all__:
    getattr(fsm, name)
for module in pkgutil.walk_packages(fsm.__path__, "fsm."):
    if module.name != "fsm.__main__":
        importlib.import_module(module.name)
"""
A_RUN = """
from fsm import TaskRun
from fsm.states import Running, Success
run = TaskRun("load")
assert type(run.start()) is Running
assert type(run.succeed(result=3)) is Success
"""
THEIRS = "import states; assert states.IDLE == 'idle', states"
OURS = "import states, fsm.states; assert states.Success is fsm.states.Success"


def test_both_names_lead_to_the_same_classes() -> None:
    assert states.__all__ == home.__all__
    assert [name for name in home.__all__ if getattr(states, name) is not getattr(home, name)] == []


def test_no_module_of_fsm_imports_the_short_name() -> None:
    imported = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "fsm").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        if name.partition(".")[0] == "states"
    }

    assert imported == set()


def write_wheel(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    """Write a wheel as PyPA's specification of the binary distribution format says."""
    info = f"{name}-1.0.dist-info"
    files = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for place, content in files.items():
            wheel.writestr(place, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            record += f"{place},sha256={digest.decode()},{len(content)}\n"
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


@pytest.fixture(scope="module")
def our_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of `fsm` and `states`."""
    files = {
        str(path.relative_to(ROOT)): path.read_bytes()
        for package in ("fsm", "states")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return write_wheel(tmp_path_factory.mktemp("ours"), "runstates", files)


@pytest.fixture(scope="module")
def their_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of another distribution with a top-level package `states`."""
    files = {"states/__init__.py": b"IDLE = 'idle'\n", "states/machine.py": b""}
    return write_wheel(tmp_path_factory.mktemp("theirs"), "states", files)


class Environment:
    """A virtual environment that also sees what the tests have installed, but for its own."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, symlinks=os.name != "nt")
        self.python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        self.folder = folder
        # A path that a .pth file names comes last, and the .pth files in it are not read.
        paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        site = sysconfig.get_path("purelib", "venv", {"base": str(folder)})
        (Path(site) / "installed.pth").write_text("\n".join(paths), encoding="utf-8")

    def pip(self, *words: str | Path) -> None:
        self._call(sys.executable, "-m", "pip", "--python", self.python, *words)

    def install(self, wheel: Path) -> None:
        self.pip("install", "-q", "--no-deps", "--no-index", "--no-compile", "-I", wheel)

    def run(self, program: str) -> None:
        """Run a program that lies in a folder of its own."""
        (self.folder / "app.py").write_text(f"{program}\nimport fsm; print(fsm.__file__)", "utf-8")
        origin = self._call(self.python, self.folder / "app.py").strip()
        assert Path(origin).is_relative_to(self.folder), "the installed fsm is tested, no other"

    def _call(self, *words: str | Path) -> str:
        hides = ("PYTHONPATH", "PYTHONSAFEPATH")  # the second leaves out the program's own folder
        environ = {name: value for name, value in os.environ.items() if name not in hides}
        done = subprocess.run(
            words, cwd=self.folder, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    pytest.importorskip("pip")
    return Environment(tmp_path)


def test_fsm_works_beside_another_distribution_called_states_installed_after_it(
    environment: Environment, our_wheel: Path, their_wheel: Path
) -> None:
    environment.install(our_wheel)
    environment.run(A_RUN + OURS)

    environment.install(their_wheel)
    environment.run(A_RUN + THEIRS)

    environment.pip("uninstall", "-q", "-y", "states")
    environment.run(
        A_RUN + "import importlib.util as u; assert u.find_spec('states.machine') is None"
    )


def test_fsm_works_beside_another_distribution_called_states_installed_before_it(
    environment: Environment, our_wheel: Path, their_wheel: Path
) -> None:
    environment.install(their_wheel)
    environment.install(our_wheel)
    environment.run(A_RUN + OURS)

    environment.pip("uninstall", "-q", "-y", "states")
    environment.run(A_RUN + ALL_OF_FSM)


def test_fsm_works_beside_a_users_own_module_called_states(
    environment: Environment, our_wheel: Path
) -> None:
    environment.install(our_wheel)

    (environment.folder / "states.py").write_text("IDLE = 'idle'\n", "utf-8")
    environment.run(THEIRS + A_RUN + ALL_OF_FSM + THEIRS)

    (environment.folder / "states").mkdir()
    (environment.folder / "states.py").rename(environment.folder / "states" / "__init__.py")
    environment.run(THEIRS + A_RUN)
