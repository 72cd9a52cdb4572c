"""Claims the runs that are due in a journal, performs them, and gives them back."""

from .worker import Worker as Worker

__all__ = ["Worker"]
