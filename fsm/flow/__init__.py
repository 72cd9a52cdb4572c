"""Functions and graphs of functions as runs."""
