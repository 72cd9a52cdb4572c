"""Driver: a program for tests to interrupt and to kill while tasks are executed for it.

driver.py thread|process|dask URL LOG SECONDS     perform runs whose tasks last so long
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

from fsm import Call, Runner, TaskRun, current_run, open_journal

RUNS = 6


def work(log: str, seconds: float) -> str:
    with Path(log).open("ab", 0) as file:
        file.write(f"{current_run().id}\n".encode())
    threading.Event().wait(seconds)
    return current_run().id


@contextmanager
def executor(kind: str) -> Iterator[Executor | str]:
    if kind != "dask":
        yield kind
        return
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0",
            memory_limit=None, silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        yield client.get_executor(retries=0, pure=False)


def main(kind: str, url: str, log: str, seconds: str) -> None:
    with open_journal(url) as journal, executor(kind) as hands:
        runs = [TaskRun(f"r{number}", journal=journal) for number in range(RUNS)]
        try:
            with Runner(hands, workers=2) as runner:
                runner.perform_all([Call(run, work, (log, float(seconds))) for run in runs])
        except KeyboardInterrupt:
            print(json.dumps([type(run.state).__name__ for run in runs]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
