"""Delivery from the outbox: listeners are called at least once, whatever dies in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fsm import CallbackError, Run, Step, TaskRun
from fsm.errors import InvalidArgument
from fsm.operations import Delivery, deliver
from fsm.testing import HandClock, Recorder
from states import Running, Success


class Died(BaseException):
    """Ends the process, as a kill does."""


class Fuse:
    """A listener that ends the process once, when it is lit."""

    lit = False

    def __call__(self, run: Run, step: Step) -> None:
        if self.lit:
            self.lit = False
            raise Died


@pytest.fixture
def order() -> type[TaskRun]:
    """A class of its own for each test: listeners stay on a class."""

    class Order(TaskRun): ...

    return Order


@pytest.fixture
def fuse(order: type[TaskRun]) -> Fuse:
    """Called first: the step is in the journal, and no other listener has been called."""
    return order.on_enter(Fuse())


def test_a_listener_that_was_called_is_not_called_again(order: type[TaskRun], journal: Any) -> None:
    recorder = order.after(Recorder(), outbox="mail")

    order("r", journal=journal).start()

    assert recorder.events == ["start"]
    assert list(journal.outbox()) == []
    assert list(deliver(journal, order)) == []


def test_a_listener_that_a_dead_process_did_not_call_is_called(
    order: type[TaskRun], fuse: Fuse, journal: Any, written: Any
) -> None:
    recorder = order.after(order.start, Recorder(), outbox="mail")
    run = order("r", journal=journal)
    fuse.lit = True
    with pytest.raises(Died):
        run.start()
    assert (recorder.events, list(journal.outbox())) == ([], [("r", 1, "mail")])

    delivered = list(deliver(journal, order))

    assert delivered == [Delivery("r", 1, "mail", None)]
    assert [written(step) for step in recorder.steps] == [written(step) for step in run.history]
    assert list(journal.outbox()) == []


def test_a_listener_gets_the_run_as_it_is_now(
    order: type[TaskRun], fuse: Fuse, journal: Any
) -> None:
    heard: list[tuple[str, type]] = []

    @order.on_enter(Running, outbox="mail")
    def listener(run: Run, step: Step) -> None:
        heard.append((step.event, type(run.state)))

    run = order("r", journal=journal)
    fuse.lit = True
    with pytest.raises(Died):
        run.start()
    run.succeed()

    list(deliver(journal, order))

    assert heard == [("start", Success)]


def test_a_listener_during_which_the_process_died_is_called_again(
    order: type[TaskRun], journal: Any
) -> None:
    heard: list[str] = []

    @order.after(outbox="mail")
    def listener(run: Run, step: Step) -> None:
        heard.append(step.event)
        if len(heard) == 1:
            raise Died

    with pytest.raises(Died):
        order("r", journal=journal).start()
    list(deliver(journal, order))

    assert heard == ["start", "start"]
    assert list(journal.outbox()) == []


def test_a_listener_that_raises_stays_in_the_outbox(order: type[TaskRun], journal: Any) -> None:
    errors: list[Exception | None] = [ValueError("firing"), ValueError("delivering"), None]

    @order.on_final(outbox="mail")
    def listener(run: Run, step: Step) -> None:
        if error := errors.pop(0):
            raise error

    with pytest.raises(CallbackError):
        order("r", journal=journal).cancel()
    (first,) = deliver(journal, order)
    left = list(journal.outbox())
    (second,) = deliver(journal, order)

    assert str(first.error) == "delivering"
    assert left == [("r", 1, "mail")]
    assert second == Delivery("r", 1, "mail", None)
    assert list(journal.outbox()) == []


def test_each_listener_has_its_own_entry_in_the_outbox(
    order: type[TaskRun], fuse: Fuse, journal: Any, clock: HandClock
) -> None:
    order.after(Recorder(), outbox="mail")
    order.after(order.start, Recorder(), outbox="audit")
    run = order("r", journal=journal, clock=clock)
    fuse.lit = True
    with pytest.raises(Died):
        run.start()

    journal.mark_delivered("r", 1, "mail")

    assert list(journal.outbox()) == [("r", 1, "audit")]
    assert [each.listener for each in deliver(journal, order)] == ["audit"]


def test_a_refused_step_leaves_nothing_in_the_outbox(order: type[TaskRun], journal: Any) -> None:
    order.after(Recorder(), outbox="mail")
    order("r", journal=journal).start()

    with pytest.raises(Exception, match="moved on"):
        order("r", journal=journal).start()

    assert list(journal.outbox()) == []


def test_an_async_listener_is_noted_when_it_has_been_awaited(
    order: type[TaskRun], journal: Any
) -> None:
    untold: list[Any] = []

    @order.after(outbox="mail")
    async def listener(run: Run, step: Step) -> None:
        await asyncio.sleep(0)
        untold.extend(journal.outbox())

    asyncio.run(order("r", journal=journal).start.aio())

    assert untold == [("r", 1, "mail")]
    assert list(journal.outbox()) == []


def test_an_async_listener_of_a_sync_step_is_delivered_later(
    order: type[TaskRun], journal: Any
) -> None:
    heard: list[str] = []

    @order.after(outbox="mail")
    async def listener(run: Run, step: Step) -> None:
        await asyncio.sleep(0)
        heard.append(step.event)

    with pytest.raises(CallbackError):
        order("r", journal=journal).start()
    assert list(journal.outbox()) == [("r", 1, "mail")]

    assert list(deliver(journal, order)) == [Delivery("r", 1, "mail", None)]
    assert (heard, list(journal.outbox())) == (["start"], [])


def test_an_async_process_may_die_before_it_calls_a_listener(
    order: type[TaskRun], fuse: Fuse, journal: Any
) -> None:
    recorder = order.after(Recorder(), outbox="mail")
    fuse.lit = True

    with pytest.raises(Died):
        asyncio.run(order("r", journal=journal).start.aio())
    list(deliver(journal, order))

    assert recorder.events == ["start"]


def test_a_step_with_an_idempotency_key_is_delivered_with_its_key(
    order: type[TaskRun], fuse: Fuse, journal: Any
) -> None:
    recorder = order.after(Recorder(), outbox="mail")
    run = order("r", journal=journal)
    fuse.lit = True
    with pytest.raises(Died):
        run.once("request-1", "start")

    run.once("request-1", "start")
    list(deliver(journal, order))

    assert [step.key for step in recorder.steps] == ["request-1"]


def test_a_run_under_a_claim_notes_its_deliveries(order: type[TaskRun], journal: Any) -> None:
    order("r", journal=journal).schedule()
    recorder = order.after(Recorder(), outbox="mail")

    (claim,) = journal.claim(run="r", owner="worker")
    order.restore("r", claim).start()

    assert recorder.events == ["start"]
    assert list(journal.outbox()) == []


def test_a_run_without_a_journal_calls_its_listeners_at_once(order: type[TaskRun]) -> None:
    recorder = order.after(Recorder(), outbox="mail")

    order().start()

    assert recorder.events == ["start"]


def test_steps_of_other_classes_stay_in_the_outbox(
    order: type[TaskRun], fuse: Fuse, journal: Any
) -> None:
    order.after(Recorder(), outbox="mail")
    fuse.lit = True
    with pytest.raises(Died):
        order("r", journal=journal).start()

    assert list(deliver(journal)) == []
    assert list(journal.outbox()) == [("r", 1, "mail")]


def test_a_subclass_has_the_listeners_it_inherits(journal: Any, order: type[TaskRun]) -> None:
    heard: list[str] = []

    class Rush(order):  # type: ignore[misc, valid-type]  # made by a fixture
        pass

    @order.after(outbox="mail")
    def listener(run: Run, step: Step) -> None:
        heard.append(type(run).__name__)
        if len(heard) == 1:
            raise Died

    with pytest.raises(Died):
        Rush("r", journal=journal).start()
    list(deliver(journal, order, Rush))

    assert heard == ["Rush", "Rush"]


def test_two_listeners_cannot_share_an_outbox(order: type[TaskRun]) -> None:
    class Rush(order):  # type: ignore[misc, valid-type]  # made by a fixture
        pass

    order.after(Recorder(), outbox="mail")

    for cls in (order, Rush):
        with pytest.raises(InvalidArgument, match="another listener has the outbox 'mail'"):
            cls.on_enter(Running, Recorder(), outbox="mail")


@pytest.mark.parametrize("name", ["", "x" * 201, 5, "a\nb"], ids=repr)
def test_an_outbox_has_a_name_that_a_journal_can_keep(order: type[TaskRun], name: Any) -> None:
    with pytest.raises(InvalidArgument, match="an outbox has a name"):
        order.after(Recorder(), outbox=name)


@pytest.mark.parametrize("hook", ["before", "on_exit", "handler"])
def test_only_listeners_after_the_step_have_an_outbox(order: type[TaskRun], hook: str) -> None:
    with pytest.raises(InvalidArgument, match="an outbox is for after, on_enter, on_final"):
        getattr(order, hook)(lambda *args: None, outbox="mail")


def test_listeners_of_one_run_have_no_outbox(order: type[TaskRun]) -> None:
    with pytest.raises(InvalidArgument, match="a listener of one run"):
        order().after(Recorder(), outbox="mail")


def test_a_listener_with_another_signature_has_no_outbox(order: type[TaskRun]) -> None:
    with pytest.raises(InvalidArgument, match="a listener takes"):
        order.after(order.start, lambda run: None, outbox="mail")


def test_delivering_from_something_else_than_a_journal_is_an_error() -> None:
    with pytest.raises(InvalidArgument, match="a journal is what open_journal"):
        list(deliver("runs.db"))  # type: ignore[arg-type]
