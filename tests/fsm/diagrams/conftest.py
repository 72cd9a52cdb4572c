"""Shared by the tests of diagrams: a run with a history, and a lifecycle of hostile text."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from fsm import Run, TaskRun, event
from fsm.testing import HandClock
from states import Pending, State

HOSTILE = (
    "quote \" and ' and `tick`",
    "<script>alert(1)</script>",
    "</text></svg><img src=x onerror=alert(1)>",
    "&amp; &lt;b&gt; &#60;i&#62; #60; #quot; #35;",
    "a:::danger",
    "%% comment %%{init: {}}%%",
    "line\nbreak\r\n[*] --> s0",
    "s0 --> s1 : fake; s1 --> s0",
    "x direction LR y",
    "DIRECTION  TB",
    "note right of s0",
    "end note } state {",
    "click s0 href javascript:alert(1)",
    "\\N \\G \\l \\",
    '"] ; n0 -> n1 [label="',
    "$$\\frac{1}{2}$$ **bold** _it_ [link](http://x)",
    "[bold red]markup[/] [/]",
    "\x00\x07\x1b[31mred\x1b[0m",
    "‮reversed‬ ​ ",
    "\ud800 lone \ufffe\uffff",
    "日本語 ñ 🚀 é́́́",
    "1. first",
    "- item",
    "# head",
    "> quote",
    "a_b_ _c __d__ snake_case",
    "__proto__ constructor prototype",
    "x" * 5_000,
    "",
    "   ",
)


@pytest.fixture
def run(clock: HandClock) -> TaskRun:
    """A run that was tried three times and went round a loop twice."""
    run = TaskRun("load", clock=clock, max_retries=2)
    run.submit()
    run.start()
    for _ in range(2):
        clock.advance(seconds=5)
        run.fail()
        run.retry()
        clock.advance(seconds=2)
        run.start()
    run.loop()
    run.iterate()
    run.start()
    run.loop()
    run.iterate()
    run.start()
    clock.advance(seconds=3)
    run.succeed()
    return run


def lifecycle_of(text: str) -> type[Run]:
    """Return a lifecycle with *text* as the name of a state, an event and a guard, and a colour.

    The names of states and events are cut, as lifecycles bound them to 200 characters.
    """

    def guard(run: Any, step: Any) -> bool:
        return True

    guard.__name__ = text.replace("\x00", "") or "g"
    name_text = text.encode("utf-8", "replace").decode()  # a class takes no lone surrogates
    body = {"color": text, "__doc__": name_text, "__module__": __name__, "__annotations__": {}}
    name = name_text.replace("\x00", "").lstrip("_")[:199] or "H"
    state: Any = attrs.frozen(type(name, (State,), body))
    child: Any = attrs.frozen(type(name + "2", (state,), dict(body)))
    rows = {
        "go": event(state, source=Pending, conditions=[guard]),
        "t" + text[:199]: event(child, source=(Pending, state), unless=[guard]),
    }
    return type("Hostile", (Run,), rows)
