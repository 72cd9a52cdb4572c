"""Kinds: exception classes by their qualified names, which a journal can keep.

Law: no name makes us import anything. What a restored error was a kind of, we know only where its
class is already there.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable
from types import ModuleType

from fsm.errors import InvalidArgument, did_you_mean
from fsm.states.exceptions import ExceptionRecord

__all__ = ["Kind", "as_kinds", "kinds_of"]

Kind = type[BaseException] | str


def as_kinds(value: Kind | Iterable[Kind]) -> tuple[str, ...]:
    """The names of exception classes, each given as itself or by name; one alone will do.

    Raises:
        InvalidArgument: One is no exception, or no name that an exception can have.
    """
    given: object = [value] if isinstance(value, str | type) else value
    if not isinstance(given, Iterable):
        raise InvalidArgument(f"exception classes or their names are needed, not {value!r}")
    return tuple(sorted({_as_kind(each) for each in given}))


def kinds_of(error: object) -> tuple[str, ...]:
    """What *error*, or what is left of one, is a kind of, itself first; nothing if it is none."""
    if isinstance(error, ExceptionRecord):
        known = _known(error.type)
        return (error.type,) if known is None else _lineage(known)
    return _lineage(type(error)) if isinstance(error, BaseException) else ()


def _lineage(kind: type) -> tuple[str, ...]:
    return tuple(map(_qualified, kind.__mro__))


def _qualified(kind: type) -> str:
    """The name as `ExceptionRecord.type` has it: a builtin goes without its module."""
    module, name = str(kind.__module__), str(kind.__qualname__)
    return name if module == "builtins" else f"{module}.{name}"


def _as_kind(value: object) -> str:
    if isinstance(value, type) and issubclass(value, BaseException):
        return _qualified(value)
    if not isinstance(value, str):
        raise InvalidArgument(f"an exception class or its name is needed, not {value!r}")
    name = value.removeprefix("builtins.")
    if "." not in name:
        return _builtin(name)
    if not all(part.isidentifier() or part == "<locals>" for part in name.split(".")):
        raise InvalidArgument(f"{value!r:.200} is no name of an exception")
    return name


def _builtin(name: str) -> str:
    """The proper name of a builtin exception: an `IOError` is an `OSError`."""
    kind = _known(name)
    if kind is None:
        names = [each for each in vars(builtins) if _known(each) is not None]
        raise InvalidArgument(
            f"no builtin exception is called {name!r:.200}{did_you_mean(name, names)}; "
            "one that is not builtin goes by its module too: 'requests.exceptions.Timeout'"
        )
    return _qualified(kind)


def _known(name: str) -> type[BaseException] | None:
    """The exception class of that name, where its module is there already."""
    path = name.split(".") if "." in name else ["builtins", name]
    for cut in range(len(path) - 1, 0, -1):
        found = _inside(sys.modules.get(".".join(path[:cut])), path[cut:])
        if isinstance(found, type) and issubclass(found, BaseException):
            return found
    return None


def _inside(found: object, path: Iterable[str]) -> object:
    for name in path:
        if not isinstance(found, ModuleType | type):
            return None
        # Not by getattr: a module that is imported lazily would be imported now.
        found = object.__getattribute__(found, "__dict__").get(name)
    return found
