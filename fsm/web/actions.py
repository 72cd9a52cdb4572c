"""The actions that a user may take on a run from the page."""

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

from .classes import KnownClasses

__all__ = ["ACTIONS", "act", "why_not"]

_LONGEST = 200  # characters of a name or a message; the page has the same limit

_Text = str | None
_Edge = tuple[str, str, str]  # source, event and dest
_Act = Callable[[Journal, str, _Text, _Text, "type[Run] | None"], "State | Iterable[ControlResult]"]

ACTIONS: Mapping[str, _Act] = {
    "approve": lambda journal, run, by, message, cls: control.approve(
        journal, run, by=by or "", message=message, cls=cls
    ),
    "resume": lambda journal, run, _, message, cls: control.resume(
        journal, run, message=message, cls=cls
    ),
    "retry": lambda journal, run, _, message, cls: control.retry(
        journal, run, message=message, cls=cls
    ),
    "cancel": lambda journal, run, _, message, cls: control.cancel(
        journal, run, message=message, cls=cls
    ),
}


def act(journal: Journal, request: object, known: KnownClasses) -> list[dict[str, Any]]:
    """Take the action that *request* describes.

    Args:
        journal: Where the run is recorded.
        request: A mapping with `action`, `run`, and optionally `by` and `message`.
        known: If the class of the run is among them, its listeners are called.

    Returns:
        The outcome for the run, and for its children if they are cancelled with it.

    Raises:
        InvalidArgument: The request is not such a mapping.
        TransitionError: The action was refused; the run did not move.
    """
    given = request if isinstance(request, dict) else {}
    action, run, by, message = (given.get(key) for key in ("action", "run", "by", "message"))
    texts = all(text is None or isinstance(text, str) for text in (by, message))
    if not isinstance(run, str) or not isinstance(action, str) or not texts:
        raise InvalidArgument('an action is {"action": NAME, "run": ID}, by and message are text')
    if any(len(text or "") > _LONGEST for text in (by, message)):
        raise InvalidArgument(f"by and message have at most {_LONGEST} characters each")
    if action not in ACTIONS:
        raise InvalidArgument(f"an action is one of {', '.join(ACTIONS)}, not {action!r:.40}")
    cls = known.find(journal.summary(run).kind)
    try:
        outcome = ACTIONS[action](journal, run, by or None, message or None, cls)
    except (LifecycleError, StateError):
        raise
    except Exception as error:  # a listener may veto with any exception
        raise TransitionError(f"run {run!r} did not move: {error}") from error
    results = [ControlResult(run, outcome)] if isinstance(outcome, State) else outcome
    return list(map(_as_data, results))


def why_not(journal: Journal, id: str, known: KnownClasses) -> dict[str, str | None]:
    """Return for each action why it would be refused now; None if it would not.

    The run does not move, and no listener is called: a veto of a listener is not foreseen.

    Raises:
        UnknownRun: There is no such run.
    """
    kind = journal.summary(id).kind
    cls = known.find(kind)
    try:
        run = restore_task_run(id, journal) if cls is None else cls.restore(id, journal)
    except (CorruptJournal, StateError) as error:  # every action would fail with it
        return dict.fromkeys(ACTIONS, cut(error))
    edges = journal.edges(kind) if kind and cls is None else None
    return {action: _refusal(run, action, edges) for action in ACTIONS}


def _refusal(run: Run, action: str, edges: Set[_Edge] | None) -> str | None:
    """Return why `fsm.operations.control` or the journal would refuse the action; None if not.

    Args:
        run: The run.
        action: One of `ACTIONS`.
        edges: The edges recorded for the run's kind, if its own class is not known here: the
            journal accepts no others.
    """
    event, state = "resume" if action == "approve" else action, run.state
    if (problem := precondition(action, run)) is not None:
        return cut(problem)
    if action == "cancel" and isinstance(state, Cancelled):
        return None  # its children may not be cancelled yet
    try:
        refused = firing.refusal(event, run)
    except Exception as error:  # a guard may raise any
        return cut(error)
    if refused is None and edges is not None and edges.isdisjoint(_edges_from(run, event)):
        return f"the lifecycle of {run.id!r} has no {event} from {type(state).__name__}"
    return None if refused is None else cut(refused)


def _edges_from(run: Run, event: str) -> Iterator[_Edge]:
    """Yield the edges of *event* from the run's state, by names."""
    for edge in run.lifecycle.edges:
        if edge.event == event and edge.source is type(run.state):
            yield edge.source.__name__, event, edge.dest.__name__


def _as_data(result: ControlResult) -> dict[str, Any]:
    return {
        "run": result.run,
        "state": None if result.state is None else type(result.state).__name__,
        "refused": None if result.error is None else cut(result.error),
    }
