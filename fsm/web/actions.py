"""Action: what a person may do to a run from the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any

from fsm.errors import CorruptJournal, InvalidArgument, LifecycleError, TransitionError
from fsm.journal import Journal
from fsm.operations import ControlResult, control
from fsm.operations.control import precondition, restore_task_run
from fsm.run import firing
from fsm.run.run import Run
from fsm.states import Cancelled, State, StateError
from fsm.text import cut

from .classes import Catalog

__all__ = ["ACTIONS", "act", "why_not"]

_LONGEST = 200  # characters of a name or a message, as on the page

_Word = str | None
_Edge = tuple[str, str, str]  # source, event and dest
_Act = Callable[[Journal, str, _Word, _Word, "type[Run] | None"], "State | Iterable[ControlResult]"]

ACTIONS: Mapping[str, _Act] = {
    "approve": lambda journal, run, by, said, cls: control.approve(
        journal, run, by=by or "", message=said, cls=cls
    ),
    "resume": lambda journal, run, _, said, cls: control.resume(
        journal, run, message=said, cls=cls
    ),
    "retry": lambda journal, run, _, said, cls: control.retry(journal, run, message=said, cls=cls),
    "cancel": lambda journal, run, _, said, cls: control.cancel(
        journal, run, message=said, cls=cls
    ),
}


def act(journal: Journal, asked: object, catalog: Catalog) -> list[dict[str, Any]]:
    """Do what *asked* says, a mapping with `action`, `run` and perhaps `by` and `message`.

    Args:
        catalog: Whose listeners are told: the class of the run, where it is among them.

    Returns:
        What became of the run, and of its children where they are cancelled with it.

    Raises:
        InvalidArgument: It says nothing that can be done.
        TransitionError: The run did not move.
    """
    given = asked if isinstance(asked, dict) else {}
    action, run, by, said = (given.get(word) for word in ("action", "run", "by", "message"))
    words = all(word is None or isinstance(word, str) for word in (by, said))
    if not isinstance(run, str) or not isinstance(action, str) or not words:
        raise InvalidArgument('an action is {"action": NAME, "run": ID}, by and message in text')
    if any(len(word or "") > _LONGEST for word in (by, said)):
        raise InvalidArgument(f"by and message have at most {_LONGEST} characters each")
    if action not in ACTIONS:
        raise InvalidArgument(f"an action is one of {', '.join(ACTIONS)}, not {action!r:.40}")
    cls = catalog.named(journal.summary(run).kind)
    try:
        became = ACTIONS[action](journal, run, by or None, said or None, cls)
    except (LifecycleError, StateError):
        raise
    except Exception as error:  # whatever a listener raises is its veto
        raise TransitionError(f"run {run!r} did not move: {error}") from error
    return list(
        map(_as_data, [ControlResult(run, became)] if isinstance(became, State) else became)
    )


def why_not(journal: Journal, id: str, catalog: Catalog) -> dict[str, str | None]:
    """Why each action would be refused now, in the words of that refusal; None where it would not.

    Nothing is moved, told or written. What a listener will say nobody knows before.

    Raises:
        UnknownRun: There is no such run.
    """
    kind = journal.summary(id).kind
    cls = catalog.named(kind)
    try:
        run = restore_task_run(id, journal) if cls is None else cls.restore(id, journal)
    except (CorruptJournal, StateError) as error:  # whatever is done to it is refused so
        return dict.fromkeys(ACTIONS, cut(error))
    edges = journal.edges(kind) if kind and cls is None else None
    return {action: _refusal(run, action, edges) for action in ACTIONS}


def _refusal(run: Run, action: str, edges: Set[_Edge] | None) -> str | None:
    """As `fsm.operations.control` refuses it, which asks some things before the table.

    Then the journal is asked.

    Args:
        edges: All that the journal lets the run take, where that may not be what its table says.
    """
    event, state = "resume" if action == "approve" else action, run.state
    if (forbidden := precondition(action, run)) is not None:
        return cut(forbidden)
    if action == "cancel" and isinstance(state, Cancelled):
        return None  # its children may not be, yet
    try:
        refused = firing.refusal(event, run)
    except Exception as error:  # ours, or that of a guard
        return cut(error)
    if refused is None and edges is not None and edges.isdisjoint(_ways(run, event)):
        return f"the lifecycle of {run.id!r} has no {event} from {type(state).__name__}"
    return None if refused is None else cut(refused)


def _ways(run: Run, event: str) -> Iterator[_Edge]:
    """How the event may lead on from where the run is, by names."""
    for edge in run.lifecycle.edges:
        if edge.event == event and edge.source is type(run.state):
            yield edge.source.__name__, event, edge.dest.__name__


def _as_data(result: ControlResult) -> dict[str, Any]:
    return {
        "run": result.run,
        "state": None if result.state is None else type(result.state).__name__,
        "refused": None if result.error is None else cut(result.error),
    }
