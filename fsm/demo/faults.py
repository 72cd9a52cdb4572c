"""Faults: what the demo breaks on purpose, once each in a generation, and what it says of that."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping

import attrs

from fsm.execution.context import current_run

from .folder import KILLED, Folder

__all__ = ["FAULTS", "STALL", "VICTIM", "Faults", "InjectedFault", "announced"]

STALL = 1.0  # seconds until the stalled attempt is given up
VICTIM = "clean[5]"  # June, while the other workers have a month in hand, too
FAULTS = {
    "load": "its first read fails",
    "airports": f"its first attempt stalls past the timeout of {STALL:g} s",
}
_MURDER = {VICTIM: "kill -9 ends its worker in the middle of it"}
_THEN = {
    "thread": "a thread cannot be stopped, so it is left behind",
    "process": "a process can be stopped, so it is",
    "dask": "a worker's thread cannot be stopped, so it is left behind",
}

_LOOK = 0.05  # seconds between two looks at whether a stalled attempt is still wanted
_PATIENCE = 60.0  # seconds until one that nobody gives up does so by itself
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has no other


class InjectedFault(OSError):
    """What the demo breaks on purpose."""


@attrs.frozen
class Faults:
    """The faults of one generation, for its tasks to run into."""

    folder: Folder
    deadly: bool = False  # whether a worker can be killed, and the demo lives

    def fail(self) -> None:
        """Fail the first attempt."""
        if current_run().attempt == 1:
            raise InjectedFault("injected fault: the first read of flights.csv.zip fails")

    def stall(self) -> bool:
        """Stall the first attempt until nobody waits for it any more; whether it was that one."""
        run = current_run()
        if run.attempt > 1:
            return False
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and not run.cancel_requested:
            time.sleep(_LOOK)
        return True

    def die(self) -> None:
        """Kill the worker that has the victim in hand, unless that has been done."""
        victim = current_run().id.endswith(f"/{VICTIM}")
        if self.deadly and victim and self.folder.first(KILLED):
            os.kill(os.getpid(), _KILL)


def announced(executor: str) -> Mapping[str, str]:
    """What will break, by the run that it happens to."""
    told = {**FAULTS, "airports": f"{FAULTS['airports']}; {_THEN[executor]}"}
    return told if executor == "thread" else {**told, **_MURDER}
