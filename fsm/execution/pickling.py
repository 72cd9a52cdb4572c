"""Serialises what travels between processes, by cloudpickle, so that functions can travel."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from typing import NamedTuple

from fsm.errors import InvalidArgument, MissingExtra
from fsm.run.run import Run
from fsm.states.exceptions import record_exception

from .commands import Raised, Reply

__all__ = [
    "RemoteError",
    "RemoteTraceback",
    "SerializedReply",
    "class_from_ref",
    "deserialize_reply",
    "require_cloudpickle",
    "serialize",
    "serialize_reply",
]


class SerializedReply(NamedTuple):
    """A reply on its way back, with the text of an error in case that cannot be unpickled."""

    data: bytes
    text: str = ""
    traceback: str = ""


class RemoteError(Exception):
    """An error of a task in another process, where the error itself cannot be unpickled."""


class RemoteTraceback(Exception):
    """The traceback of an error of a task in another process, as its `__cause__`."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


def require_cloudpickle() -> None:
    """Check that cloudpickle is installed.

    Raises:
        MissingExtra: It is not.
    """
    try:
        import cloudpickle  # noqa: F401  # imported on demand: threads do without
    except ImportError as error:
        raise MissingExtra("work in other processes", "process") from error


def serialize(value: object, name: str) -> bytes:
    """Pickle *value* for another process.

    Args:
        name: What the value is, for the error message.

    Raises:
        InvalidArgument: It cannot be pickled.
        MissingExtra: cloudpickle is not installed.
    """
    require_cloudpickle()
    import cloudpickle

    try:
        data: bytes = cloudpickle.dumps(value)
    except Exception as error:  # the pickling of a value may be a user's code
        raise InvalidArgument(
            f"{name} cannot travel to another process: {type(error).__name__}: {error}"
        ) from error
    return data


def serialize_reply(reply: Reply) -> SerializedReply:
    """Pickle a reply. A result that cannot be pickled becomes an error of the task."""
    text = traceback = ""
    if isinstance(reply, Raised):
        record = record_exception(reply.error)
        text, traceback = f"{record.type}: {record.text}", "\n".join(record.traceback)
    try:
        return SerializedReply(serialize(reply, "what the task returned"), text, traceback)
    except InvalidArgument as error:
        if isinstance(reply, Raised):
            return SerializedReply(b"", text, traceback)
        raised = Raised(InvalidArgument(str(error)))
        return SerializedReply(serialize(raised, "the error"))


def deserialize_reply(serialized: SerializedReply) -> Reply:
    """Unpickle a reply. An error that cannot be unpickled becomes a `RemoteError`."""
    import pickle  # of data that a worker of ours sent, never of data that is stored

    try:
        reply: Reply = pickle.loads(serialized.data)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # its class may be missing here, or differ
        text = serialized.text or f"the reply cannot be read here: {error!r}"
        reply = Raised(RemoteError(text))
    if not isinstance(reply, Raised):
        return reply
    raised: object = reply.error
    if not isinstance(raised, BaseException):  # its `__reduce__` gives another object
        reply = Raised(RemoteError(serialized.text))
    if serialized.traceback and reply.error.__cause__ is None:
        with suppress(Exception):  # an exception may refuse the attribute
            reply.error.__cause__ = RemoteTraceback(serialized.traceback)
    return reply


def class_from_ref(ref: str, *, import_module: bool = False) -> type[Run] | None:
    """Return the class of runs called `module:Class`; None if there is none.

    A decorated function stands for the class of its runs.

    Args:
        import_module: Whether to import a module that is not loaded. For references that our own
            program sends, never for stored ones.
    """
    module_name, _, path = ref.partition(":")
    if module_name == "__main__" or not path:
        return None
    if import_module:
        importlib.import_module(module_name)
    found: object = sys.modules.get(module_name)
    for name in path.split("."):
        found = getattr(found, name, None)
    found = getattr(found, "kind", found)
    return found if isinstance(found, type) and issubclass(found, Run) else None
