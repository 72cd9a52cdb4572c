"""Heartbeat: a thread that renews the leases of claims while their runs are executed."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Self

from fsm.errors import InvalidArgument, JournalError, StaleRun

from .claims import Claim

__all__ = ["Heartbeat"]

logger: logging.Logger = logging.getLogger(__name__)

_BEATS = 3  # in the time of one lease, so that two may fail


class Heartbeat:
    """Renews claims as long as a `with` block runs.

        with Heartbeat(claims, lease=60) as heartbeat:
            ...  # and stop work on each claim that heartbeat.holds(claim) is False for

    Claims may be added and removed meanwhile. The time is measured by a clock that cannot be set.
    If the thread was held up for longer than a lease, `lateness` says so. Claims that another
    worker has taken, or that were released, are in `lost`.

    Args:
        lease: Seconds that each renewal lasts.
        steady: A monotonic clock in seconds; that of the system if left out.

    Attributes:
        lost: Claims that could not be renewed any more.
        lateness: Seconds by which the latest beat of all was late.

    Raises:
        InvalidArgument: *lease* is no number above 0.
    """

    __module__ = "fsm.journal"

    def __init__(
        self,
        claims: Iterable[Claim],
        *,
        lease: float = 60.0,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        if isinstance(lease, bool) or not isinstance(lease, int | float) or not lease > 0:
            raise InvalidArgument(f"a lease is a number of seconds above 0, not {lease!r}")
        self._lease = float(lease)
        self._steady = steady
        now = steady()
        self._renewed = dict.fromkeys(claims, now)
        self._lock = threading.Lock()  # guards _renewed: claims come and go during a beat
        self._next = now + self._lease / _BEATS
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self.lost: list[Claim] = []
        self.lateness: float = 0.0

    def add(self, claim: Claim) -> None:
        """Renew *claim* too. It was made just now."""
        with self._lock:
            self._renewed[claim] = self._steady()

    def remove(self, claim: Claim) -> None:
        """Stop renewing *claim*, for example before it is released. Does nothing if it is lost."""
        with self._lock:
            self._renewed.pop(claim, None)

    def holds(self, claim: Claim) -> bool:
        """Whether the lease of *claim* has certainly not lapsed yet."""
        renewed = self._renewed.get(claim)
        return renewed is not None and self._steady() < renewed + self._lease

    def beat(self) -> None:
        """Renew all claims that are not lost. The thread does so every third of a lease."""
        began = self._steady()
        self.lateness = max(self.lateness, began - self._next)
        if began - self._next > self._lease:
            logger.warning("a heartbeat came %.1f s late: leases have lapsed", began - self._next)
        with self._lock:
            claims = tuple(self._renewed)
        for claim in claims:
            self._renew(claim)
        self._next = self._steady() + self._lease / _BEATS

    def _renew(self, claim: Claim) -> None:
        at = self._steady()
        try:
            claim.heartbeat(self._lease)
        except StaleRun as stale:
            with self._lock:
                if self._renewed.pop(claim, None) is None:  # it was removed meanwhile
                    return
                self.lost.append(claim)
            logger.warning("lost the claim of %s: %s", claim.owner, stale)
        except JournalError as error:  # the journal may come back before the lease lapses
            logger.warning("cannot renew the claim on %s: %s", claim.run, error)
        else:
            with self._lock:
                if claim in self._renewed:
                    self._renewed[claim] = at  # the time before the request: rather too early

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="fsm-heartbeat", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(max(0.0, self._next - self._steady())):
            self.beat()
