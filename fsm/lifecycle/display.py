"""Display: how a run, a lifecycle or a graph shows itself in an f-string and in a notebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fsm.errors import InvalidArgument, MissingExtra

__all__ = ["Display"]


class Display:
    """A mixin: `f"{run:mermaid}"` draws, and Jupyter shows SVG.

    It imports `fsm.diagrams` on demand, so that programs that draw nothing do not load it.
    """

    __slots__ = ()

    def __format__(self, form: str, /) -> str:
        """Draw it as `mermaid`, `dot`, `svg` or a `markdown` table; an empty *form* is `str(self)`.

        Raises:
            InvalidArgument: *form* is none of these.
            MissingExtra: SVG needs the extra `diagrams`, which is not installed.
        """
        return _drawer(form)(self) if form else str(self)

    def _repr_svg_(self) -> str | None:
        """SVG for a notebook; None where the extra `diagrams` is not installed."""
        try:
            return _drawer("svg")(self)
        except MissingExtra:
            return None

    def _repr_mimebundle_(self, **asked: Any) -> dict[str, str]:  # noqa: ARG002  # it may be all
        """Text, and SVG where it can be drawn, else Mermaid: a notebook chooses."""
        shown = {"text/plain": repr(self)}
        svg = self._repr_svg_()
        if svg is not None:
            shown["image/svg+xml"] = svg
        else:
            shown["text/vnd.mermaid"] = _drawer("mermaid")(self)
        return shown


def _drawer(form: str) -> Callable[[Any], str]:
    from fsm import diagrams

    drawers: dict[str, Callable[[Any], str]] = {
        "mermaid": diagrams.mermaid,
        "dot": diagrams.dot,
        "svg": diagrams.svg,
        "markdown": diagrams.table,
    }
    found = drawers.get(form)
    if found is None:
        known = ", ".join(drawers)
        raise InvalidArgument(f"a run or lifecycle is written as {known}, not {form!r:.40}")
    return found
