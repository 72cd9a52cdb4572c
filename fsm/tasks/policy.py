"""Policy: how often to try a task, how long to let it run, how long to keep its result.

Data only. A journal keeps a policy as one flat mapping of words; `Policy.settings` and `as_policy`
convert to and from it.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from fsm.durations import as_optional_seconds
from fsm.errors import InvalidArgument

from .cache import Cache
from .retry import Retry

__all__ = ["Cache", "Policy", "Retry", "Timeout", "as_policy", "override"]


@attrs.frozen
class Timeout:
    """How long a task may run, in seconds or as a timedelta. None means no limit. Frozen.

    Args:
        attempt: The limit for each attempt.
        total: The limit for all attempts and the delays between them, from the beginning of the
            first attempt.

    Raises:
        InvalidArgument: A limit is negative, or longer than a century.
    """

    __module__ = "fsm"

    attempt: float | None = attrs.field(default=None, converter=as_optional_seconds)
    total: float | None = attrs.field(default=None, converter=as_optional_seconds)


def _check_type(cls: type) -> Callable[[Any, Any, Any], None]:
    def check(_policy: object, field: Any, value: object) -> None:
        if not isinstance(value, cls):
            raise InvalidArgument(
                f"{field.name} is a {cls.__name__}, not {value!r:.200}; "
                f"write {field.name}={cls.__name__}(...)"
            )

    return check


@attrs.frozen
class Policy:
    """How often to try a task, how long to let it run, how long to keep its result. Frozen.

    Args:
        retry: The default retries no failure and rescues a run three times from a lost worker.
        timeout: The default sets no limit.
        cache: The default keeps no result.

    Raises:
        InvalidArgument: A value is not of its class.
    """

    __module__ = "fsm"

    retry: Retry = attrs.field(factory=Retry, validator=_check_type(Retry))
    timeout: Timeout = attrs.field(factory=Timeout, validator=_check_type(Timeout))
    cache: Cache = attrs.field(factory=Cache, validator=_check_type(Cache))
    _hash: int = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.retry, self.timeout, self.cache)))

    def __hash__(self) -> int:
        return self._hash  # kept: each new run looks its policy up, and there may be a million

    def __reduce__(self) -> tuple[type["Policy"], tuple[Retry, Timeout, Cache]]:
        return type(self), (self.retry, self.timeout, self.cache)  # hashes differ by process

    def settings(self) -> Mapping[str, Any]:
        """The policy as plain JSON values, as a journal keeps it with the first step of a run.

        `{"policy": {...}}`: what the constructor of `TaskRun` takes to have this policy again.
        """
        return _settings(self)


# The word under which a journal keeps each setting. SQL reads the first five, so they are always
# written; the others are written where they differ from the default.
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
    """One mapping for all runs of one policy."""
    words, usual = _flatten(policy), _flatten(Policy())
    return {
        "policy": {
            word: value for word, value in words.items() if word in _ALWAYS or value != usual[word]
        }
    }


def _flatten(policy: Policy) -> dict[str, Any]:
    values = {word: getattr(getattr(policy, part), name) for word, (part, name) in _WORDS.items()}
    return {word: list(each) if isinstance(each, tuple) else each for word, each in values.items()}


def as_policy(value: object) -> Policy:
    """Accept a policy, or the mapping that a journal keeps for one. Equal mappings share one.

    Raises:
        InvalidArgument: It is neither, or the mapping has an unknown word or a bad value.
    """
    if isinstance(value, Mapping):
        words = {
            word: tuple(each) if isinstance(each, list) else each for word, each in value.items()
        }
        try:
            return _unflatten(**words)
        except InvalidArgument:
            raise
        except TypeError as error:  # a value that cannot be hashed, a word that is not a string
            raise InvalidArgument(f"a policy has no such settings: {value!r:.200}") from error
    if not isinstance(value, Policy):
        raise InvalidArgument(f"a policy is a Policy, not {value!r:.200}")
    return value


@functools.lru_cache(maxsize=1024, typed=True)  # typed: 1 is a number of retries, True is not
def _unflatten(**words: Any) -> Policy:
    unknown = words.keys() - _WORDS.keys()
    if unknown:
        raise InvalidArgument(f"a policy has no such settings: {', '.join(sorted(unknown))}")
    parts: dict[str, dict[str, Any]] = {"retry": {}, "timeout": {}, "cache": {}}
    for word, value in words.items():
        part, name = _WORDS[word]
        parts[part][name] = value
    return Policy(Retry(**parts["retry"]), Timeout(**parts["timeout"]), Cache(**parts["cache"]))


def override(
    policy: Policy, max_retries: Any, retry_delay: Any, timeout: Any, cache_for: Any
) -> Policy:
    """Return *policy* with those of the four settings that are not None.

    Calls with equal arguments share one policy: there may be a million runs of it.

    Args:
        timeout: The limit for an attempt, or a `Timeout` in place of the policy's.

    Raises:
        InvalidArgument: A value is out of its range.
    """
    try:
        return _override(policy, max_retries, retry_delay, timeout, cache_for)
    except TypeError as error:
        if isinstance(error, InvalidArgument):
            raise
        # A value that cannot be hashed. Without the cache, its converter refuses it.
        return _override.__wrapped__(policy, max_retries, retry_delay, timeout, cache_for)


@functools.lru_cache(maxsize=1024, typed=True)  # typed: 1 is a number of retries, True is not
def _override(
    policy: Policy, max_retries: Any, retry_delay: Any, timeout: Any, cache_for: Any
) -> Policy:
    retry = _evolve(policy.retry, max_retries=max_retries, delay=retry_delay)
    cache = _evolve(policy.cache, cache_for=cache_for)
    if not isinstance(timeout, Timeout):
        timeout = _evolve(policy.timeout, attempt=timeout)
    return Policy(retry, timeout, cache)


def _evolve(part: Any, **changes: Any) -> Any:
    changes = {name: value for name, value in changes.items() if value is not None}
    return attrs.evolve(part, **changes) if changes else part
