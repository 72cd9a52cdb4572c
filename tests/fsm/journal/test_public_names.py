"""Public names of journals say where they are public; their annotations resolve."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from fsm import journal
from fsm.journal.postgres.journal import SQLJournal
from fsm.journal.sqlite.journal import SQLiteJournal

IN_FSM = {"Journal", "MemoryJournal", "open_journal"}
STORES = [SQLiteJournal, SQLJournal]


def functions(value: Any) -> Iterator[Any]:
    """A function itself; of a class its constructor and its public methods and properties."""
    if inspect.isfunction(value):
        yield value
    elif isinstance(value, type):
        for name, member in inspect.getmembers(value):
            function = member.fget if isinstance(member, property) else member
            function = getattr(function, "__func__", function)
            if inspect.isfunction(function) and (name == "__init__" or name[0] != "_"):
                yield function


@pytest.mark.parametrize("name", sorted(set(journal.__all__) - {"LifecycleLike"}))
def test_a_public_name_says_where_it_is_public(name: str) -> None:
    assert getattr(journal, name).__module__ == ("fsm" if name in IN_FSM else "fsm.journal")


@pytest.mark.parametrize("value", [*map(journal.__getattr__, journal.__all__), *STORES])
def test_annotations_of_a_public_name_resolve(value: Any) -> None:
    if isinstance(value, type):
        typing.get_type_hints(value)
    for function in functions(value):
        typing.get_type_hints(function)


@pytest.mark.parametrize("value", [*map(journal.__getattr__, journal.__all__), *STORES])
def test_a_public_name_has_a_docstring(value: Any) -> None:
    missing = [each for each in (value, *functions(value)) if not inspect.getdoc(each)]

    assert [each for each in missing if "init" not in each.__name__] == []


def test_unknown_names_are_not_exported() -> None:
    assert set(journal.__all__) <= set(dir(journal))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        journal.nothing  # noqa: B018


@pytest.mark.parametrize(
    "module", ["base", "claims", "opening", "queries", "records", "heartbeat", "deadlines"]
)
def test_each_module_can_be_imported_first(module: str) -> None:
    program = (
        # What measures the coverage of a subprocess has loaded sqlite3 before.
        f"import sys; before = set(sys.modules); import fsm.journal.{module}; "
        "loaded = sys.modules.keys() - before; "
        "sys.exit(any(name in loaded for name in ('sqlite3', 'sqlalchemy', 'psycopg')))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
