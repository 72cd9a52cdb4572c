"""FunctionRun: one run of a decorated function, with the arguments of the call."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from fsm.tasks.task_run import TaskRun

__all__ = ["FunctionRun", "is_plain_json"]


class FunctionRun(TaskRun):
    """One run of a function that `@task` decorates, with the arguments of the call.

    The journal keeps the arguments with the run's settings if they are plain JSON, so that a
    worker can call the function. Otherwise only the process that created the run has them.

    Args:
        id: The run's id in the journal. Default: a new one.
        args, kwargs: The arguments of the call.
        more: What a `TaskRun` takes.
    """

    __module__ = "fsm.flow"
    __slots__ = ("args", "kwargs")

    function: ClassVar[Callable[..., Any] | None] = None  # the Task, on the class of its runs

    def __init__(
        self,
        id: str | None = None,
        *,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(id, **more)
        self.args: tuple[Any, ...] = tuple(args)
        self.kwargs: dict[str, Any] = dict(kwargs or {})

    def settings(self) -> Mapping[str, Any]:
        """The policy and, if they are plain JSON, the arguments."""
        settings = super().settings()
        if not self.args and not self.kwargs:
            return settings
        if not is_plain_json([list(self.args), self.kwargs]):
            return settings
        return {**settings, "args": list(self.args), "kwargs": self.kwargs}


def is_plain_json(value: Any) -> bool:
    """Whether writing *value* as JSON and reading it back gives an equal value."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False
