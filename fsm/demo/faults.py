"""The faults that the demo injects on purpose, each once in a generation."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping

import attrs

from fsm.execution.context import current_run

from .folder import KILLED, Folder

__all__ = ["FAULTS", "STALL", "VICTIM", "Faults", "InjectedFault", "describe_faults"]

STALL = 1.0  # seconds until the stalled attempt times out
VICTIM = "clean[5]"  # June: the other workers execute other months meanwhile
FAULTS = {
    "load": "its first read fails",
    "airports": f"its first attempt stalls past the timeout of {STALL:g} s",
}
_KILLED_WORKER = {VICTIM: "kill -9 ends its worker while it runs"}
_AFTER_TIMEOUT = {
    "thread": "a thread cannot be stopped, so it keeps running",
    "process": "a process can be stopped, so it is",
    "dask": "a worker's thread cannot be stopped, so it keeps running",
}

_POLL = 0.05  # seconds between two checks whether the stalled attempt was cancelled
_PATIENCE = 60.0  # seconds after which a stalled attempt ends by itself
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has no SIGKILL


class InjectedFault(OSError):
    """A fault that the demo injects on purpose."""


@attrs.frozen
class Faults:
    """Injects the faults of one generation; called by its tasks."""

    folder: Folder
    deadly: bool = False  # whether a worker may be killed: it is not this process

    def fail(self) -> None:
        """Fail the first attempt."""
        if current_run().attempt == 1:
            raise InjectedFault("injected fault: the first read of flights.csv.zip fails")

    def stall(self) -> bool:
        """Stall the first attempt until it is cancelled; return whether this was the first."""
        run = current_run()
        if run.attempt > 1:
            return False
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and not run.cancel_requested:
            time.sleep(_POLL)
        return True

    def die(self) -> None:
        """Kill this worker if it executes the victim, once in a generation."""
        victim = current_run().id.endswith(f"/{VICTIM}")
        if self.deadly and victim and self.folder.create_once(KILLED):
            os.kill(os.getpid(), _KILL)


def describe_faults(executor: str) -> Mapping[str, str]:
    """Return what will fail, by the name of the run."""
    faults = {**FAULTS, "airports": f"{FAULTS['airports']}; {_AFTER_TIMEOUT[executor]}"}
    return faults if executor == "thread" else {**faults, **_KILLED_WORKER}
