"""Machine: shared by every run, open to the tools of `transitions`, and equal to a plain one."""

from __future__ import annotations

import random
from typing import Any

import pytest
import transitions

from fsm import GuardRejected, Run, Step, TaskRun, TransitionNotAllowed, event, internal
from fsm.lifecycle.table import Lifecycle
from fsm.testing import HandClock
from states import Pending, Running, State, Success


def test_one_machine_serves_every_run_of_a_class() -> None:
    assert TaskRun().machine is TaskRun().machine is TaskRun.machine
    assert TaskRun.machine.models == []


def test_a_subclass_has_a_machine_of_its_own() -> None:
    class Mine(TaskRun):
        pass

    assert Mine.machine is not TaskRun.machine
    assert Mine.machine.name.startswith("Mine")


def test_a_machine_knows_its_triggers_as_transitions_does() -> None:
    for node in TaskRun.lifecycle.nodes:
        triggers = TaskRun.machine.get_triggers(node.__name__)

        assert sorted(triggers) == sorted(TaskRun.lifecycle.allowed(node))


def test_a_machine_knows_its_transitions() -> None:
    (row,) = TaskRun.machine.get_transitions("retry", "Failed")

    assert (row.source, row.dest) == ("Failed", "Retrying")
    assert [condition.func.__name__ for condition in row.conditions] == [
        "attempts_left",
        "error_retried",
        "time_left",
    ]


def test_an_internal_row_has_no_destination() -> None:
    class Noted(Run):
        note = internal(source=Pending)

    (row,) = Noted.machine.get_transitions("note")

    assert row.dest is None


def test_the_states_of_the_machine_say_which_are_final() -> None:
    finals = {state.name for state in TaskRun.machine.states.values() if state.final}

    assert finals == {node.__name__ for node in TaskRun.lifecycle.finals}
    assert TaskRun.machine.initial == "Pending"


def test_an_event_of_the_machine_fires_on_the_run_it_is_given(run: TaskRun) -> None:
    assert run.machine.events["start"].trigger(run, message="by the machine")

    assert (type(run.state), run.state.message) == (Running, "by the machine")
    assert len(run.history) == 1


def test_a_transition_of_the_machine_fires_its_event(run: TaskRun) -> None:
    fired = run.machine.events["start"]
    (row,) = run.machine.get_transitions("start", "Pending")

    assert row.execute(transitions.EventData(None, fired, run.machine, run, (), {}))

    assert type(run.state) is Running


def test_the_machine_tells_where_a_run_is(run: TaskRun) -> None:
    run.start()

    assert run.machine.get_model_state(run).name == "Running"
    assert run.machine.is_state("Running", run)
    assert not run.machine.is_state("Pending", run)


# The differential test. A plain machine is made from the same table, by `transitions` alone, and
# driven by the same triggers: same states, same callbacks, same order.


class Plain:
    """A model of a plain `transitions.Machine` made from a lifecycle."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.log: list[tuple[str, str]] = []
        self.mirror: Twin | None = None
        self.initial = lifecycle.initial.__name__
        finals = lifecycle.finals
        states = [
            {
                "name": node.__name__,
                "on_enter": [self._noting("on_enter", node.__name__)],
                "on_exit": [self._noting("on_exit", node.__name__)],
                "final": node in finals,
            }
            for node in lifecycle.nodes
        ]
        self.machine = transitions.Machine(
            model=self,
            states=states,
            initial=lifecycle.initial.__name__,
            auto_transitions=False,
            send_event=True,
            before_state_change=[self._noting("before_all")],
            after_state_change=[self._noting("after_all")],
            on_final=[self._noting("on_final")],
        )
        for edge in lifecycle.edges:
            self.machine.add_transition(
                edge.event,
                edge.source.__name__,
                None if edge.row.dest is None else edge.dest.__name__,
                conditions=[self._asking(edge, guard) for guard in edge.row.conditions],
                unless=[self._asking(edge, guard) for guard in edge.row.unless],
                before=[self._noting("before", edge.event)],
                after=[self._noting("after", edge.event)],
            )

    def begin(self, mirror: Twin) -> list[tuple[str, str]]:
        """Stand at the beginning again, beside another run; return what will be noted."""
        self.mirror = mirror
        self.machine.set_state(self.initial)
        return self.log

    def fire(self, name: str) -> bool:
        """Fire; whether it passed."""
        try:
            return bool(self.machine.events[name].trigger(self))
        except transitions.MachineError:
            return False

    def _noting(self, slot: str, name: str = "") -> Any:
        return lambda event: self.log.append((slot, name))

    def _asking(self, edge: Any, guard: Any) -> Any:
        """Ask the guard what it says of the twin run: guards read payloads, which plain has not."""
        return lambda event: self.mirror is not None and self.mirror.answer(edge, guard)


class Twin:
    """A run that notes its callbacks, and what its guards say for the plain machine to hear."""

    def __init__(self, cls: type[Run], **settings: Any) -> None:
        self.log: list[tuple[str, str]] = []
        self.run = cls(**settings)
        self.run.before(self._noting("before_all"))
        self.run.after(self._noting("after_all"))
        self.run.on_final(self._noting("on_final"))
        for event_ in cls.lifecycle.events.values():
            self.run.before(event_, self._noting("before", event_.name))
            self.run.after(event_, self._noting("after", event_.name))
        self.run.on_enter(lambda run, step: self._note("on_enter", step.dest))
        self.run.on_exit(lambda run, step: self._note("on_exit", step.source))

    def _noting(self, slot: str, name: str = "") -> Any:
        return lambda run, step: self.log.append((slot, name))

    def _note(self, slot: str, state: State) -> None:
        self.log.append((slot, type(state).__name__))

    def answer(self, edge: Any, guard: Any) -> bool:
        """What *guard* says of the step that this edge would be, drafted as the run drafts it."""
        (row,) = [row for row in self.run._leading(edge.event) if row.row is edge.row]
        micros = self.run._micros()
        dest = row.draft(self.run, self.run.state, (), {}, micros)
        seq = len(self.run.history) + 1
        step = Step(self.run.id, seq, edge.event, self.run.state, dest, micros)
        said = guard(self.run, step)
        return said if isinstance(said, bool) else isinstance(said, int) and bool(said)

    def fire(self, name: str) -> bool:
        """Fire; whether it passed."""
        try:
            self.run.trigger(name)
        except (TransitionNotAllowed, GuardRejected):
            return False
        return True


def walk(cls: type[Run], plain: Plain, chance: random.Random, **settings: Any) -> int:
    """Drive a run and its plain twin through one random sequence; return how many steps passed."""
    clock = HandClock()
    twin = Twin(cls, clock=clock, **settings)
    log = plain.begin(twin)
    names = list(cls.lifecycle.events)
    moved = 0
    for _ in range(chance.randint(1, 12)):
        allowed = cls.lifecycle.allowed(type(twin.run.state))
        name = chance.choice(allowed if allowed and chance.random() < 0.8 else names)
        clock.advance(seconds=chance.choice((0, 0, 5, 100_000_000)))
        log.clear()
        twin.log.clear()
        passed = plain.fire(name)
        assert twin.fire(name) is passed
        assert plain.machine.get_model_state(plain).name == type(twin.run.state).__name__
        assert twin.log == log
        moved += passed
    return moved


@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_walks_go_as_those_of_a_plain_machine(seed: int) -> None:
    chance = random.Random(seed)
    plain = Plain(TaskRun.lifecycle)  # one for all: making it takes longer than the rest

    moved = 0
    for _ in range(1_000):
        settings = {
            "max_retries": chance.choice((0, 1, 3)),
            "timeout": chance.choice((None, 30)),
            "cache_for": chance.choice((None, 3600)),
        }
        moved += walk(TaskRun, plain, chance, **settings)

    assert moved > 1_000


@pytest.mark.parametrize("seed", range(40))
def test_random_tables_go_as_plain_machines_of_them(seed: int) -> None:
    chance = random.Random(seed)
    nodes = [node for node in TaskRun.lifecycle.nodes if chance.random() < 0.4] or [Running]
    body: dict[str, Any] = {}
    for place, dest in enumerate(nodes):  # each is reached from the one before it, so all are
        sources = {Pending, *nodes[:place]}
        source = chance.choice(sorted(sources, key=lambda cls: cls.__name__))
        says = chance.choice((True, 1))
        body[f"go_{place}"] = event(dest, source=source, conditions=[lambda run, step, s=says: s])
    body["note"] = internal(source=chance.choice([Pending, *nodes]))
    body["never"] = event(Success, source=Pending, unless=[lambda run, step: True]) | event(
        nodes[0], source=Pending
    )
    made = type("Random", (Run,), body)

    plain = Plain(made.lifecycle)
    for _ in range(25):
        walk(made, plain, chance)
