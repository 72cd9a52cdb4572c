"""Policy: how often to try a task, how long to let it run, how long its result keeps. Data only."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import attrs

from fsm.durations import Duration, as_seconds
from fsm.errors import InvalidArgument

from .cache import Cache
from .exceptions import Kind
from .retry import Retry

__all__ = ["Cache", "Policy", "Retry", "Timeout", "as_policy", "evolved"]

N = TypeVar("N", "Retry", "Timeout", "Cache")

_UNSAID: Any = object()  # what stands for a word that the caller left out


@attrs.frozen
class Timeout:
    """How long a task may run, in seconds; None for no limit.

    Args:
        attempt: Each attempt.
        total: All attempts together, with the delays between them, since the first one began.
    """

    attempt: float | None = attrs.field(default=None, converter=as_seconds)
    total: float | None = attrs.field(default=None, converter=as_seconds)


@attrs.frozen(init=False)
class Policy:
    """How often to try a task, how long to let it run, how long its result keeps.

    The words after the three nouns are short for their fields, and stand where both are given:
    `Policy(max_retries=2, timeout=60)` is `Policy(Retry(2), Timeout(60))`. Durations are in
    seconds, or timedeltas.
    """

    retry: Retry
    timeout: Timeout
    cache: Cache
    _hash: int = attrs.field(
        init=False,
        eq=False,
        repr=False,
        default=attrs.Factory(lambda made: hash((made.retry, made.timeout, made.cache)), True),
    )

    def __init__(
        self,
        retry: Retry | None = None,
        timeout: Timeout | Duration | None = None,
        cache: Cache | None = None,
        *,
        max_retries: int = _UNSAID,
        retry_delay: Duration | None = _UNSAID,
        retry_backoff: float = _UNSAID,
        retry_cap: Duration | None = _UNSAID,
        retry_jitter: float = _UNSAID,
        retry_within: Duration | None = _UNSAID,
        retry_on: Kind | Iterable[Kind] = _UNSAID,
        max_rescues: int = _UNSAID,
        timeout_total: Duration | None = _UNSAID,
        cache_key: str | None = _UNSAID,
        cache_for: Duration | None = _UNSAID,
        cache_validator: str | None = _UNSAID,
        cache_validate_on: Iterable[str] = _UNSAID,
    ) -> None:
        limits = timeout if isinstance(timeout, Timeout) else Timeout(timeout)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue]  # attrs makes it
            _with(
                Retry() if retry is None else retry,
                Retry,
                max_retries=max_retries,
                delay=retry_delay,
                backoff=retry_backoff,
                cap=retry_cap,
                jitter=retry_jitter,
                within=retry_within,
                on=retry_on,
                max_rescues=max_rescues,
            ),
            _with(limits, Timeout, total=timeout_total),
            _with(
                Cache() if cache is None else cache,
                Cache,
                key=cache_key,
                cache_for=cache_for,
                validator=cache_validator,
                validate_on=cache_validate_on,
            ),
        )

    def __hash__(self) -> int:
        return self._hash  # asked for by each run that is made, of which there may be a million

    def __reduce__(self) -> tuple[type[Policy], tuple[Retry, Timeout, Cache]]:
        return type(self), (self.retry, self.timeout, self.cache)  # elsewhere it has another hash

    @property
    def max_retries(self) -> int:
        """How often to try again: one less than the attempts in all."""
        return self.retry.max_retries

    @property
    def retry_delay(self) -> float:
        """Seconds from the first failure to the next attempt."""
        return self.retry.delay

    @property
    def cache_for(self) -> float | None:
        """Seconds that a result keeps; None if it is not cached."""
        return self.cache.cache_for

    @property
    def max_rescues(self) -> int:
        """How often a lost worker is replaced."""
        return self.retry.max_rescues

    def settings(self) -> Mapping[str, Any]:
        """What a run's constructor takes to have this policy again, as plain JSON values."""
        return _settings(self)


def _with(noun: N, kind: type[N], **words: Any) -> N:
    """*noun*, changed where a word was said."""
    if not isinstance(noun, kind):
        raise InvalidArgument(f"{kind.__name__.lower()} is a {kind.__name__}, not {noun!r}")
    said = {name: value for name, value in words.items() if value is not _UNSAID}
    return attrs.evolve(noun, **said) if said else noun


# Under what word a setting is written. Journals read the first five, so they are always there.
_ALWAYS = {
    "max_retries": ("retry", "max_retries"),
    "retry_delay": ("retry", "delay"),
    "timeout": ("timeout", "attempt"),
    "cache_for": ("cache", "cache_for"),
    "max_rescues": ("retry", "max_rescues"),
}
_WORDS = _ALWAYS | {
    "retry_backoff": ("retry", "backoff"),
    "retry_cap": ("retry", "cap"),
    "retry_jitter": ("retry", "jitter"),
    "retry_within": ("retry", "within"),
    "retry_on": ("retry", "on"),
    "timeout_total": ("timeout", "total"),
    "cache_key": ("cache", "key"),
    "cache_validator": ("cache", "validator"),
    "cache_validate_on": ("cache", "validate_on"),
}


@functools.lru_cache(maxsize=1024)
def _settings(policy: Policy) -> Mapping[str, Any]:
    """One mapping for all the runs of one policy: the first step of each keeps it."""
    written, usual = _written(policy), _written(Policy())
    return {
        "policy": {
            word: value
            for word, value in written.items()
            if word in _ALWAYS or value != usual[word]
        }
    }


def _written(policy: Policy) -> dict[str, Any]:
    found = {word: getattr(getattr(policy, noun), name) for word, (noun, name) in _WORDS.items()}
    return {word: list(each) if isinstance(each, tuple) else each for word, each in found.items()}


def as_policy(value: object) -> Policy:
    """Take a policy, or its settings as a journal has them. Equal settings share one policy."""
    if isinstance(value, Mapping):
        words = {
            word: tuple(each) if isinstance(each, list) else each for word, each in value.items()
        }
        try:
            return _shared(**words)
        except InvalidArgument:
            raise
        except TypeError as error:
            raise InvalidArgument(f"a policy has no such fields: {value!r}") from error
    if not isinstance(value, Policy):
        raise InvalidArgument(f"a policy is a Policy, not {value!r}")
    return value


_shared = functools.lru_cache(maxsize=1024, typed=True)(Policy)


def evolved(policy: Policy, *given: Any) -> Policy:
    """Return *policy* with max_retries, retry_delay, timeout and cache_for where not None.

    Runs that are given the same share one: there may be a million of them.
    """
    try:
        return _evolved(policy, *given)
    except TypeError as error:
        if isinstance(error, InvalidArgument):
            raise
        return _evolved.__wrapped__(policy, *given)  # a wrong value that is not even hashable


@functools.lru_cache(maxsize=1024, typed=True)  # typed: 1 is a number of retries, True is none
def _evolved(
    policy: Policy, max_retries: Any, retry_delay: Any, timeout: Any, cache_for: Any
) -> Policy:
    if timeout is None:
        timeout = policy.timeout
    elif not isinstance(timeout, Timeout):
        timeout = attrs.evolve(policy.timeout, attempt=timeout)
    words = {"max_retries": max_retries, "retry_delay": retry_delay, "cache_for": cache_for}
    said = {word: value for word, value in words.items() if value is not None}
    return Policy(policy.retry, timeout, policy.cache, **said)
