"""`@task`: a function whose calls can be runs. A plain call still calls it."""

import datetime
import functools
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

import attrs

from fsm.durations import Duration
from fsm.errors import InvalidArgument, UnknownRun
from fsm.execution.call import Call
from fsm.execution.mapping import Mapping as InputMapping
from fsm.execution.pickling import class_from_ref
from fsm.execution.runner import Runner
from fsm.lifecycle.store import StepStore
from fsm.run.run import Clock
from fsm.tasks.cache import Cache
from fsm.tasks.policy import Policy, Timeout, as_policy, override
from fsm.tasks.quorum import Quorum
from fsm.tasks.retry import Retry
from fsm.tasks.task_run import TaskRun
from fsm.tasks.validators import all_inputs

from .function_run import FunctionRun, is_plain_json
from .node import Node

__all__ = ["Task", "task"]

P = ParamSpec("P")
R = TypeVar("R")


class Task(Generic[P, R]):
    """A function whose calls can be runs. Created by the decorator `fsm.task`.

    @task(max_retries=3, retry_delay=10, timeout=60)
    def load(url: str) -> int: ...

    load("a")                       # calls the function
    load.run("a").state             # performs a run of it until it has ended
    load.with_options(journal=journal).submit("a")     # leaves it to a worker

    Attributes:
        function: The function.
        kind: The class of its runs, a `FunctionRun` with the name of the function.
    """

    __module__ = "fsm.flow"

    def __init__(
        self, function: Callable[P, R], policy: Policy, base: type[TaskRun] = FunctionRun
    ) -> None:
        if not callable(function) or isinstance(function, type):
            raise InvalidArgument(f"a task is a function, not {function!r}")
        functools.update_wrapper(self, function)
        self.function: Callable[P, R] = function
        self.kind: type[FunctionRun] = _run_class(function, self, policy, base)
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
    ) -> "Task[P, R]":
        """Return a task of the same function whose runs have these options.

        An option that is left out stays as it is.

        Args:
            id: The id of its run. With a journal that knows this run, the run is continued.
            journal: Where its runs are kept.
            clock: Returns the time as an aware datetime.
            runner: Performs its runs. Default: a new one for each call of `run` and `map`.
        """
        copy: Task[P, R] = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._id = self._id if id is None else id
        copy._journal = self._journal if journal is None else journal
        copy._clock = self._clock if clock is None else clock
        copy._runner = self._runner if runner is None else runner
        return copy

    def new(self, *args: P.args, **kwargs: P.kwargs) -> FunctionRun:
        """Create a run of it without performing it.

        If its options name an id that the journal knows, that run is restored instead.
        """
        if self._id is not None and self._journal is not None:
            try:
                return self.kind.restore(self._id, self._journal, clock=self._clock)
            except UnknownRun:
                pass
        return self.kind(
            self._id, journal=self._journal, clock=self._clock, args=args, kwargs=kwargs
        )

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call:
        """Create a call of it, with a run of its own, for `Runner.perform_all`."""
        run = self.new(*args, **kwargs)
        return Call(run, self, run.args, run.kwargs)

    def run(self, *args: P.args, **kwargs: P.kwargs) -> FunctionRun:
        """Perform a run of it. Blocks until the run has ended, its retries included.

        Returns:
            The run, finished or `Paused`. If the function raised, its state is `Failed`.

        Raises:
            JournalError: A step could not be kept; the run is in the state that its journal has.
            StaleRun: Another process runs it, or has claimed it.
        """
        call = self.call(*args, **kwargs)
        with self._lend_runner() as runner:
            runner.perform_all([call])
        return cast(FunctionRun, call.run)

    def map(
        self,
        inputs: Iterable[Any] | InputMapping,
        *,
        quorum: Quorum | None = None,
        max_concurrency: int | None = None,
        again: bool = False,
    ) -> FunctionRun:
        """Perform a mapped run of it: the function is called for each input, in a child run each.

        Blocks until all children have ended. See `Runner.map`.

        Args:
            inputs: An iterable, or a `Mapping`, such as `each(items, unit="kg")` with constant
                arguments. The arguments below override its settings.
            quorum: How many children have to succeed, such as `Quorum.percent(95)`. Default: the
                run is `Mapped` whatever becomes of them.
            max_concurrency: How many children are executed at a time. Default: as many as the
                runner has workers.
            again: Whether children that have failed are run once more, even without retries left.

        Returns:
            The run: `Mapped`, or `Failed` if the quorum is not met.

        Raises:
            InvalidArgument: An argument is wrong, or cannot travel; nothing was started.
            JournalError: A step of some run could not be kept.
        """
        run = self.new()  # type: ignore[call-arg]  # its children have the arguments
        with self._lend_runner() as runner:
            runner.map(
                run,
                self.function,
                inputs,
                quorum=quorum,
                max_concurrency=max_concurrency,
                again=again,
            )
        return run

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> FunctionRun:
        """Leave a run of it to the workers of its journal, such as `fsm work`.

        Returns:
            The run, `Submitted`.

        Raises:
            InvalidArgument: The task has no journal, or the arguments are not plain JSON; nothing
                was submitted.
        """
        run = self._create_submittable(args, kwargs)
        run.submit()
        return run

    def submit_at(
        self, start_time: datetime.datetime, /, *args: P.args, **kwargs: P.kwargs
    ) -> FunctionRun:
        """Leave a run of it to the workers of its journal, to be started at a time or later.

        Returns:
            The run, `Scheduled`.

        Raises:
            InvalidArgument: The task has no journal, or the arguments are not plain JSON; nothing
                was submitted.
        """
        run = self._create_submittable(args, kwargs)
        run.schedule(start_time=start_time)
        return run

    def bind(self, *args: Any, **kwargs: Any) -> Node:
        """Create a call of it in a graph of tasks, for `gather`.

        Args:
            args, kwargs: Its arguments. A `Node` among them is replaced by its result.
        """
        return Node(self, args, kwargs)

    def _create_submittable(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> FunctionRun:
        if self._journal is None:
            raise InvalidArgument(
                f"{self.kind.__name__} has no journal where a worker could find the run; "
                "set one with `with_options(journal=...)`"
            )
        if not is_plain_json([list(args), kwargs]):
            raise InvalidArgument(
                f"the arguments of a submitted run are plain JSON, not {(*args, kwargs)!r:.200}"
            )
        return self.new(*args, **kwargs)

    def _lend_runner(self) -> AbstractContextManager[Runner]:
        """The runner of its options, or a new one that is closed afterwards."""
        return Runner(clock=self._clock) if self._runner is None else nullcontext(self._runner)

    def __get__(self, owner: Any, _type: type | None = None) -> Any:
        """As a method, call the function with its object. Only functions have runs."""
        return self if owner is None else functools.partial(self.function, owner)

    def __reduce__(self) -> str | tuple[Any, ...]:
        if class_from_ref(f"{self.kind.__module__}:{self.kind.__qualname__}") is self.kind:
            return str(self.kind.__qualname__)
        return _rebuild, (self.function, self.kind.default_policy)

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


task.__module__ = "fsm"


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


def _run_class(
    function: Callable[..., Any], owner: Task[..., Any], policy: Policy, base: object
) -> type[FunctionRun]:
    """Create the class of its runs, with the name of the function."""
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
            "default_policy": _with_key(policy, f"{function.__module__}:{name}"),
            "function": owner,
        },
    )


def _with_key(policy: Policy, key: str) -> Policy:
    """Keep results under *key*, valid for equal inputs, unless the policy says otherwise."""
    cache = policy.cache
    if cache.cache_for is None:
        return policy
    kept = attrs.evolve(
        cache, key=cache.key or key, validator=cache.validator or all_inputs.__name__
    )
    return Policy(policy.retry, policy.timeout, kept)


def _rebuild(function: Callable[..., Any], policy: Policy) -> Task[..., Any]:
    """Rebuild, in another process, a task that cannot be imported by name. Only called there."""
    return Task(function, policy)
