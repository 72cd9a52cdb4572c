"""Text that others wrote, such as names, messages and payloads: made safe to show, and bounded.

It comes from journals and from users' modules. Shown as it is, it could move a terminal's cursor,
reorder a line, forge another one, or fill the screen.

`fsm.states` has a smaller version of its own, in `fsm.states.codec.limits`: the codec and the
records of exceptions need it, and `states` and `text` do not know each other.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

__all__ = ["as_label", "cut", "escape", "format_time", "is_dated", "readable"]

_ELLIPSIS = "…"
_LABEL = 200  # characters
_PAYLOAD = 20_000  # characters
_EPOCH = datetime(1970, 1, 1)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def escape(
    text: object,
    limit: int | None = None,
    *,
    keep: str = "",
    drop: bool = False,
    storable: bool = False,
) -> str:
    r"""Return *text* with everything that is not printable spelled out, as in `\x1b`.

    Args:
        text: A string, or anything that `str` takes.
        limit: The longest result, in characters; what is longer is cut and ends with "…".
        keep: Characters that stay although they are not printable; "\n" for text of many lines.
        drop: Leave out what is not printable instead of spelling it out, and make one space of
            each run of white space. For labels, where an escape would take the place of the text.
        storable: Spell out only NUL and lone surrogates, which databases, JSON readers and UTF-8
            refuse. For text that is stored or sent as it is, and escaped where it is shown.
    """
    plain = str(text)
    if limit is not None:
        plain = plain[: 4 * limit if drop else limit + 1]  # work on no more than is shown
    if drop:
        spaced = (" " if letter.isspace() else letter for letter in plain)
        plain = " ".join("".join(letter for letter in spaced if letter.isprintable()).split())
    elif plain.isprintable():
        pass
    elif storable:
        plain = _UNSTORABLE.sub(lambda found: ascii(found[0])[1:-1], plain)
    else:
        plain = "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in plain)
    if limit is None or len(plain) <= limit:
        return plain
    return plain[: limit - 1] + _ELLIPSIS


def as_label(text: object) -> str:
    """Return *text* as one line of a picture or a sentence: printable, at most 200 characters."""
    return escape(text, _LABEL, drop=True)


def cut(text: object, limit: int = 2_000) -> str:
    """Return *text*, or its first *limit* characters and how long it was."""
    plain = str(text)
    return plain if len(plain) <= limit else f"{plain[:limit]} … ({len(plain)} characters)"


def readable(payload: str) -> str:
    """Return JSON with line breaks and indentation, cut after 20,000 characters.

    Done here and not in the browser, which would round large whole numbers. What is not JSON is
    returned as it is.
    """
    try:
        text = json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = payload
    return cut(text, _PAYLOAD)


def format_time(micros: int, *, millis: bool = True) -> str:
    """Return a point in time, in UTC, to the millisecond or the second.

    Args:
        micros: Microseconds since 1970. Outside of years 1 to 9999 the number itself is returned,
            as in `9223372036854775807 µs`: a journal may hold anything that another program wrote.
        millis: Whether milliseconds are shown.
    """
    try:
        at = _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return f"{micros} µs"
    return at.isoformat(" ", "milliseconds" if millis else "seconds")


def is_dated(micros: int) -> bool:
    """Whether the calendar has that point in time: years 1 to 9999."""
    try:
        _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return False
    return True
