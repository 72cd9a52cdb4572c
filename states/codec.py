"""State <-> JSON."""
from __future__ import annotations
from typing import Any
def write(state: Any) -> dict[str, Any]: raise NotImplementedError
def read(wire: Any) -> Any: raise NotImplementedError
def dumps(state: Any) -> str: raise NotImplementedError
def loads(text: str) -> Any: raise NotImplementedError
