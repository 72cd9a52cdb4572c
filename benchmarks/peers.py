"""Other libraries' machines with the same two states. They need not be installed."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, get_args

import attrs
import pendulum

from states import NoResult, Result, Retrying, Running, Success

from .subjects import Payload

__all__ = [
    "EXTRA",
    "automat_class",
    "cattrs_functions",
    "installed",
    "missing",
    "statemachine_class",
]

EXTRA = {"statemachine": "python-statemachine", "automat": "automat", "cattrs": "cattrs"}


def installed(module: str) -> bool:
    """Whether this library is installed."""
    return importlib.util.find_spec(module) is not None


def missing() -> list[str]:
    """The distributions that are not installed."""
    return [name for module, name in EXTRA.items() if not installed(module)]


def statemachine_class(*, full: bool = True, awaited: bool = False) -> Callable[[], Any]:
    """A StateMachine of python-statemachine; *full* with guard, payload, history and listener."""
    from statemachine import State, StateMachine

    if not full:

        class Bare(StateMachine):
            """States and events."""

            idle, working = State(initial=True), State()
            begin, back = idle.to(working), working.to(idle)

        return Bare

    class Full(StateMachine):
        """The same with callbacks by name."""

        idle, working = State(initial=True), State()
        begin, back = idle.to(working, cond="ready"), working.to(idle, cond="ready")

        def __init__(self) -> None:
            self.payload = Payload()
            self.history: list[tuple[int, Payload, int]] = []
            super().__init__()

        def ready(self) -> bool:
            """The guard."""
            return True

        def before_transition(self, message: str | None = None) -> None:
            """Keep payload and time."""
            self.payload = Payload(message)
            self.history.append((len(self.history) + 1, self.payload, time.time_ns() // 1000))

        def after_transition(self) -> None:
            """The listener."""

    if not awaited:
        return Full

    class Async(Full):
        """The same with a listener that is awaited."""

        async def after_transition(self) -> None:
            """The async listener."""

    return Async


class Inputs(Protocol):
    """The inputs of an automat."""

    def begin(self, message: str | None = None) -> None:
        """From idle to working."""

    def back(self, message: str | None = None) -> None:
        """From working to idle."""


class Core:
    """The data of an automat."""

    def __init__(self) -> None:
        self.payload = Payload()
        self.history: list[tuple[int, Payload, int]] = []

    def keep(self, message: str | None) -> None:
        """Keep payload and time, and call the listener."""
        if not self.ready():
            raise ValueError("not ready")
        self.payload = Payload(message)
        self.history.append((len(self.history) + 1, self.payload, time.time_ns() // 1000))
        self.listen()

    def ready(self) -> bool:
        """The guard: automat has no guards of its own."""
        return True

    def listen(self) -> None:
        """The listener."""


def automat_class(*, full: bool = True) -> Callable[[], Any]:
    """A machine of automat; *full* with guard, payload, history and listener."""
    from automat import TypeMachineBuilder

    builder = TypeMachineBuilder(Inputs, Core)
    idle, working = builder.state("idle"), builder.state("working")

    def keep(inputs: Inputs, core: Core, message: str | None = None) -> None:
        if full:
            core.keep(message)

    idle.upon(Inputs.begin).to(working)(keep)
    working.upon(Inputs.back).to(idle)(keep)
    make = builder.build()
    return lambda: make(Core())


def cattrs_functions() -> tuple[Callable[[Any], dict[str, Any]], Callable[[Any], Any]]:
    """How cattrs writes our states as dicts ready for JSON, and how it reads them.

    A union of classes told apart by a tag, as its documentation has it; of its own accord it knows
    neither pendulum nor a result that may be none.
    """
    from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn
    from cattrs.preconf.json import make_converter
    from cattrs.strategies import configure_tagged_union

    kinds = Running | Success | Retrying
    for kind in get_args(kinds):
        attrs.resolve_types(kind)
    converter = make_converter()
    write_result = make_dict_unstructure_fn(Result, converter)
    read_result = make_dict_structure_fn(Result, converter)
    converter.register_unstructure_hook(
        Result, lambda result: None if result is NoResult else write_result(result)
    )
    converter.register_structure_hook(
        Result, lambda wire, kind: NoResult if wire is None else read_result(wire, kind)
    )
    converter.register_unstructure_hook(pendulum.DateTime, pendulum.DateTime.isoformat)
    converter.register_structure_hook(
        pendulum.DateTime, lambda text, _: pendulum.instance(datetime.fromisoformat(text))
    )
    configure_tagged_union(kinds, converter, tag_name="type")
    write = converter.get_unstructure_hook(kinds)
    read = converter.get_structure_hook(kinds)
    return write, lambda wire: read(wire, kinds)
