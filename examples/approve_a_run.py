"""Pause until an operator approves the run from another process, with `fsm approve`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from fsm import Worker, current_run, open_journal, task
from states import Paused, State


@task
def deploy(version: str) -> str | State:
    if not current_run().resumed:
        return Paused(f"may {version} be deployed?")
    return f"{version} is deployed"


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "runs.db")
    fsm = [sys.executable, "-m", "fsm"]
    environment = {**os.environ, "FSM_JOURNAL": str(path)}

    with open_journal(path) as journal:
        deploy.with_options(journal=journal, id="deploy-7").submit("7.0")
        worker = Worker(journal, [deploy])

        print(worker.until_idle(), "finished:", journal.summary("deploy-7").message)
        print(worker.until_idle(), "finished: no one has approved it yet")

        sys.stdout.flush()
        subprocess.run([*fsm, "approve", "deploy-7", "--by", "ada"], env=environment, check=True)

        print(worker.until_idle(), "finished")
        run = deploy.kind.restore("deploy-7", journal)
        print(run.state.result, "- approved by", run.state.context["approved_by"])

# 0 finished: may 7.0 be deployed?
# 0 finished: no one has approved it yet
# deploy-7: now Resume
# 1 finished
# 7.0 is deployed - approved by ada
