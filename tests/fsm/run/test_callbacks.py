"""Callbacks: who is told what, when, and what their errors mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fsm import (
    CallbackError,
    MemoryJournal,
    Run,
    Step,
    StepInProgress,
    TaskRun,
    TransitionNotAllowed,
    event,
    internal,
)
from fsm.errors import InvalidArgument, InvalidLifecycle
from fsm.run.callbacks import Callbacks
from fsm.testing import HandClock, Recorder
from states import (
    Cancelled,
    Failed,
    Finished,
    Paused,
    Pending,
    Resume,
    Retrying,
    Running,
    Scheduled,
    Skipped,
    State,
    Success,
)


@pytest.fixture
def heard() -> list[str]:
    """What the listeners said, in order."""
    return []


@pytest.fixture
def says(heard: list[str]) -> Callable[[str], Callable[..., None]]:
    """The maker of listeners that say a word."""

    def make(word: str) -> Callable[..., None]:
        return lambda *told: heard.append(word)

    return make


def test_everyone_is_told_in_the_documented_order(heard: list[str], says: Any) -> None:
    class Kept(MemoryJournal):
        def append(self, step: Step, *of: Any, **more: Any) -> None:
            heard.append("journal")
            super().append(step, *of, **more)

    def guard(run: Run, step: Step) -> bool:
        heard.append("guard")
        return True

    def prepare(draft: object) -> dict[str, Any]:
        heard.append("draft")
        return {}

    class Ordered(TaskRun):
        skip = event(Skipped, source=Pending, conditions=[guard], prepare=prepare)  # type: ignore[assignment]

        def before_skip(self) -> None:
            heard.append("method before")

        def on_exit_Pending(self) -> None:
            heard.append("method exit Pending")

        def on_enter_Skipped(self) -> None:
            heard.append("method enter Skipped")

        def after_skip(self) -> None:
            heard.append("method after")

    run = Ordered(journal=Kept())
    for owner, name in ((Ordered, "class"), (run, "run")):
        owner.after(says(f"{name} after all"))
        owner.after(Ordered.skip, says(f"{name} after skip"))
        owner.on_final(says(f"{name} final"))
        owner.on_enter(Skipped, says(f"{name} enter Skipped"))
        owner.on_enter(Success, says(f"{name} enter Success"))
        owner.on_enter(Finished, says(f"{name} enter Finished"))
        owner.on_enter(says(f"{name} enter any"))
        owner.on_exit(says(f"{name} exit any"))
        owner.on_exit(Pending, says(f"{name} exit Pending"))
        owner.before("skip", says(f"{name} before skip"))
        owner.before(says(f"{name} before all"))
        owner.handler(says(f"{name} handler"))
    run.on_enter(Skipped, lambda run, step: run.post("cache"))

    with pytest.raises(CallbackError):  # the posted event is not allowed: reported at the end
        run.skip()

    assert heard == [
        "draft",
        "guard",
        "class handler",
        "run handler",
        "class before all",
        "run before all",
        "method before",
        "class before skip",
        "run before skip",
        "journal",
        "method exit Pending",
        "class exit Pending",
        "run exit Pending",
        "class exit any",
        "run exit any",
        "class enter any",
        "run enter any",
        "class enter Finished",
        "run enter Finished",
        "class enter Success",
        "run enter Success",
        "method enter Skipped",
        "class enter Skipped",
        "run enter Skipped",
        "class final",
        "run final",
        "method after",
        "class after skip",
        "run after skip",
        "class after all",
        "run after all",
    ]


def test_the_state_changes_between_exit_and_enter(run: TaskRun) -> None:
    seen: list[tuple[str, type[State], int]] = []
    for hook in ("before", "on_exit", "on_enter", "after"):
        getattr(run, hook)(
            lambda run, step, hook=hook: seen.append((hook, type(run.state), len(run.history)))
        )

    run.start()

    assert seen == [
        ("before", Pending, 0),
        ("on_exit", Pending, 0),
        ("on_enter", Running, 1),
        ("after", Running, 1),
    ]


def test_a_family_is_told_only_at_its_border(run: TaskRun, heard: list[str], says: Any) -> None:
    run.on_enter(Pending, says("enter Pending"))
    run.on_exit(Pending, says("exit Pending"))
    run.on_enter(Scheduled, says("enter Scheduled"))
    run.on_exit(Scheduled, says("exit Scheduled"))

    run.pause()
    run.resume()
    run.start()

    assert heard == ["enter Scheduled", "exit Scheduled", "exit Pending"]


def test_a_reflexive_step_leaves_and_enters(run: TaskRun, heard: list[str], says: Any) -> None:
    run.schedule()
    run.on_exit(Scheduled, says("exit Scheduled"))
    run.on_enter(Scheduled, says("enter Scheduled"))
    run.on_enter(Pending, says("enter Pending"))

    run.schedule()

    assert heard == ["exit Scheduled", "enter Pending", "enter Scheduled"]


def test_an_internal_step_leaves_nothing(heard: list[str], says: Any) -> None:
    class Noted(TaskRun):
        note = internal(source=Running)

    run = Noted()
    run.start()
    for hook in (run.before, run.on_exit, run.on_enter, run.on_final, run.after):
        hook(says(hook._kind))

    run.note()

    assert heard == ["before", "after"]


def test_on_final_hears_of_states_that_nothing_leads_out_of(run: TaskRun) -> None:
    recorder = run.on_final(Recorder())

    run.start()
    run.fail()
    assert recorder.events == []
    run.retry()
    run.cancel()

    assert recorder.events == ["cancel"]


def test_methods_are_found_by_name() -> None:
    told: list[str] = []

    class Listening(TaskRun):
        def on_enter_Retrying(self, step: Step) -> None:
            told.append(f"{self.id} {step.event}")

        def on_exit_Finished(self) -> None:
            told.append("exit Finished")

        async def after_cancel(self) -> None:
            told.append("after cancel")

    run = Listening("r", max_retries=1)
    run.start()
    run.fail()
    run.retry()
    asyncio.run(run.cancel.aio())

    assert told == ["exit Finished", "r retry", "after cancel"]


def test_a_subclass_overrides_its_parents_method_and_may_call_it() -> None:
    told: list[str] = []

    class Parent(TaskRun):
        def on_enter_Running(self, step: Step) -> None:
            told.append("parent")

    class Child(Parent):
        def on_enter_Running(self, step: Step) -> None:
            told.append("child")
            super().on_enter_Running(step)

    class Silent(Parent):
        on_enter_Running = None  # type: ignore[assignment]

    Child().start()
    Silent().start()

    assert told == ["child", "parent"]


@pytest.mark.parametrize("name", ["on_enter_Retriing", "after_retri", "before_", "on_exit_State_"])
def test_a_method_that_listens_to_nothing_is_refused(name: str) -> None:
    with pytest.raises(InvalidLifecycle, match="listens to no"):
        type("Odd", (TaskRun,), {name: lambda self: None})


def test_a_method_that_takes_too_much_is_refused() -> None:
    with pytest.raises(InvalidLifecycle, match="on_enter_Running"):

        class Odd(TaskRun):
            def on_enter_Running(self, step: Step, more: int) -> None: ...


def test_a_method_may_take_whatever_comes() -> None:
    told: list[int] = []

    class Open(TaskRun):
        def on_enter_Running(self, *args: Any) -> None:
            told.append(len(args))

    Open().start()

    assert told == [1]


def test_a_static_method_of_a_listeners_name_is_told_or_refused() -> None:
    told: list[Step] = []
    try:

        class Static(TaskRun):
            @staticmethod
            def on_enter_Running(run: Run, step: Step) -> None:
                told.append(step)
    except InvalidLifecycle:
        return

    Static().start()

    assert len(told) == 1


def test_a_classs_listeners_hear_its_subclasses_and_their_runs_only() -> None:
    class Parent(TaskRun):
        pass

    class Child(Parent):
        pass

    class Sibling(TaskRun):
        pass

    recorder = Parent.after(Recorder())

    for cls in (Parent, Child, Sibling, TaskRun):
        cls(cls.__name__).start()

    assert [step.run for step in recorder.steps] == ["Parent", "Child"]


def test_a_class_of_two_parents_tells_the_listeners_of_both() -> None:
    class Left(TaskRun):
        pass

    class Right(TaskRun):
        pass

    class Both(Left, Right):
        pass

    left, right = Left.after(Recorder()), Right.after(Recorder())

    Both().start()

    assert (left.events, right.events) == (["start"], ["start"])


def test_a_runs_listeners_hear_that_run_only() -> None:
    one, other = TaskRun(), TaskRun()
    recorder = one.after(Recorder())

    one.start()
    other.start()

    assert [step.run for step in recorder.steps] == [one.id]


def test_a_listener_registered_later_hears_what_comes_later(run: TaskRun) -> None:
    run.start()
    recorder = run.after(Recorder())

    run.fail()

    assert recorder.events == ["fail"]


def test_a_listener_may_register_listeners(run: TaskRun) -> None:
    recorder = Recorder()

    @run.on_enter(Running)
    def again(run: TaskRun, step: Step) -> None:
        run.after(recorder)

    run.start()
    assert recorder.events == []
    run.fail()

    assert recorder.events == ["fail"]


def test_hooks_are_decorators_with_or_without_a_place(run: TaskRun, heard: list[str]) -> None:
    @run.after
    def all_(run: TaskRun, step: Step) -> None:
        heard.append("all")

    @run.after(TaskRun.start)
    def one(run: TaskRun, step: Step) -> None:
        heard.append("one")

    @run.before(None)
    def early(run: TaskRun, step: Step) -> None:
        heard.append("early")

    run.start()

    assert heard == ["early", "one", "all"]
    assert callable(one)


@pytest.mark.parametrize(
    ("hook", "place"),
    [
        ("before", "strat"),
        ("after", Running),
        ("after", 3),
        ("on_enter", "Running"),
        ("on_exit", TaskRun.retry),
        ("on_enter", int),
        ("on_final", Running),
        ("handler", TaskRun.retry),
    ],
)
def test_a_place_that_is_not_in_the_table_is_refused(hook: str, place: Any) -> None:
    with pytest.raises(InvalidArgument):
        getattr(TaskRun(), hook)(place, lambda run, step: None)


def test_object_is_no_family_of_states() -> None:
    with pytest.raises(InvalidArgument):
        TaskRun().on_enter(object, lambda run, step: None)  # type: ignore[arg-type]


def test_a_misspelt_place_gets_a_hint() -> None:
    with pytest.raises(InvalidArgument, match=r"did you mean 'start'"):
        TaskRun().before("strat", lambda run, step: None)


@pytest.mark.parametrize("listener", [3, "tell", lambda: None, lambda run: None])
def test_a_listener_takes_run_and_step(listener: Any) -> None:
    with pytest.raises(InvalidArgument, match="a listener"):
        TaskRun().after(TaskRun.start, listener)


def test_a_handler_takes_run_old_and_new() -> None:
    with pytest.raises(InvalidArgument, match=r"\(run, old, new\)"):
        TaskRun().handler(lambda run, step: None)


def test_a_built_in_without_a_signature_is_taken_at_its_word() -> None:
    run = TaskRun()

    run.after(TaskRun.start, min)
    with pytest.raises(CallbackError):
        run.start()


def test_a_veto_keeps_its_own_type_and_leaves_no_trace(run: TaskRun, journal: Any) -> None:
    heard = run.after(Recorder())

    @run.before(TaskRun.start)
    def veto(run: TaskRun, step: Step) -> None:
        raise PermissionError("not on Sundays")

    with pytest.raises(PermissionError, match="not on Sundays"):
        run.start()

    assert (type(run.state), run.history, heard.steps) == (Pending, (), [])
    assert list(journal.runs()) == []


@pytest.mark.parametrize("hook", ["on_exit", "on_enter", "after"])
def test_an_error_after_the_commit_is_reported_and_everyone_else_told(
    run: TaskRun, hook: str
) -> None:
    def fails(run: TaskRun, step: Step) -> None:
        raise ValueError(hook)

    getattr(run, hook)(fails)
    getattr(run, hook)(fails)
    others = [getattr(run, each)(Recorder()) for each in ("on_exit", "on_enter", "after")]

    with pytest.raises(CallbackError) as caught:
        run.start()

    assert [str(error) for error in caught.value.exceptions] == [hook, hook]
    assert caught.value.step is run.history[-1]
    assert type(run.state) is Running
    assert [other.events for other in others] == [["start"]] * 3


@pytest.mark.parametrize("hook", ["on_exit", "on_enter", "after"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_after_the_commit_finds_memory_and_journal_in_step(
    run: TaskRun, journal: Any, hook: str, error: type[BaseException]
) -> None:
    def interrupts(run: TaskRun, step: Step) -> None:
        raise error

    getattr(run, hook)(interrupts)

    with pytest.raises(error):
        run.start()

    assert type(run.state) is Running
    assert len(list(journal.steps(run.id))) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_before_the_commit_leaves_the_run_free(
    run: TaskRun, error: type[BaseException]
) -> None:
    interrupt = [error]

    @run.before
    def interrupts(run: TaskRun, step: Step) -> None:
        if interrupt:
            raise interrupt.pop()

    with pytest.raises(error):
        run.start()
    assert run.history == ()

    assert type(run.start()) is Running


def test_a_handler_may_replace_the_state_by_another_legal_one(run: TaskRun) -> None:
    run.handler(lambda run, old, new: Cancelled("no") if isinstance(new, Running) else None)
    recorder = run.on_enter(Cancelled, Recorder())

    entered = run.start()

    assert type(entered) is Cancelled
    assert [step.event for step in run.history] == ["cancel"]
    assert recorder.events == ["cancel"]


def test_a_handler_may_change_the_payload(run: TaskRun) -> None:
    run.handler(lambda run, old, new: new.evolve(message="changed"))

    assert run.start().message == "changed"
    assert run.history[0].event == "start"


def test_handlers_see_what_the_one_before_made_of_it(run: TaskRun) -> None:
    seen: list[State] = []
    run.handler(lambda run, old, new: new.evolve(message="one"))
    run.handler(lambda run, old, new: seen.append(new))

    run.start()

    assert [state.message for state in seen] == ["one"]


def test_a_handler_may_not_lead_where_the_table_does_not(run: TaskRun) -> None:
    run.handler(lambda run, old, new: Success())

    with pytest.raises(TransitionNotAllowed, match="cannot enter Success from Pending"):
        run.start()

    assert run.history == ()


def test_what_a_guard_forbids_a_handler_is_not_taken(run: TaskRun) -> None:
    run.start()
    run.fail()
    run.retry()
    run.start()
    run.fail()
    run.retry()
    run.start()
    run.handler(lambda run, old, new: Retrying() if isinstance(new, Failed) else None)

    run.fail()

    assert type(run.state) is Failed


def test_a_handler_that_changes_the_payload_leaves_the_event_as_it_was(run: TaskRun) -> None:
    class Two(Run):
        near = event(Running, source=Pending)
        far = event(Running, source=Pending)

    fired = Two()
    fired.handler(lambda run, old, new: Running("changed"))

    fired.far()

    assert [(step.event, step.dest.message) for step in fired.history] == [("far", "changed")]


def test_a_handler_may_change_what_only_its_own_event_leads_to(run: TaskRun) -> None:
    run.start()
    run.handler(lambda run, old, new: new.evolve(message="changed"))

    run.rescue()

    assert (run.history[-1].event, run.state.message) == ("rescue", "changed")
    assert (run.rescues, run.attempts) == (1, 0)


def test_a_handler_that_always_retries_comes_to_an_end(clock: HandClock) -> None:
    run = TaskRun(max_retries=2, clock=clock)
    run.handler(lambda run, old, new: Retrying() if isinstance(new, Failed) else None)

    while not run.state.is_failed():
        run.start(context={"kept": True})
        run.fail()

    assert run.attempts == 3
    assert [step.dest.run_count for step in run.history if step.dest.is_retrying()] == [1, 2]
    assert run.state.context["kept"]


@pytest.mark.parametrize("answer", [3, "Running", Running, [Running()]], ids=repr)
def test_a_handler_returns_a_state(run: TaskRun, answer: Any) -> None:
    run.handler(lambda run, old, new: answer)

    with pytest.raises(InvalidArgument, match="a state handler returns a state or None"):
        run.start()

    assert run.history == ()


def test_a_handler_that_raises_vetoes(run: TaskRun) -> None:
    def handler(run: TaskRun, old: State, new: State) -> None:
        raise LookupError("mine")

    run.handler(handler)

    with pytest.raises(LookupError, match="mine"):
        run.start()

    assert run.history == ()


def test_a_handler_may_change_the_payload_of_an_internal_step() -> None:
    class Noted(TaskRun):
        note = internal(source=Running)

    run = Noted()
    run.start()
    run.handler(lambda run, old, new: new.evolve(message="changed"))

    assert run.note(message="given").message == "changed"


def test_an_async_listener_of_a_sync_step_is_reported(run: TaskRun) -> None:
    async def listener(run: TaskRun, step: Step) -> None: ...

    run.after(listener)

    with pytest.raises(CallbackError) as caught:
        run.start()

    (error,) = caught.value.exceptions
    assert isinstance(error, InvalidArgument)
    assert "listener is async" in str(error)
    assert type(run.state) is Running


@pytest.mark.parametrize("hook", ["before", "handler"])
def test_an_async_veto_of_a_sync_step_stops_it(run: TaskRun, hook: str) -> None:
    async def listener(*told: object) -> None: ...

    getattr(run, hook)(listener)

    with pytest.raises(InvalidArgument, match="is async, but the step is not"):
        run.start()

    assert run.history == ()


@pytest.mark.parametrize("hook", ["before", "on_exit", "on_enter", "after"])
def test_firing_inside_a_step_is_refused(run: TaskRun, hook: str) -> None:
    caught: list[StepInProgress] = []

    @getattr(run, hook)
    def fires(run: TaskRun, step: Step) -> None:
        try:
            run.cancel()
        except StepInProgress as error:
            caught.append(error)

    run.start()

    assert len(caught) == 1
    assert "run.post()" in str(caught[0])
    assert [step.event for step in run.history] == ["start"]


def test_a_guard_that_fires_is_refused() -> None:
    def fires(run: Run, step: Step) -> bool:
        run.trigger("go")
        return True

    class Odd(Run):
        go = event(Running, source=Pending, conditions=[fires])

    with pytest.raises(StepInProgress):
        Odd().go()


def test_a_posted_event_fires_when_the_step_is_done(run: TaskRun) -> None:
    recorder = run.after(Recorder())
    run.on_enter(Running, lambda run, step: run.post(TaskRun.succeed, result=3))

    entered = run.start()

    assert type(entered) is Running
    assert type(run.state) is Success
    assert run.state.result == 3
    assert recorder.events == ["start", "succeed"]


def test_posted_events_fire_in_order(run: TaskRun) -> None:
    def posts(run: TaskRun, step: Step) -> None:
        run.post("fail")
        run.post("retry")
        run.post("start")

    run.after(TaskRun.schedule, posts)

    run.schedule()

    assert [step.event for step in run.history] == ["schedule", "fail", "retry", "start"]


def test_a_posted_event_that_is_refused_is_reported_with_the_step(run: TaskRun) -> None:
    run.on_enter(Running, lambda run, step: run.post("resume"))
    run.on_enter(Running, lambda run, step: run.post("succeed"))

    with pytest.raises(CallbackError) as caught:
        run.start()

    (error,) = caught.value.exceptions
    assert isinstance(error, TransitionNotAllowed)
    assert "from the posted event 'resume'" in error.__notes__
    assert type(run.state) is Success


def test_posting_outside_of_a_step_fires_at_once(run: TaskRun) -> None:
    run.post(TaskRun.start)

    assert type(run.state) is Running


def test_a_refusal_of_what_is_posted_outside_of_a_step_is_raised(run: TaskRun) -> None:
    with pytest.raises(TransitionNotAllowed):
        run.post("resume")

    assert run.history == ()


def test_listeners_of_what_is_posted_outside_of_a_step_are_reported(run: TaskRun) -> None:
    def fails(run: TaskRun, step: Step) -> None:
        raise ValueError("x")

    run.after(fails)

    with pytest.raises(CallbackError):
        run.post("start")

    assert type(run.state) is Running


def test_what_a_vetoed_step_posted_fires_at_its_end(run: TaskRun) -> None:
    @run.before(TaskRun.start)
    def posts(run: TaskRun, step: Step) -> None:
        run.post("cancel")
        raise RuntimeError("veto")

    with pytest.raises(RuntimeError, match="veto"):
        run.start()

    assert [step.event for step in run.history] == ["cancel"]


def test_a_refusal_of_what_a_vetoed_step_posted_does_not_hide_the_veto(run: TaskRun) -> None:
    @run.before(TaskRun.start)
    def posts(run: TaskRun, step: Step) -> None:
        run.post("resume")
        raise RuntimeError("veto")

    with pytest.raises(RuntimeError, match="veto"):
        run.start()


def test_a_guard_that_fires_when_asked_does_not_move_the_run() -> None:
    def fires(run: Any, step: Step) -> bool:
        if type(run.state) is Pending:
            run.cancel()
        return True

    class Odd(TaskRun):
        go = event(Running, source=Pending, conditions=[fires])

    run = Odd()
    with pytest.raises(StepInProgress):
        run.go.may()

    assert run.history == ()


def way(event: str, source: type[State]) -> Any:
    return TaskRun.machine.rows[source][event][0]


def test_a_listener_registered_while_a_plan_is_made_is_not_forgotten() -> None:
    class Slow(Callbacks):
        meanwhile: Callable[[], object] | None = None

        def _make(self, *key: Any) -> Any:
            plan = super()._make(*key)
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                meanwhile()
            return plan

    def other_thread() -> None:
        callbacks.add("after", None, recorder)
        callbacks.plan(way("fail", Running))

    callbacks, recorder = Slow((), TaskRun.lifecycle), Recorder()
    callbacks.meanwhile = other_thread
    callbacks.plan(way("start", Pending))

    assert callbacks.plan(way("start", Pending)).arrived == (recorder,)


def test_pausing_and_resuming_enter_both(run: TaskRun) -> None:
    entered: list[type[State]] = []
    run.on_enter(lambda run, step: entered.append(type(step.dest)))

    run.pause()
    run.resume()

    assert entered == [Paused, Resume]
