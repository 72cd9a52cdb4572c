"""Counts: how often each promise is tried, in the ordinary run and in the long one."""

from __future__ import annotations

import os
import random

__all__ = ["chance", "times"]

LONG = os.environ.get("FSM_TORTURE", "") not in ("", "0")
SEED = int(os.environ.get("FSM_TORTURE_SEED", "1"))

_TIMES = {  # ordinary, long
    "kills of a process": (500, 10_000),
    "power cuts": (1_000, 20_000),
    "kills of a server": (20, 200),
    "races": (1, 10),
    "late writers": (1, 20),
    "kills of workers": (4, 100),
    "kills of fsm work": (12, 400),
    "kills of drivers": (1, 20),
    "signals": (4_000, 200_000),
}


def times(what: str, *, shares: int = 1) -> int:
    """How often *what* happens in each of so many *shares* of the work."""
    return -(-_TIMES[what][LONG] // shares)


def chance(*what: object) -> random.Random:
    """The chance of one test: the same again under the same FSM_TORTURE_SEED."""
    seed = f"{SEED} {' '.join(map(str, what))}"
    print(f"seed: {seed!r}; FSM_TORTURE_SEED={SEED}")  # which pytest shows of a test that fails
    return random.Random(seed)
