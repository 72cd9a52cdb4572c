"""Address: what is found where on the live page, as JSON values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fsm.diagrams.build import graph_of_run

from .actions import why_not
from .recorded import trail
from .story import story
from .views import MOST_RUNS, Query, history, lifecycle, overview, page, picture, timeline

if TYPE_CHECKING:
    from .server import Server

__all__ = ["VIEWS", "Asked"]

Asked = Mapping[str, str]


def _overview(server: Server, _: Asked) -> object:
    return overview(server.watch.snapshot, server.catalog)


def _page(server: Server, asked: Asked) -> object:
    return page(server.watch.snapshot, _query(asked))


def _history(server: Server, asked: Asked) -> object:
    with server.source.journal() as journal:
        return history(journal, asked.get("run", ""), int(asked.get("after", "0")))


def _story(server: Server, asked: Asked) -> object:
    with server.source.journal() as journal:
        return story(journal, asked.get("run", ""))


def _why(server: Server, asked: Asked) -> object:
    with server.source.journal() as journal:
        return why_not(journal, asked.get("run", ""), server.catalog)


def _lifecycle(server: Server, asked: Asked) -> object:
    with server.source.journal() as journal:
        drawn = server.catalog.drawn(journal, asked.get("kind", ""))
    return lifecycle(drawn)


def _heat(server: Server, asked: Asked) -> object:
    return server.heat.drawn(asked.get("kind", ""), server.watch.snapshot.version)


def _picture(server: Server, asked: Asked) -> object:
    """The run's own way; in the whole of its lifecycle, if asked and if that is known."""
    id = asked.get("run", "")
    with server.source.journal() as journal:
        run = server.catalog.restored(journal, id) if "whole" in asked else None
        refusals = journal.refusals(id)
        way = trail(journal.records(id), refusals) if run is None else graph_of_run(run, refusals)
    return {"diagram": picture(way)}


def _timeline(server: Server, asked: Asked) -> object:
    """Of one page of the runs; of all that match where it asks for no end of them."""
    query, snapshot = _query(asked), server.watch.snapshot
    found = query.found(snapshot)
    shown = found if "all" in asked else query.shown(found)
    width = max(600, min(int(asked.get("width", "1200")), 3000))
    with server.source.journal() as journal:
        return {"diagram": timeline(journal, shown, width)}


def _query(asked: Asked) -> Query:
    return Query(
        state=asked.get("state", ""),
        kind=asked.get("kind", ""),
        search=asked.get("search", ""),
        offset=max(0, int(asked.get("offset", "0"))),
        limit=max(1, min(int(asked.get("limit", "50")), MOST_RUNS)),
    )


VIEWS: Mapping[str, Callable[[Server, Asked], object]] = {
    "/api/overview": _overview,
    "/api/runs": _page,
    "/api/run": _history,
    "/api/story": _story,
    "/api/why": _why,
    "/api/picture": _picture,
    "/api/lifecycle": _lifecycle,
    "/api/heat": _heat,
    "/api/timeline": _timeline,
}
