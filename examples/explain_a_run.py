"""Ask a run why it cannot move, what would lead there, and what has happened to it."""

from __future__ import annotations

from fsm import TaskRun
from fsm.testing import HandClock

clock = HandClock()  # moved by hand, so that each run of this prints the same
run = TaskRun("load-7", clock=clock)
run.schedule(start_time=clock().add(minutes=5))
print(*run.why_not("succeed").lines[1:], sep="\n")  # the first line lists what can be done instead

clock.advance(minutes=5)
run.start()
clock.advance(seconds=2.5)
run.fail(result=ConnectionError("no route"))
print()
print(run.why_not("retry"))  # the guard that refuses, and what it read

print()
print(run.story())  # `fsm story RUN` prints it for a run in a journal

# events that lead there:
#   1. start → Running from 2020-01-01T00:05:00+00:00 on
#   2. succeed → Success
#
# cannot retry from Failed: [attempts left] said no: 1 of 1 attempts are used
# [attempts left] checks: Whether the run has made no more attempts than `Retry.max_retries`.
# [attempts left] read run.policy.retry.max_retries = 0, run.attempts = 1
# no sequence of events is known after which one can retry
#
# load-7 is Failed, 3 steps and 5 min 2 s after it began.
# Policy: it is not retried; a lost worker is replaced 3 times at most.
#
# 2020-01-01 00:00:00.000  it was scheduled, to start in 5 min
# 2020-01-01 00:05:00.000  attempt 1 of 1 started, after 5 min in Scheduled
# 2020-01-01 00:05:02.500  it failed, after 2.5 s in Running: ConnectionError: no route
#
# It has failed and has no attempts left; only a rerun starts it again.
