"""Restore a run from its journal after its process was killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from fsm import StaleRun, TaskRun, open_journal

DOOMED = """
import os, signal, sys
from fsm import TaskRun, open_journal

run = TaskRun("etl", journal=open_journal(sys.argv[1]), max_retries=1)
run.start()
os.kill(os.getpid(), signal.SIGKILL)  # the step was acknowledged, so it is on the disk
"""

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "runs.db")
    code = subprocess.run([sys.executable, "-c", DOOMED, path], check=False).returncode
    print("the process ended with", code)

    run = TaskRun.restore("etl", open_journal(path))
    print(run.state, "after", len(run.history), "step,", run.max_retries, "retry allowed")

    late = TaskRun.restore("etl", open_journal(path))  # another worker has it too
    run.fail(message="its process is gone")
    try:
        late.succeed(result="too late")
    except StaleRun as refusal:
        print(refusal)
    run.retry()
    print(run.state)

# the process ended with -9
# <Running: "Starting task run."> after 1 step, 1 retry allowed
# run 'etl' has moved on: step 2 is already fail: Running → Failed; restore the run and decide again
# <Retrying: "Retrying Task (after attempt 1 of 2)">
