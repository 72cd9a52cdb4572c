"""Fixtures of the simulations."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Log nothing: there are tens of thousands of faults, all on purpose."""
    caplog.set_level(logging.CRITICAL, "fsm")
