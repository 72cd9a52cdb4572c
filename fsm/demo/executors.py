"""The executors of the demo: threads, processes, or a Dask cluster on this machine."""

from __future__ import annotations

import importlib.util
import logging
import signal
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from fsm.errors import MissingExtra

__all__ = ["EXECUTORS", "WORKERS", "check_installed", "dask_setup", "open_executor"]

EXECUTORS = ("thread", "process", "dask")
WORKERS = 4

_NEEDS = {"process": "cloudpickle", "dask": "distributed"}


def check_installed(kind: str) -> None:
    """Check that the packages of an executor are installed.

    Raises:
        MissingExtra: They are not.
    """
    needed = _NEEDS.get(kind)
    if needed is not None and importlib.util.find_spec(needed) is None:
        raise MissingExtra(f"fsm demo --executor {kind}", kind)


@contextmanager
def open_executor(kind: str) -> Iterator[Executor | str]:
    """Provide the executor as `Runner` takes it; a Dask cluster is closed afterwards."""
    if kind != "dask":
        yield kind
        return
    with _cluster() as client:
        yield client.get_executor(retries=0, pure=False)


@contextmanager
def _cluster() -> Iterator[Any]:
    """Provide a cluster that only this machine can reach and that never repeats a task.

    Retries are decided by the lifecycle: a task whose worker is lost fails at once.
    """
    dask: Any = importlib.import_module("dask")  # its types are incomplete
    distributed: Any = importlib.import_module("distributed")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # None would take the default port
            scheduler_kwargs={"dashboard": False},
            memory_limit=None,
            preload=__name__,  # for `dask_setup`
            silence_logs=logging.CRITICAL,  # a worker will be killed, and the demo reports it
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def dask_setup(_worker: object) -> None:
    """Ignore Ctrl-C in a worker: the demo pauses the runs. Dask calls this in each worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
