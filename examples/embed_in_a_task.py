"""Embed a run in each task of your own queue: the run decides, your queue executes."""

from __future__ import annotations

from collections.abc import Callable

from fsm import TaskRun, TransitionNotAllowed


class Job:
    """A task of a job queue, with its lifecycle inside."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self.work = work
        self.run = TaskRun(name, max_retries=2)

    def execute(self) -> None:
        """Do the work, and retry while attempts are left."""
        self.run.start()
        try:
            self.run.succeed(result=self.work())
        except OSError as error:
            self.run.fail(result=error)
            if self.run.retry.may():
                self.run.retry()
                self.execute()


answers = iter([OSError("the disk is asleep"), 42])


def read() -> object:
    answer = next(answers)
    if isinstance(answer, OSError):
        raise answer
    return answer


job = Job("nightly-read", read)
job.execute()
for step in job.run.history:
    print(step, f"({step.dest.message})")
print("result:", job.run.state.result)

try:
    job.run.fail(message="too late")  # a late writer never overwrites a finished run
except TransitionNotAllowed as refusal:
    print(refusal)

# #1 start: Pending → Running (Starting task run.)
# #2 fail: Running → Failed (Unexpected error: OSError('the disk is asleep'))
# #3 retry: Failed → Retrying (Retrying Task (after attempt 1 of 3))
# #4 start: Retrying → Running (Starting task run.)
# #5 succeed: Running → Success (Task run succeeded.)
# result: 42
# cannot fail from Success; from Success one can cache
