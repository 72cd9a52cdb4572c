"""What is left of an exception once it has been written down."""

from __future__ import annotations

from traceback import format_exception

import attrs

from fsm.states.codec.limits import cleaned

_LINES = 50  # the innermost of a traceback, which say where it broke
_LINE = 1_000  # characters
_TEXT = 10_000


@attrs.frozen(eq=False)
class ExceptionRecord:
    """An exception as the wire keeps it: inert, never raised.

    `type` is qualified (`KeyError`, `requests.exceptions.Timeout`); `traceback` holds its lines
    as Python prints them, causes and notes included. Equal to what has the same type and says the
    same, be it a record or an exception, so that a restored run equals the one that was saved.
    """

    type: str
    text: str
    traceback: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, BaseException):
            other = recorded(other)
        if not isinstance(other, ExceptionRecord):
            return NotImplemented
        return (self.type, self.text) == (other.type, other.text)

    def __hash__(self) -> int:
        return hash((self.type, self.text))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{self.type.rpartition('.')[2]}({self.text!r})"


def recorded(error: BaseException) -> ExceptionRecord:
    """Write an exception down, as much of it as is useful and never more."""
    return ExceptionRecord(
        type=_shortened(_qualified(type(error)), _LINE),
        text=_shortened(_said(error), _TEXT),
        traceback=_lines(error),
    )


def _qualified(kind: type) -> str:
    module, name = str(kind.__module__), str(kind.__qualname__)
    return name if module == "builtins" else f"{module}.{name}"


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # an exception's __str__ is anyone's code
        return f"<{type(broken).__name__} while asking what it says>"


def _lines(error: BaseException) -> tuple[str, ...]:
    if error.__traceback__ is None and error.__cause__ is None:
        return ()
    try:
        printed = "".join(format_exception(error, limit=-_LINES))
    except Exception:  # a traceback is worth less than the record
        return ()
    return tuple(_shortened(line, _LINE) for line in printed.splitlines()[-_LINES:])


def _shortened(text: str, length: int) -> str:
    text = cleaned(text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"
