"""Crew: who does the work of a demo. Threads, processes, or a Dask cluster on this machine."""

from __future__ import annotations

import importlib.util
import logging
import signal
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from fsm.errors import MissingExtra

__all__ = ["EXECUTORS", "WORKERS", "check_crew", "dask_setup", "hired"]

EXECUTORS = ("thread", "process", "dask")
WORKERS = 4

_NEEDS = {"process": "cloudpickle", "dask": "distributed"}


def check_crew(kind: str) -> None:
    """See that what this crew needs is installed.

    Raises:
        MissingExtra: It is not.
    """
    needed = _NEEDS.get(kind)
    if needed is not None and importlib.util.find_spec(needed) is None:
        raise MissingExtra(f"fsm demo --executor {kind}", kind)


@contextmanager
def hired(kind: str) -> Iterator[Executor | str]:
    """The executor of this crew, as a `Runner` takes it; the crew is let go afterwards."""
    if kind != "dask":
        yield kind
        return
    with _cluster() as client:
        yield client.get_executor(retries=0, pure=False)


@contextmanager
def _cluster() -> Iterator[Any]:
    """A cluster that only this machine can reach and that gives no task to a second worker.

    Whether and when a task is repeated is for the lifecycle to say: so a task whose worker is
    lost fails at once, and nothing is retried that the runner has not asked for.
    """
    dask: Any = importlib.import_module("dask")  # half its types are missing
    distributed: Any = importlib.import_module("distributed")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # None would take the one port that others want
            scheduler_kwargs={"dashboard": False},
            memory_limit=None,
            preload=__name__,  # for `dask_setup`
            silence_logs=logging.CRITICAL,  # a worker will be killed; the demo tells of it
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def dask_setup(_worker: object) -> None:
    """Leave Ctrl-C to the demo, which says what becomes of the runs. Each new worker calls this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
