"""Kinds: exceptions by name, the living and those of which a record is left."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fsm import InvalidArgument
from fsm.states.exceptions import ExceptionRecord, recorded
from fsm.tasks.exceptions import as_kinds, kinds_of


class Outer:
    class Flaky(ConnectionError):
        """Nested, as a module's names may be."""


def test_classes_and_names_mean_the_same() -> None:
    assert as_kinds([OSError, Outer.Flaky]) == as_kinds(["OSError", f"{__name__}.Outer.Flaky"])


def test_one_alone_will_do() -> None:
    assert as_kinds(OSError) == as_kinds("OSError") == as_kinds([OSError]) == ("OSError",)


def test_none_are_none() -> None:
    assert as_kinds([]) == ()


def test_a_builtin_goes_by_its_proper_name() -> None:
    assert as_kinds(["builtins.IOError", "EnvironmentError", OSError]) == ("OSError",)


def test_a_class_within_a_function_has_a_name_too() -> None:
    class Mine(Exception):
        """Of this function."""

    assert as_kinds(as_kinds(Mine)) == as_kinds(Mine) == kinds_of(Mine())[:1]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("ConectionError", "did you mean 'ConnectionError'"),
        ("Timeout", "goes by its module too"),
        ("print", "no builtin exception"),
        ("", "no builtin exception"),
        ("a..b", "no name of an exception"),
        ("a.b c", "no name of an exception"),
        (int, "an exception class or its name"),
        ([5], "an exception class or its name"),
        (5, "exception classes or their names"),
        (ValueError(), "exception classes or their names"),
    ],
    ids=str,
)
def test_what_names_no_exception_is_refused(value: Any, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        as_kinds(value)


@pytest.mark.parametrize("error", [ConnectionResetError("x"), Outer.Flaky("x")], ids=repr)
def test_a_record_is_of_the_kinds_its_error_was(error: Exception) -> None:
    assert kinds_of(recorded(error)) == kinds_of(error)
    assert kinds_of(error)[0] == recorded(error).type
    assert {"ConnectionError", "OSError", "Exception"} < set(kinds_of(error))


@pytest.mark.parametrize(
    "name",
    ["nowhere.Error", "Lost", "os.path", "sys.path.x", f"{__name__}.test.<locals>.E", "", "."],
)
def test_a_record_of_an_unknown_class_is_of_its_own_kind_alone(name: str) -> None:
    assert kinds_of(ExceptionRecord(name, "text")) == (name,)


@pytest.mark.parametrize("value", [None, 5, "ValueError", ValueError], ids=repr)
def test_what_is_no_error_is_of_no_kind(value: Any) -> None:
    assert kinds_of(value) == ()


def test_no_module_is_imported_for_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "never_wanted.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)

    kinds_of(ExceptionRecord("never_wanted.Error", "text"))
    as_kinds("never_wanted.Error")

    assert "never_wanted" not in sys.modules


def test_no_lazy_module_is_imported_either(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "lazy_one.py"
    path.write_text("raise SystemExit('imported')")
    spec = importlib.util.spec_from_file_location("lazy_one", path)
    assert spec is not None
    assert spec.loader is not None
    loader = importlib.util.LazyLoader(spec.loader)
    lazy = importlib.util.module_from_spec(spec)
    loader.exec_module(lazy)
    monkeypatch.setitem(sys.modules, "lazy_one", lazy)

    assert kinds_of(ExceptionRecord("lazy_one.Error", "text")) == ("lazy_one.Error",)


def test_a_module_that_makes_its_names_up_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("makes_up")
    module.__getattr__ = lambda name: pytest.fail(f"asked for {name}")
    monkeypatch.setitem(sys.modules, "makes_up", module)

    assert kinds_of(ExceptionRecord("makes_up.Error", "text")) == ("makes_up.Error",)
