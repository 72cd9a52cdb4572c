"""Listen to a whole class of runs, or to one: to families of states, to events, before or after."""

from __future__ import annotations

from fsm import CallbackError, Step, TaskRun
from states import Cancelled, Failed, Finished, Paused, State


class WatchedRun(TaskRun):
    """A method named for a state or an event listens to it."""

    def on_enter_Running(self, step: Step) -> None:
        print(f"{self.id} is on its way, attempt {self.attempts}")


@WatchedRun.on_enter(Failed)  # and so TimedOut, TriggerFailed, ValidationFailed
def page_somebody(run: TaskRun, step: Step) -> None:
    print(f"{run.id} failed: {step.dest.message}")


@WatchedRun.handler  # may replace the proposed state by another legal one
def think_again(run: TaskRun, old: State, new: State) -> State | None:
    return Paused("somebody should look") if isinstance(new, Cancelled) else None


run = WatchedRun("report")


@run.before(WatchedRun.succeed)  # raising here would veto the step
def check(run: TaskRun, step: Step) -> None:
    print(f"about to {step.event} with {step.dest.result}")


@run.on_enter(Finished)
def hang_up(run: TaskRun, step: Step) -> None:
    raise ConnectionError("the dashboard is down")


run.start()
try:
    run.succeed(result=7)
except CallbackError as error:  # the step stands; the group says which listeners failed
    print(error.step, "stands, though", *error.exceptions)
print(run.state)

# report is on its way, attempt 1
# about to succeed with 7
# #2 succeed: Running → Success stands, though the dashboard is down
# <Success: "Task run succeeded.">
