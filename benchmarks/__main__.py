"""`python -m benchmarks`."""

from .program import main

main(prog_name="python -m benchmarks")
