"""Lease: who has claimed a run and until when, for a journal that has no database to ask."""

from __future__ import annotations

import attrs

__all__ = ["Lease", "Leases"]


@attrs.frozen
class Lease:
    """Who has claimed a run, for the how manieth time, and until when."""

    epoch: int = 0
    owner: str | None = None
    until: int | None = None

    def holds(self, now: int) -> bool:
        """Whether nobody else may claim the run."""
        return self.until is not None and self.until > now


_NOBODY = Lease()


class Leases:
    """The leases of all runs. Not safe under threads: its owner's lock is held meanwhile."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}

    def of(self, run: str) -> Lease:
        """The lease of a run, as it stands."""
        return self._leases.get(run, _NOBODY)

    def take(self, run: str, owner: str, until: int) -> int:
        """Give the run to *owner*; return the epoch of the claim."""
        epoch = self.of(run).epoch + 1
        self._leases[run] = Lease(epoch, owner, until)
        return epoch

    def renew(self, run: str, epoch: int, until: int) -> bool:
        """Let the claim of this epoch last until then; whether it was still the last one made."""
        lease = self.of(run)
        if lease.epoch != epoch or lease.until is None:
            return False
        self._leases[run] = attrs.evolve(lease, until=until)
        return True

    def free(self, run: str, epoch: int) -> bool:
        """Give the claim of this epoch up; whether it was still the last one made."""
        lease = self.of(run)
        if lease.epoch != epoch or lease.until is None:
            return False
        self._leases[run] = Lease(epoch + 1)
        return True

    def revoke(self, run: str, owner: str, now: int) -> bool:
        """Let the claim end now; whether it was that of *owner*."""
        lease = self.of(run)
        if lease.owner != owner or lease.until is None:
            return False
        self._leases[run] = attrs.evolve(lease, until=min(lease.until, now))
        return True
