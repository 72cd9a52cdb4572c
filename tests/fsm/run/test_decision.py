"""Proposal: the short cut that most steps take says what the long way says."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from typing import Any

import attrs
import pytest

from fsm import MemoryJournal, Run, Step, TaskRun, TransitionError, event
from fsm.errors import InvalidArgument
from fsm.states import ambient
from fsm.testing import HandClock
from states import NoResult, Pending, Result, Running, State, StateError


class Plain(Run):
    """Payloads of the four common fields, and guards that answer in every way."""

    begin = event(Running, source=Pending, message="begun")
    back = event(Pending, source=Running, conditions=[lambda run, step: step.dest.message != "no"])
    again = event(Running, source=Running, unless=[lambda run, step: step.dest.result == 0])
    late = event(
        Running, source=(Pending, Running), conditions=[lambda run, step: 1, lambda run, step: "no"]
    )


class Roundabout(Plain):
    """The same, whose payloads `decide` does not build in line."""


class LongTaskRun(TaskRun):
    """A task run whose payloads `decide` does not build in line."""


@pytest.fixture(autouse=True)
def no_plain_rows() -> None:
    """Let the payloads of these be built by the drafts of their rows."""
    for cls in (Roundabout, LongTaskRun):
        compiled = itertools.chain.from_iterable(
            each.values() for each in cls.machine.rows.values()
        )
        for row in itertools.chain.from_iterable(compiled):
            row.plain = False


def given(chance: random.Random) -> dict[str, Any]:
    """What a caller might give."""
    result = chance.choice((0, None, 5, Result(3), Result(1, "there"), NoResult))
    choices = {
        "message": chance.choice((None, "", "no", "said", 7)),
        "result": result,
        "context": chance.choice((None, {}, {"a": 1})),
        "cached_inputs": chance.choice((None, {}, {"b": Result(2)})),
        "nonsense": 1,
    }
    often = (0.4, 0.4, 0.15, 0.1, 0.03)
    picked = (chance.random() < each for each in often)
    return dict(itertools.compress(choices.items(), picked))


def said(run: Run, name: str, payload: dict[str, Any], *, aio: bool) -> tuple[Any, ...]:
    """All that can be seen of one firing: the payload entered, or the error."""
    try:
        if aio:
            dest: State = asyncio.run(getattr(run, name).aio(**payload))
        else:
            dest = run.trigger(name, **payload)
    except (TransitionError, StateError, InvalidArgument) as error:
        text = str(error).replace(type(run).__name__, "")
        return type(error), text, getattr(error, "__notes__", [])
    return seen(dest)


def seen(state: State) -> tuple[Any, ...]:
    """A payload, field by field; an empty dict is what reading makes of None."""
    values = [getattr(state, field.name) for field in attrs.fields(type(state))]
    return type(state), [None if value == {} else value for value in values]


def told(step: Step) -> tuple[Any, ...]:
    """A step, field by field, but for the run it is of."""
    return (step.seq, step.event, seen(step.source), seen(step.dest), step.micros, step.settings)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("aio", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("pair", [(Plain, Roundabout), (TaskRun, LongTaskRun)], ids=["ab", "task"])
def test_a_payload_built_in_line_is_the_one_its_draft_builds(
    pair: tuple[type[Run], type[Run]], aio: bool, seed: int
) -> None:
    chance, clock = random.Random(seed), HandClock()
    journals = [MemoryJournal(), MemoryJournal()]
    start = chance.choice((None, Pending("at first", context={"tags": ["x"]})))
    short, long = (
        cls(state=start, journal=journal, clock=clock)
        for cls, journal in zip(pair, journals, strict=True)
    )

    assert seen(short.state) == seen(long.state)  # a fresh payload is made when first looked at

    for _ in range(25):
        known = tuple(pair[0].lifecycle.events)
        names = short.allowed if short.allowed and chance.random() < 0.9 else known
        name, payload = chance.choice(names), given(chance)
        clock.advance(seconds=chance.choice((0, 5)))
        around = {"task_tags": ["ambient"]} if chance.random() < 0.1 else None
        with ambient.using(**around) if around else contextlib.nullcontext():
            assert said(short, name, dict(payload), aio=aio) == said(
                long, name, dict(payload), aio=aio
            )

        assert seen(short.state) == seen(long.state)
        assert [*map(told, short.history)] == [*map(told, long.history)]
    if short.history:
        kept, same = journals[0].steps(short.id), journals[1].steps(long.id)
        assert [*map(told, kept)] == [*map(told, same)] == [*map(told, short.history)]


def test_what_flows_on_is_a_copy() -> None:
    run = Plain(state=Pending(context={"a": 1}, cached_inputs={"b": Result(2)}))
    first = run.state

    run.begin()

    assert (run.state.context, run.state.cached_inputs) == ({"a": 1}, {"b": Result(2)})
    assert run.state.context is not first.context
    assert run.state.cached_inputs is not first.cached_inputs


def test_the_clock_in_force_is_asked_once_where_the_run_has_none() -> None:
    clock = HandClock()
    asked: list[int] = []

    def ask() -> Any:
        asked.append(1)
        return clock()

    with ambient.clock(ask):
        run = Plain()
        run.begin()

    assert run.history[0].at == clock()
    assert len(asked) == 1


def test_a_payload_that_takes_no_message_says_so() -> None:
    @attrs.frozen
    class Mute(Running):
        message: Any = attrs.field(default="fixed", init=False)

    class Quiet(Run):
        go = event(Mute, source=Pending)

    run = Quiet()
    with pytest.raises(InvalidArgument, match="go takes no message"):
        run.go(message="hello")
    with pytest.raises(InvalidArgument, match="go takes no message"):
        run.go(message=None)

    assert type(run.state) is Pending
    assert run.go().message == "fixed"


def test_a_payload_of_other_defaults_or_rules_is_made_by_them() -> None:
    @attrs.frozen
    class Greeting(Running):
        message: Any = "hello"

    @attrs.frozen
    class Terse(Pending):
        message: Any = attrs.field(default="", validator=attrs.validators.max_len(5))

    class Polite(Run):
        go = event(Greeting, source=Pending)
        back = event(Terse, source=Greeting)

    run = Polite()
    assert run.go().message == "hello"
    with pytest.raises(ValueError, match="message"):
        run.back(message="far too long")

    assert type(run.state) is Greeting


def test_payload_fields_may_be_named_as_what_fires() -> None:
    @attrs.frozen
    class Odd(Running):
        run: Any = None
        event: Any = None
        bound: Any = None

    class Oddly(Run):
        go = event(Odd, source=Pending)

    odd = Oddly().go(run=1, event=2, bound=3)
    awaited = asyncio.run(Oddly().go.aio(run=1, event=2, bound=3))

    assert (odd.run, odd.event, odd.bound) == (1, 2, 3)
    assert (awaited.run, awaited.event, awaited.bound) == (1, 2, 3)
