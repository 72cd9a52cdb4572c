"""Parcel: what travels between processes, packed by cloudpickle, so that functions can."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from typing import NamedTuple

from fsm.errors import InvalidArgument, MissingExtra
from fsm.run.run import Run
from fsm.states.exceptions import record_exception

from .commands import Answer, Raised

__all__ = [
    "Packed",
    "RemoteError",
    "RemoteTraceback",
    "check_packing",
    "class_from_ref",
    "packed",
    "parcel",
    "unpacked",
]


class Packed(NamedTuple):
    """An answer on its way back; an error that cannot travel is told as it was written down."""

    answer: bytes
    said: str = ""
    traceback: str = ""


class RemoteError(Exception):
    """What a task raised in another process, where the error itself could not travel."""


class RemoteTraceback(Exception):
    """Where in another process it was raised."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


def check_packing() -> None:
    """Refuse to go on without what packs functions.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        import cloudpickle  # noqa: F401  # at the door: threads do without
    except ImportError as error:
        raise MissingExtra("work in other processes", "process") from error


def packed(what: str, value: object) -> bytes:
    """Pickle what is to travel; *what* it is, an error will say.

    Raises:
        InvalidArgument: It cannot.
        MissingExtra: What pickles functions is not installed.
    """
    check_packing()
    import cloudpickle

    try:
        data: bytes = cloudpickle.dumps(value)
    except Exception as error:  # how a value is reduced is anyone's code
        raise InvalidArgument(
            f"{what} cannot travel to another process: {type(error).__name__}: {error}"
        ) from error
    return data


def parcel(answer: Answer) -> Packed:
    """Pack an answer; a result that cannot travel is the task's failure."""
    said = traceback = ""
    if isinstance(answer, Raised):
        record = record_exception(answer.error)
        said, traceback = f"{record.type}: {record.text}", "\n".join(record.traceback)
    try:
        return Packed(packed("what the task returned", answer), said, traceback)
    except InvalidArgument as error:
        if isinstance(answer, Raised):
            return Packed(b"", said, traceback)
        return Packed(packed("the error", Raised(InvalidArgument(str(error)))))


def unpacked(parcel: Packed) -> Answer:
    """The answer that a process has sent."""
    import pickle  # what a worker of our own sent, never what is stored

    try:
        answer: Answer = pickle.loads(parcel.answer)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # its class may be here in another make, or none
        said = parcel.said or f"the answer cannot be read here: {error!r}"
        answer = Raised(RemoteError(said))
    if not isinstance(answer, Raised):
        return answer
    raised: object = answer.error
    if not isinstance(raised, BaseException):  # it makes itself into something else
        answer = Raised(RemoteError(parcel.said))
    if parcel.traceback and answer.error.__cause__ is None:
        with suppress(Exception):  # an exception may refuse to be written to
            answer.error.__cause__ = RemoteTraceback(parcel.traceback)
    return answer


def class_from_ref(kind: str, *, imported: bool = False) -> type[Run] | None:
    """The class called `module:Class`; a decorated function stands for the class of its runs.

    Args:
        imported: Whether to import its module if nobody has. For names that our own program
            sends, never for what is stored.
    """
    module_name, _, path = kind.partition(":")
    if module_name == "__main__" or not path:
        return None
    if imported:
        importlib.import_module(module_name)
    found: object = sys.modules.get(module_name)
    for name in path.split("."):
        found = getattr(found, name, None)
    found = getattr(found, "kind", found)
    return found if isinstance(found, type) and issubclass(found, Run) else None
