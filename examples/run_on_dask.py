"""Run tasks on a Dask cluster. The lifecycle decides about retries, not Dask."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import dask
from distributed import Client, LocalCluster

from fsm import Call, Quorum, Runner, TaskRun, current_run, open_journal
from fsm.flow import Mapping

# Dask reports a lost worker at once, so that the run is rescued by its own policy.
dask.config.set({"distributed.scheduler.allowed-failures": 0})


def fetch(page: int) -> int:
    """Fetch a page. Page 4 does not exist, page 2 only at the second attempt."""
    if page == 4 or (page == 2 and current_run().attempt == 1):
        raise OSError(f"no page {page}")
    return page * 100


def main(folder: Path, client: Client) -> None:
    executor = client.get_executor(retries=0, pure=False)
    with open_journal(str(folder / "runs.db")) as journal, Runner(executor) as runner:
        run = TaskRun("pages", journal=journal, max_retries=1)
        pages = Mapping(range(6), quorum=Quorum.at_least(5))
        (state,) = runner.perform_all([Call(run, fetch, over=pages)])

        print(run.id, type(state).__name__, "of", len(state.map_states))
        for child in journal.runs():
            if child.parent is not None:
                print(child.run, child.state, f"after {child.steps} steps")


if __name__ == "__main__":
    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    )
    with tempfile.TemporaryDirectory() as made, cluster, Client(cluster) as connected:
        main(Path(made), connected)

# pages Mapped of 6
# pages[0] Success after 2 steps
# pages[1] Success after 2 steps
# pages[2] Success after 5 steps
# pages[3] Success after 2 steps
# pages[4] Failed after 5 steps
# pages[5] Success after 2 steps
