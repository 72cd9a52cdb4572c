"""Measure in a fresh process.

`python -m benchmarks.child MODULE FUNCTION JSON` prints as JSON what the function returns.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["in_child", "run_python"]


def in_child(module: str, function: str, **arguments: Any) -> Any:
    """Call a function of one of our modules in a fresh process, and return its answer."""
    return run_python("-m", "benchmarks.child", module, function, json.dumps(arguments))


def run_python(*command: str) -> Any:
    """Run this Python, with our packages on its path, and return the JSON it prints."""
    above = str(Path(__file__).parent.parent)
    paths = [above, *filter(None, [os.environ.get("PYTHONPATH")])]
    ran = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(ran.stdout)


if __name__ == "__main__":
    module, function, arguments = sys.argv[1:]
    called = getattr(importlib.import_module(f"benchmarks.{module}"), function)
    print(json.dumps(called(**json.loads(arguments))))
