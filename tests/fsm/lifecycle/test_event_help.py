"""An event says what it takes: to `inspect`, to `help()`, to a notebook."""

from __future__ import annotations

import inspect
import pydoc
from typing import Any

import attrs
import pytest

from fsm import Run, Step, TaskRun, event, internal
from states import Failed, Pending, Running, State, Success

EVENTS = list(TaskRun.lifecycle.events.values())
OF_ONE_STATE = [each for each in EVENTS if len({row.dest for row in each.rows}) == 1]


def signed(run: Run, step: Step) -> bool:
    """Whether the customer has signed."""
    return True


@attrs.frozen
class Shipped(Success):
    """The parcel has left the house."""

    carrier: str = attrs.field(kw_only=True)


class Parcel(Run):
    """A parcel with events of every kind."""

    pack = event(Running, source=Pending, conditions=[signed])
    ship = event(Shipped, source=Running, unless=[signed])
    lose = event(Failed, source=Running) | event(Failed, source=Pending, conditions=[signed])
    end = event(Success, source=Running, conditions=[signed]) | event(Failed, source=Running)  # type: ignore[operator]
    note = internal(source=Running)


@pytest.mark.parametrize("declared", OF_ONE_STATE, ids=lambda each: each.name)
def test_an_event_has_the_signature_of_the_constructor_it_leads_to(declared: Any) -> None:
    dest = declared.rows[0].dest
    bound = getattr(TaskRun(), declared.name)

    signature = inspect.signature(bound)

    assert signature.parameters == inspect.signature(dest).parameters
    assert signature.return_annotation is dest
    assert bound.__name__ == declared.name


def test_a_state_of_ones_own_says_what_it_takes() -> None:
    assert "carrier" in inspect.signature(Parcel().ship).parameters


def test_an_event_that_stays_takes_changes() -> None:
    assert str(inspect.signature(Parcel().note)).startswith("(**changes)")


def test_an_event_to_several_states_takes_a_payload() -> None:
    assert str(inspect.signature(Parcel().end)).startswith("(**payload)")
    assert inspect.signature(Parcel().end).return_annotation is State


@pytest.mark.parametrize("declared", EVENTS, ids=lambda each: each.name)
def test_help_says_where_an_event_leads_from_and_to_and_what_it_asks(declared: Any) -> None:
    for text in (
        inspect.getdoc(declared),
        inspect.getdoc(getattr(TaskRun(), declared.name)),
        pydoc.plain(pydoc.render_doc(declared)),
        pydoc.plain(pydoc.render_doc(getattr(TaskRun(), declared.name))),
    ):
        assert text is not None
        for row in declared.rows:
            assert all(source.__name__ in text for source in row.sources)
            assert row.dest.__name__ in text
            assert all(guard.__name__.replace("_", " ") in text for guard in row.conditions)
        for name in declared.signature.parameters:
            assert name in text


def test_help_shows_the_first_line_of_a_guard() -> None:
    text = inspect.getdoc(Parcel.pack)

    assert text is not None
    assert "signed: Whether the customer has signed." in text


def test_help_says_of_a_guard_that_must_say_no_that_it_must() -> None:
    assert "not signed" in (inspect.getdoc(Parcel.ship) or "")


def test_help_of_the_class_shows_each_event() -> None:
    text = pydoc.plain(pydoc.render_doc(TaskRun))

    for each in EVENTS:
        assert f"{each.name}: from " in text


def test_the_classes_keep_docstrings_of_their_own() -> None:
    assert "What can happen to a run" in (type(TaskRun.start).__doc__ or "")
    assert "ready to fire" in (type(TaskRun().start).__doc__ or "")
