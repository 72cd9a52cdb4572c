"""Renewal: a thread that keeps claims alive, and knows when it came too late."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Self

from fsm.errors import InvalidArgument, JournalError, StaleRun

from .claims import Claim

__all__ = ["Renewal"]

logger = logging.getLogger(__name__)

_BEATS = 3  # in the time of one lease, so that two may fail


class Renewal:
    """Renews claims as long as a `with` block runs.

        with Renewal(claims, lease=60) as renewal:
            ...  # and stop what renewal.holds(claim) does not hold any more

    Claims may come and go meanwhile: `add` and `remove`.

    It measures on a clock that nobody can set: a thread that was held up for longer than the
    lease says so in `lateness`, and a claim that somebody else has taken meanwhile is in `lost`.

    Args:
        lease: Seconds each renewal lasts.
        steady: A clock that only goes forward, in seconds; that of the system if left out.
    """

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
        self._lock = threading.Lock()  # of that: claims come and go while others are renewed
        self._next = now + self._lease / _BEATS
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self.lost: list[Claim] = []  # taken over by others, or released
        self.lateness = 0.0  # seconds, of the latest beat of all

    def add(self, claim: Claim) -> None:
        """Renew *claim* too, which was made just now."""
        with self._lock:
            self._renewed[claim] = self._steady()

    def remove(self, claim: Claim) -> None:
        """Renew *claim* no more, such as before it is released; nothing if it is lost already."""
        with self._lock:
            self._renewed.pop(claim, None)

    def holds(self, claim: Claim) -> bool:
        """Whether the lease of *claim* has certainly not lapsed, as far as we were in time."""
        renewed = self._renewed.get(claim)
        return renewed is not None and self._steady() < renewed + self._lease

    def beat(self) -> None:
        """Renew once, all that is not lost; what the thread does every third of a lease."""
        begun = self._steady()
        self.lateness = max(self.lateness, begun - self._next)
        if begun - self._next > self._lease:
            logger.warning("a renewal came %.1f s late: leases have lapsed", begun - self._next)
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
                if self._renewed.pop(claim, None) is None:  # released while we were asking
                    return
                self.lost.append(claim)
            logger.warning("lost the claim of %s: %s", claim.owner, stale)
        except JournalError as error:  # it may come back before the lease lapses
            logger.warning("cannot renew the claim on %s: %s", claim.run, error)
        else:
            with self._lock:
                if claim in self._renewed:
                    self._renewed[claim] = at  # before it was asked for: rather too early

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="fsm-renewal", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(max(0.0, self._next - self._steady())):
            self.beat()
