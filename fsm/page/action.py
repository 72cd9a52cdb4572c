"""Action: what a person may do to a run from the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fsm import acting
from fsm.acting import Acted
from fsm.errors import InvalidArgument, LifecycleError, TransitionError
from fsm.journal import Journal
from fsm.run import Run
from states import State, StateError

from .catalog import Catalog

__all__ = ["ACTIONS", "act"]

_Word = str | None
_Act = Callable[[Journal, str, _Word, _Word, "type[Run] | None"], "State | Iterable[Acted]"]

ACTIONS: Mapping[str, _Act] = {
    "approve": lambda journal, run, by, said, cls: acting.approve(
        journal, run, by=by or "", message=said, cls=cls
    ),
    "resume": lambda journal, run, _, said, cls: acting.resume(journal, run, message=said, cls=cls),
    "retry": lambda journal, run, _, said, cls: acting.retry(journal, run, message=said, cls=cls),
    "cancel": lambda journal, run, _, said, cls: acting.cancel(journal, run, message=said, cls=cls),
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
    if action not in ACTIONS:
        raise InvalidArgument(f"an action is one of {', '.join(ACTIONS)}, not {action!r:.40}")
    cls = catalog.named(journal.summary(run).kind)
    try:
        became = ACTIONS[action](journal, run, by or None, said or None, cls)
    except (LifecycleError, StateError):
        raise
    except Exception as error:  # whatever a listener raises is its veto
        raise TransitionError(f"run {run!r} did not move: {error}") from error
    return list(map(_as_data, [Acted(run, became)] if isinstance(became, State) else became))


def _as_data(acted: Acted) -> dict[str, Any]:
    return {
        "run": acted.run,
        "state": None if acted.state is None else type(acted.state).__name__,
        "refused": None if acted.refused is None else str(acted.refused),
    }
