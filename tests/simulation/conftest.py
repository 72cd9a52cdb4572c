"""What the simulated days share: nobody reads tens of thousands of lines of their log."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Log nothing of what goes wrong: all of it is on purpose."""
    caplog.set_level(logging.CRITICAL, "fsm")
