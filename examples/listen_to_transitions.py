"""Listen to a class of runs or to one run: to states and their subclasses, or to events."""

from __future__ import annotations

from fsm import CallbackError, Step, TaskRun
from states import Cancelled, Failed, Finished, Paused, State


class WatchedRun(TaskRun):
    """A method named after a state or an event listens to it."""

    def on_enter_Running(self, step: Step) -> None:
        print(f"{self.id} is running, attempt {self.attempts}")


@WatchedRun.on_enter(Failed)  # and its subclasses: TimedOut, TriggerFailed, ValidationFailed
def page_the_operator(run: TaskRun, step: Step) -> None:
    print(f"{run.id} failed: {step.dest.message}")


@WatchedRun.handler  # may replace the proposed state by another that a row leads to
def pause_instead(run: TaskRun, old: State, new: State) -> State | None:
    return Paused("an operator should look") if isinstance(new, Cancelled) else None


run = WatchedRun("report")


@run.before(WatchedRun.succeed)  # an exception here would veto the step
def check(run: TaskRun, step: Step) -> None:
    print(f"about to {step.event} with {step.dest.result}")


@run.on_enter(Finished)
def notify_dashboard(run: TaskRun, step: Step) -> None:
    raise ConnectionError("the dashboard is down")


run.start()
try:
    run.succeed(result=7)
except CallbackError as error:  # the step stands; the group contains what the listeners raised
    print(error.step, "stands, though", *error.exceptions)
print(run.state)

# report is running, attempt 1
# about to succeed with 7
# #2 succeed: Running → Success stands, though the dashboard is down
# <Success: "Task run succeeded.">
