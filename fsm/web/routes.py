"""The routes of the live page that return JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fsm.diagrams.build import graph_of_run

from .actions import why_not
from .recorded import graph_of_steps
from .story import story
from .views import MOST_RUNS, Query, draw_once, history, lifecycle, overview, run_list, timeline

if TYPE_CHECKING:
    from .server import Server

__all__ = ["VIEWS", "Parameters"]

Parameters = Mapping[str, str]


def _overview(server: Server, _: Parameters) -> object:
    return overview(server.watch.snapshot, server.known)


def _runs(server: Server, parameters: Parameters) -> object:
    return run_list(server.watch.snapshot, _query(parameters))


def _history(server: Server, parameters: Parameters) -> object:
    with server.source.journal() as journal:
        return history(journal, parameters.get("run", ""), int(parameters.get("after", "0")))


def _story(server: Server, parameters: Parameters) -> object:
    with server.source.journal() as journal:
        return story(journal, parameters.get("run", ""))


def _why(server: Server, parameters: Parameters) -> object:
    with server.source.journal() as journal:
        return why_not(journal, parameters.get("run", ""), server.known)


def _lifecycle(server: Server, parameters: Parameters) -> object:
    with server.source.journal() as journal:
        drawable = server.known.find_drawable(journal, parameters.get("kind", ""))
    return lifecycle(drawable)


def _heat(server: Server, parameters: Parameters) -> object:
    return server.heat.get(parameters.get("kind", ""), server.watch.snapshot.version)


def _picture(server: Server, parameters: Parameters) -> object:
    """Draw the path of a run; within its whole lifecycle if `whole` is given and that is known."""
    id = parameters.get("run", "")
    with server.source.journal() as journal:
        run = server.known.restore(journal, id) if "whole" in parameters else None
        refusals = journal.refusals(id)
        path = (
            graph_of_steps(journal.records(id), refusals)
            if run is None
            else graph_of_run(run, refusals)
        )
    return {"diagram": draw_once(path)}


def _timeline(server: Server, parameters: Parameters) -> object:
    """Draw one page of the runs over time; all that match if `all` is given."""
    query, snapshot = _query(parameters), server.watch.snapshot
    found = query.select(snapshot)
    shown = found if "all" in parameters else query.page(found)
    width = max(600, min(int(parameters.get("width", "1200")), 3000))
    with server.source.journal() as journal:
        return {"diagram": timeline(journal, shown, width)}


def _query(parameters: Parameters) -> Query:
    return Query(
        state=parameters.get("state", ""),
        kind=parameters.get("kind", ""),
        search=parameters.get("search", ""),
        offset=max(0, int(parameters.get("offset", "0"))),
        limit=max(1, min(int(parameters.get("limit", "50")), MOST_RUNS)),
    )


VIEWS: Mapping[str, Callable[[Server, Parameters], object]] = {
    "/api/overview": _overview,
    "/api/runs": _runs,
    "/api/run": _history,
    "/api/story": _story,
    "/api/why": _why,
    "/api/picture": _picture,
    "/api/lifecycle": _lifecycle,
    "/api/heat": _heat,
    "/api/timeline": _timeline,
}
