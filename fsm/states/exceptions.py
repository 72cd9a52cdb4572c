"""Exceptions as data: what is kept of one after it was written."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

from traceback import format_exception

import attrs

from fsm.states.codec.limits import clean

__all__ = ["ExceptionRecord", "record_exception"]

_LINES = 50  # the last lines of a traceback, which are the innermost
_LINE = 1_000  # characters
_TEXT = 10_000  # characters


@attrs.frozen(eq=False)
class ExceptionRecord:
    """An exception as it was written: data, which is never raised.

    It equals a record or an exception with the same type and text, so that a restored run equals
    the one that was saved.

    Args:
        type: The qualified name of its class: `KeyError`, `requests.exceptions.Timeout`.
        text: Its `str()`, cut to 10,000 characters.
        traceback: The last 50 lines as Python prints them, causes and notes included.
    """

    __module__ = "fsm.states"

    type: str
    text: str
    traceback: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, BaseException):
            other = record_exception(other)
        if not isinstance(other, ExceptionRecord):
            return NotImplemented
        return (self.type, self.text) == (other.type, other.text)

    def __hash__(self) -> int:
        return hash((self.type, self.text))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{self.type.rpartition('.')[2]}({self.text!r})"


def record_exception(error: BaseException) -> ExceptionRecord:
    """Convert an exception to a record of bounded size, even if its own methods fail."""
    return ExceptionRecord(
        type=_shorten(_name_of(type(error)), _LINE),
        text=_shorten(_text_of(error), _TEXT),
        traceback=_traceback_lines(error),
    )


def _name_of(kind: type) -> str:
    module, name = str(kind.__module__), str(kind.__qualname__)
    return name if module == "builtins" else f"{module}.{name}"


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # an exception's __str__ is a user's code
        return f"<str() of it raised {type(broken).__name__}>"


def _traceback_lines(error: BaseException) -> tuple[str, ...]:
    if error.__traceback__ is None and error.__cause__ is None:
        return ()
    try:
        printed = "".join(format_exception(error, limit=-_LINES))
    except Exception:  # the record is worth more than its traceback
        return ()
    return tuple(_shorten(line, _LINE) for line in printed.splitlines()[-_LINES:])


def _shorten(text: str, length: int) -> str:
    text = clean(text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"
