"""Benchmarks: ratios within one run, against peers and hand-written code."""
