"""What every test may ask for."""

from __future__ import annotations

import signal

from .postgres import database, postgres

__all__ = ["database", "postgres"]

# Of what a script starts in the background, shells let Ctrl-C be ignored, and programs inherit
# that: tests that interrupt one would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
