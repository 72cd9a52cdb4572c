"""What every test may ask for."""

from __future__ import annotations

from .postgres import database, postgres

__all__ = ["database", "postgres"]
