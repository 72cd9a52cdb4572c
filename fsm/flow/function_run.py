"""FunctionRun: one run of a decorated function, with the arguments it is called with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from fsm.tasks.task_run import TaskRun

if TYPE_CHECKING:
    from .task import Task

__all__ = ["FunctionRun", "is_plain"]


class FunctionRun(TaskRun):
    """One run of a function that `@task` decorates, with the arguments it is called with.

    They are kept with its settings where they are plain JSON, so that a worker can call the
    function with them; others are only known to the process that made the run.
    """

    __slots__ = ("args", "kwargs")

    function: ClassVar[Task[..., Any] | None] = None

    def __init__(
        self,
        id: str | None = None,
        *,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(id, **more)
        self.args, self.kwargs = tuple(args), dict(kwargs or {})

    def settings(self) -> Mapping[str, Any]:
        """The policy and, where they can be kept, the arguments."""
        settings = super().settings()
        if not self.args and not self.kwargs:
            return settings
        if not is_plain([list(self.args), self.kwargs]):
            return settings
        return {**settings, "args": list(self.args), "kwargs": self.kwargs}


def is_plain(value: Any) -> bool:
    """Whether JSON can say it, and says the same."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False
