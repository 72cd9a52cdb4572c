"""Names of exception classes, as policies hold them and journals keep them.

No name is ever imported: what it stands for is known only if its module is already imported.
"""

import builtins
import sys
from collections.abc import Iterable
from types import ModuleType

from fsm.errors import InvalidArgument, did_you_mean
from fsm.states.exceptions import ExceptionRecord

__all__ = ["ExceptionRef", "as_exception_names", "names_of"]

ExceptionRef = type[BaseException] | str  # an exception class, or its qualified name


def as_exception_names(value: ExceptionRef | Iterable[ExceptionRef]) -> tuple[str, ...]:
    """Convert exception classes or names, one or several, to sorted qualified names.

    Raises:
        InvalidArgument: Something is not an exception class, or cannot be the name of one.
    """
    given: object = [value] if isinstance(value, str | type) else value
    if not isinstance(given, Iterable):
        raise InvalidArgument(f"exception classes or their names are needed, not {value!r}")
    return tuple(sorted({_as_name(each) for each in given}))


def names_of(error: object) -> tuple[str, ...]:
    """The names of the class of *error* and of its base classes, its own class first.

    Args:
        error: An exception, or the record of one. Of a record whose class is not imported here,
            only the class's own name is known. Anything else has no names.
    """
    if isinstance(error, ExceptionRecord):
        known = _find(error.type)
        return (error.type,) if known is None else _names_in_mro(known)
    return _names_in_mro(type(error)) if isinstance(error, BaseException) else ()


def _names_in_mro(cls: type) -> tuple[str, ...]:
    return tuple(map(_full_name, cls.__mro__))


def _full_name(cls: type) -> str:
    """The name as in `ExceptionRecord.type`: a builtin is written without its module."""
    module, name = str(cls.__module__), str(cls.__qualname__)
    return name if module == "builtins" else f"{module}.{name}"


def _as_name(value: object) -> str:
    if isinstance(value, type) and issubclass(value, BaseException):
        return _full_name(value)
    if not isinstance(value, str):
        raise InvalidArgument(f"an exception class or its name is needed, not {value!r}")
    name = value.removeprefix("builtins.")
    if "." not in name:
        return _builtin_name(name)
    if not all(part.isidentifier() or part == "<locals>" for part in name.split(".")):
        raise InvalidArgument(f"{value!r:.200} cannot be the name of an exception class")
    return name


def _builtin_name(name: str) -> str:
    """The class's own name for a builtin exception or its alias: `IOError` is `OSError`."""
    cls = _find(name)
    if cls is None:
        names = [each for each in vars(builtins) if _find(each) is not None]
        raise InvalidArgument(
            f"no builtin exception is called {name!r:.200}{did_you_mean(name, names)}; "
            "write other exceptions with their module: 'requests.exceptions.Timeout'"
        )
    return _full_name(cls)


def _find(name: str) -> type[BaseException] | None:
    """The exception class of that name, if its module is imported; else None."""
    path = name.split(".") if "." in name else ["builtins", name]
    for cut in range(len(path) - 1, 0, -1):
        found = _look_up(sys.modules.get(".".join(path[:cut])), path[cut:])
        if isinstance(found, type) and issubclass(found, BaseException):
            return found
    return None


def _look_up(found: object, path: Iterable[str]) -> object:
    for name in path:
        if not isinstance(found, ModuleType | type):
            return None
        # getattr would run a lazily imported module, or its `__getattr__`.
        found = object.__getattribute__(found, "__dict__").get(name)
    return found
