"""Function: `@task` makes a function whose calls can be runs. A plain call still calls it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

import attrs

from fsm.durations import Duration
from fsm.errors import InvalidArgument
from fsm.tasks.cache import Cache
from fsm.tasks.policy import Policy, Timeout, as_policy, override
from fsm.tasks.retry import Retry
from fsm.tasks.task_run import TaskRun
from fsm.tasks.validators import all_inputs

from .function_run import FunctionRun, is_plain

if TYPE_CHECKING:
    import datetime

    from fsm.execution.call import Call
    from fsm.execution.runner import Runner
    from fsm.lifecycle.store import StepStore
    from fsm.run.run import Clock

    from .node import Node

__all__ = ["Task", "task"]

P = ParamSpec("P")
R = TypeVar("R")


class Task(Generic[P, R]):
    """A function whose calls can be runs.

    @task(max_retries=3, retry_delay=10, timeout=60)
    def load(url: str) -> int: ...

    load("a")                       # calls the function
    load.run("a").state             # performs a run of it, to its end
    load.with_options(journal=journal).submit("a")     # leaves it for a worker
    """

    def __init__(
        self, function: Callable[P, R], policy: Policy, base: type[TaskRun] = FunctionRun
    ) -> None:
        if not callable(function) or isinstance(function, type):
            raise InvalidArgument(f"a task is a function, not {function!r}")
        functools.update_wrapper(self, function)
        self.function = function
        self.kind = _kind(function, self, policy, base)
        self._id: str | None = None
        self._journal: StepStore | None = None
        self._clock: Clock | None = None
        self._runner: Runner | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, without a run."""
        return self.function(*args, **kwargs)

    def with_options(
        self,
        *,
        id: str | None = None,
        journal: StepStore | None = None,
        clock: Clock | None = None,
        runner: Runner | None = None,
    ) -> Task[P, R]:
        """The same task, whose runs are made with these; what is left out stays as it is."""
        made: Task[P, R] = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made._id = self._id if id is None else id
        made._journal = self._journal if journal is None else journal
        made._clock = self._clock if clock is None else clock
        made._runner = self._runner if runner is None else runner
        return made

    def new(self, *args: P.args, **kwargs: P.kwargs) -> FunctionRun:
        """A run of it that nobody has performed yet, or the one that its journal has."""
        from fsm.errors import UnknownRun

        if self._id is not None and self._journal is not None:
            try:
                return self.kind.restore(self._id, self._journal, clock=self._clock)
            except UnknownRun:
                pass
        return self.kind(
            self._id, journal=self._journal, clock=self._clock, args=args, kwargs=kwargs
        )

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call:
        """A call of it for `Runner.perform_all`, with a run of its own."""
        from fsm.execution.call import Call

        run = self.new(*args, **kwargs)
        return Call(run, self, run.args, run.kwargs)

    def run(self, *args: P.args, **kwargs: P.kwargs) -> FunctionRun:
        """Perform a run of it; return the run at its end, finished or `Paused`.

        Raises:
            As `fsm.perform`.
        """
        call = self.call(*args, **kwargs)
        with _Lent(self._runner, self._clock) as runner:
            runner.perform_all([call])
        return call.run  # type: ignore[return-value]  # it is of our kind

    def map(self, inputs: Iterable[Any], **how: Any) -> FunctionRun:
        """Perform a mapped run of it, one child for each input; see `Runner.map`."""
        run = self.new()  # type: ignore[call-arg]  # its children have the arguments
        function: Any = self.function  # of one argument
        with _Lent(self._runner, self._clock) as runner:
            runner.map(run, function, inputs, **how)
        return run

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> FunctionRun:
        """Leave a run of it to the workers of its journal: `fsm work`.

        Raises:
            InvalidArgument: It has no journal, or the arguments are not plain JSON; nothing was
                submitted.
        """
        run = self._submittable(args, kwargs)
        run.submit()
        return run

    def submit_at(
        self, start_time: datetime.datetime, /, *args: P.args, **kwargs: P.kwargs
    ) -> FunctionRun:
        """Leave a run of it to the workers of its journal, not to be started before a time."""
        run = self._submittable(args, kwargs)
        run.schedule(start_time=start_time)
        return run

    def bind(self, *args: Any, **kwargs: Any) -> Node:
        """A call of it in a graph of tasks, for `gather`; an argument may be another node."""
        from .node import Node

        return Node(self, args, kwargs)

    def _submittable(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> FunctionRun:
        if self._journal is None:
            raise InvalidArgument(
                f"{self.kind.__name__} has no journal where a worker could find it; "
                "set one with `with_options(journal=...)`"
            )
        if not is_plain([list(args), kwargs]):
            raise InvalidArgument(
                f"a worker can be given plain JSON only, not {(*args, kwargs)!r:.200}"
            )
        return self.new(*args, **kwargs)

    def __get__(self, owner: Any, _type: type | None = None) -> Any:
        """As a method, it is called with its object; runs of it are made from functions only."""
        return self if owner is None else functools.partial(self.function, owner)

    def __reduce__(self) -> str | tuple[Any, ...]:
        from fsm.execution.pickling import class_from_ref

        if class_from_ref(f"{self.kind.__module__}:{self.kind.__qualname__}") is self.kind:
            return str(self.kind.__qualname__)
        return _remade, (self.function, self.kind.default_policy)

    def __repr__(self) -> str:
        return f"<task {self.kind.__module__}:{self.kind.__qualname__}>"


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    *,
    policy: Policy | None = None,
    retry: Retry | None = None,
    timeout: Timeout | Duration | None = None,
    cache: Cache | None = None,
    max_retries: int | None = None,
    retry_delay: Duration | None = None,
    cache_for: Duration | None = None,
    base: type[TaskRun] = FunctionRun,
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    policy: Policy | None = None,
    retry: Retry | None = None,
    timeout: Timeout | Duration | None = None,
    cache: Cache | None = None,
    max_retries: int | None = None,
    retry_delay: Duration | None = None,
    cache_for: Duration | None = None,
    base: type[TaskRun] = FunctionRun,
) -> Any:
    """Turn a function into a `Task`, whose calls can be runs. Use it as a decorator.

    `@task` alone takes the defaults: no retry, no time limit, no cache.

    Args:
        policy: The whole policy, instead of all of the following but *base*.
        retry: How often to try again, after what delay, and on which exceptions.
        timeout: A `Timeout`, or the limit for one attempt in seconds or as a timedelta.
        cache: How long a result is kept, and what makes it valid. A result is found again by a
            call with equal arguments, unless *cache* names a key or another validator.
        max_retries: The number of retries; short for `Retry(max_retries=...)`.
        retry_delay: The time before each retry, in seconds or as a timedelta; short for
            `Retry(delay=...)`.
        cache_for: How long a result is kept, in seconds or as a timedelta; short for
            `Cache(cache_for=...)`.
        base: The class of its runs, if they have a lifecycle of their own: a `TaskRun` subclass.

    Raises:
        InvalidArgument: The decorated object is not a function, a setting is given twice or out
            of its range, or *base* is not a `TaskRun` class.
    """
    whole = _policy(policy, retry, timeout, cache, max_retries, retry_delay, cache_for)
    if function is None:
        return lambda decorated: Task(decorated, whole, base)
    return Task(function, whole, base)


def _policy(
    policy: Policy | None,
    retry: Retry | None,
    timeout: Timeout | Duration | None,
    cache: Cache | None,
    max_retries: int | None,
    retry_delay: Duration | None,
    cache_for: Duration | None,
) -> Policy:
    short = {"max_retries": max_retries, "retry_delay": retry_delay, "cache_for": cache_for}
    parts = {"retry": retry, "timeout": timeout, "cache": cache}
    if policy is not None:
        _check_once("policy", {**parts, **short})
        return as_policy(policy)
    if retry is not None:
        _check_once("retry", {"max_retries": max_retries, "retry_delay": retry_delay})
    if cache is not None:
        _check_once("cache", {"cache_for": cache_for})
    whole = Policy(Retry() if retry is None else retry, cache=Cache() if cache is None else cache)
    return override(whole, max_retries, retry_delay, timeout, cache_for)


def _check_once(whole: str, others: Mapping[str, Any]) -> None:
    """Refuse settings that are given beside the one that contains them."""
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise InvalidArgument(f"{whole}= contains {', '.join(given)}; give only one of them")


def _kind(
    function: Callable[..., Any], owner: Task[..., Any], policy: Policy, base: object
) -> type[FunctionRun]:
    """The class of its runs, called as the function is."""
    if not isinstance(base, type) or not issubclass(base, TaskRun):
        raise InvalidArgument(f"the base of a task's runs is a TaskRun class, not {base!r}")
    bases = (base,) if issubclass(base, FunctionRun) else (FunctionRun, base)
    name = getattr(function, "__name__", type(function).__name__)
    return type(
        name,
        bases,
        {
            "__slots__": (),
            "__module__": getattr(function, "__module__", __name__),
            "__qualname__": getattr(function, "__qualname__", name),
            "__doc__": f"One run of `{name}`.",
            "default_policy": _keyed(policy, f"{function.__module__}:{name}"),
            "function": owner,
        },
    )


def _keyed(policy: Policy, key: str) -> Policy:
    """The same, with results kept under the task's name, and good for the same inputs only."""
    cache = policy.cache
    if cache.cache_for is None:
        return policy
    kept = attrs.evolve(
        cache, key=cache.key or key, validator=cache.validator or all_inputs.__name__
    )
    return Policy(policy.retry, policy.timeout, kept)


def _remade(function: Callable[..., Any], policy: Policy) -> Task[..., Any]:
    """A task whose function no name leads to, in another process: only called there."""
    return Task(function, policy)


class _Lent:
    """The runner that was given, or one for as long as it takes."""

    def __init__(self, runner: Runner | None, clock: Clock | None) -> None:
        from fsm.execution.runner import Runner

        self._own = runner is None
        self._runner = Runner(clock=clock) if runner is None else runner

    def __enter__(self) -> Runner:
        return self._runner

    def __exit__(self, *error: object) -> None:
        if self._own:
            self._runner.close()
