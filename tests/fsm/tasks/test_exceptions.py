"""Names of exception classes: of exceptions, and of the records of exceptions."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fsm.errors import InvalidArgument
from fsm.states.exceptions import ExceptionRecord, record_exception
from fsm.tasks.exceptions import as_exception_names, names_of


class Outer:
    class Flaky(ConnectionError):
        """Nested, as a module's names may be."""


def test_classes_and_names_mean_the_same() -> None:
    assert as_exception_names([OSError, Outer.Flaky]) == as_exception_names(
        ["OSError", f"{__name__}.Outer.Flaky"]
    )


def test_one_class_or_name_may_stand_alone() -> None:
    assert (
        as_exception_names(OSError)
        == as_exception_names("OSError")
        == as_exception_names([OSError])
        == ("OSError",)
    )


def test_no_exceptions_have_no_names() -> None:
    assert as_exception_names([]) == ()


def test_an_alias_of_a_builtin_is_replaced_by_its_name() -> None:
    assert as_exception_names(["builtins.IOError", "EnvironmentError", OSError]) == ("OSError",)


def test_a_class_within_a_function_has_a_name_too() -> None:
    class Mine(Exception):
        """Of this function."""

    assert (
        as_exception_names(as_exception_names(Mine))
        == as_exception_names(Mine)
        == names_of(Mine())[:1]
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("ConectionError", "did you mean 'ConnectionError'"),
        ("Timeout", "write other exceptions with their module"),
        ("print", "no builtin exception"),
        ("", "no builtin exception"),
        ("a..b", "cannot be the name of an exception"),
        ("a.b c", "cannot be the name of an exception"),
        (int, "an exception class or its name"),
        ([5], "an exception class or its name"),
        (5, "exception classes or their names"),
        (ValueError(), "exception classes or their names"),
    ],
    ids=str,
)
def test_what_cannot_name_an_exception_is_refused(value: Any, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        as_exception_names(value)


@pytest.mark.parametrize("error", [ConnectionResetError("x"), Outer.Flaky("x")], ids=repr)
def test_a_record_has_the_names_of_its_error(error: Exception) -> None:
    assert names_of(record_exception(error)) == names_of(error)
    assert names_of(error)[0] == record_exception(error).type
    assert {"ConnectionError", "OSError", "Exception"} < set(names_of(error))


@pytest.mark.parametrize(
    "name",
    ["nowhere.Error", "Lost", "os.path", "sys.path.x", f"{__name__}.test.<locals>.E", "", "."],
)
def test_a_record_of_an_unknown_class_has_one_name(name: str) -> None:
    assert names_of(ExceptionRecord(name, "text")) == (name,)


@pytest.mark.parametrize("value", [None, 5, "ValueError", ValueError], ids=repr)
def test_what_is_not_an_error_has_no_names(value: Any) -> None:
    assert names_of(value) == ()


def test_no_module_is_imported_for_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "never_wanted.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)

    names_of(ExceptionRecord("never_wanted.Error", "text"))
    as_exception_names("never_wanted.Error")

    assert "never_wanted" not in sys.modules


def test_a_lazy_module_is_not_imported_for_a_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "lazy_one.py"
    path.write_text("raise SystemExit('imported')")
    spec = importlib.util.spec_from_file_location("lazy_one", path)
    assert spec is not None
    assert spec.loader is not None
    loader = importlib.util.LazyLoader(spec.loader)
    lazy = importlib.util.module_from_spec(spec)
    loader.exec_module(lazy)
    monkeypatch.setitem(sys.modules, "lazy_one", lazy)

    assert names_of(ExceptionRecord("lazy_one.Error", "text")) == ("lazy_one.Error",)


def test_the_getattr_of_a_module_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("makes_up")
    module.__getattr__ = lambda name: pytest.fail(f"asked for {name}")
    monkeypatch.setitem(sys.modules, "makes_up", module)

    assert names_of(ExceptionRecord("makes_up.Error", "text")) == ("makes_up.Error",)
