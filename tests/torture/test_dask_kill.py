"""Workers of a Dask cluster are killed at any moment: no run is stuck, none is recorded twice."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import Client, LocalCluster

from fsm import Call, Policy, Retry, Runner, TaskRun, open_journal
from states import Failed

from .counts import chance, times
from .labour import Log, batch, check, deadly, killing, labour

pytestmark = pytest.mark.filterwarnings("default")  # between Dask and its own dependencies

KILLS = 4  # of one batch, at most


@contextmanager
def connected() -> Iterator[tuple[LocalCluster, Client]]:
    """Two workers of two threads each, which only this machine can reach."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=2,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=None,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield cluster, client


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with connected() as (_, made):
        yield made


def workers(cluster: LocalCluster) -> list[int]:
    """The processes of the workers, if all are up.

    A worker that is killed while it starts Dask gives up, and a cluster that has none left keeps
    what it was given until one comes.
    """
    processes = [getattr(nanny, "process", None) for nanny in tuple(cluster.workers.values())]
    up = [each.pid for each in processes if each is not None and each.status.name == "running"]
    return up if len(up) > 1 else []


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_worker_killed_at_any_moment_is_replaced(
    request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    url = str(tmp_path / "r.db") if store == "sqlite" else request.getfixturevalue("database")
    rng, log, killed, number = chance("dask", store), Log(tmp_path / "log"), 0, 0
    kills = times("kills of workers", shares=1 if store == "sqlite" else 2)

    while killed < kills:
        with connected() as (cluster, client), open_journal(url) as journal:
            runner = Runner(client.get_executor(retries=0, pure=False), workers=4)
            calls = batch(journal, log, f"b{number}", rng)
            victims, over = partial(workers, cluster), threading.Event()
            with killing(victims, rng, min(KILLS, kills - killed), over) as some:
                labour(runner, calls)
        killed, number = killed + len(some), number + 1

    print(f"{killed} workers killed in {number} batches")
    check(url, log)


def test_a_deadly_task_ends_by_its_policy(tmp_path: Path, client: Client) -> None:
    url, log = str(tmp_path / "r.db"), Log(tmp_path / "log")

    with open_journal(url) as journal, Runner(client.get_executor(pure=False)) as runner:
        guilty = TaskRun("guilty", journal=journal, policy=Policy(Retry(max_rescues=2)))
        (end,) = runner.perform_all([Call(guilty, deadly, (log,))])

    assert type(end) is Failed
    assert log.counts() == {"guilty": 3}
    check(url, log)


def test_a_task_that_dask_repeats_is_recorded_once(tmp_path: Path, client: Client) -> None:
    """Where a cluster gives lost work to another worker by itself, the claim is in its way."""
    url, log = str(tmp_path / "r.db"), Log(tmp_path / "log")
    client.run_on_scheduler(_allow, 3)
    try:
        with open_journal(url) as journal, Runner(client.get_executor(retries=3)) as runner:
            guilty = TaskRun("guilty", journal=journal, policy=Policy(Retry(max_rescues=1)))
            (end,) = runner.perform_all([Call(guilty, deadly, (log,))])
    finally:
        client.run_on_scheduler(_allow, 0)

    assert type(end) is Failed
    assert log.counts() == {"guilty": 2}
    check(url, log)


def _allow(failures: int, dask_scheduler: Any) -> None:
    dask_scheduler.allowed_failures = failures
