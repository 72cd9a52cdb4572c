"""Picture: what shows itself in an f-string and in a notebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fsm.errors import InvalidArgument, MissingExtra

__all__ = ["Pictured"]


class Pictured:
    """What `f"{run:mermaid}"` draws, and Jupyter shows.

    The one place that looks up to the diagrams, and only when asked for one: whoever draws none
    does not pay for them.
    """

    __slots__ = ()

    def __format__(self, form: str, /) -> str:
        """Draw it as `mermaid`, `dot`, `svg` or a table in `markdown`; as `str` without a word.

        Raises:
            InvalidArgument: It can be drawn as none such.
            MissingExtra: SVG needs pygraphviz.
        """
        return _drawer(form)(self) if form else str(self)

    def _repr_svg_(self) -> str | None:
        """What a notebook shows; None where SVG cannot be drawn."""
        try:
            return _drawer("svg")(self)
        except MissingExtra:
            return None

    def _repr_mimebundle_(self, **asked: Any) -> dict[str, str]:  # noqa: ARG002  # it may be all
        """What a notebook may choose from: as SVG, where it can be drawn, or as Mermaid."""
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
