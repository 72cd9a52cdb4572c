"""Payload: how a row builds the payload of the state it leads to.

The caller's arguments stand. Then comes what the row's `prepare` returns, then the row's message,
then what flows on from the source: `context` and `cached_inputs`, unless given anew.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import pendulum

from fsm.errors import InvalidArgument
from fsm.states import NoResult, State, StateError, ambient, moment
from fsm.states.fast_new import allows_fast_new
from fsm.states.meta import _MetaState as MetaState

if TYPE_CHECKING:
    from .event import Prepare, StateClass, Transition

__all__ = ["Draft", "Drafter", "arguments_of", "compile_draft", "is_plain"]

# (run, source, args, kwargs, micros): the payload
Drafter = Callable[[Any, State, tuple[Any, ...], dict[str, Any], int], State]


@attrs.frozen(eq=False)
class Draft:
    """What a row's `prepare` is given: the run, its state, the time and the caller's arguments."""

    __module__ = "fsm"

    run: Any
    event: str
    source: State
    micros: int  # the time of the step, in microseconds since 1970-01-01 UTC
    given: Mapping[str, Any]  # the caller's arguments, by name

    @property
    def at(self) -> pendulum.DateTime:
        """The time of the step, in UTC."""
        return moment.from_micros(self.micros)


def compile_draft(event: str, row: "Transition") -> Drafter:
    """Return the function that builds the payload of this row."""
    if row.dest is None:
        return _compile_stay(event, row)
    return _compile_any(event, row.dest, row)


def is_plain(source: "StateClass", row: "Transition") -> bool:
    """Whether the payload of *row*, out of *source*, has the four common fields and no `prepare`.

    `fsm.run.decision` builds such a payload in line.
    """
    if row.dest is None or row.prepare is not None or issubclass(source, MetaState):
        return False  # context flows on from the state that a meta state wraps
    return allows_fast_new(row.dest)


def _compile_any(event: str, make: "StateClass", row: "Transition") -> Drafter:
    prepare, usual = row.prepare, row.message
    names = parameters(make)
    timed = _asks_the_time(make)

    def draft(
        run: Any, source: State, args: tuple[Any, ...], kwargs: dict[str, Any], micros: int
    ) -> State:
        given = _bind(event, names, args, kwargs) if args else dict(kwargs)
        if prepare is not None:
            for name, value in _prepare(prepare, Draft(run, event, source, micros, given)):
                if given.get(name) is None and not (name == "result" and name in given):
                    given[name] = value  # None is "not given", except for a result
        if usual is not None and given.get("message") is None:
            given["message"] = usual
        if given.get("context") is None and (context := flowing_names("_context", source)):
            given["context"] = context
        if given.get("cached_inputs") is None and (
            inputs := flowing_names("_cached_inputs", source)
        ):
            given["cached_inputs"] = inputs
        try:
            if not timed:
                return make(**given)
            with ambient.at(micros):
                return make(**given)
        except TypeError as error:
            explained = _explain(error, event, make, given)
            if explained is error:
                raise
            raise explained from error

    return draft


def _prepare(prepare: "Prepare", draft: Draft) -> Iterable[tuple[str, Any]]:
    answer: object = prepare(draft)
    if not isinstance(answer, Mapping):
        name = getattr(prepare, "__name__", prepare)
        raise InvalidArgument(f"{name} must return a mapping of payload arguments, not {answer!r}")
    return answer.items()


def parameters(make: "StateClass") -> tuple[str, ...]:
    """The constructor's parameters, in positional order."""
    return tuple(field.alias or field.name for field in attrs.fields(make) if field.init)


def flowing_names(field: str, source: State) -> Mapping[str, Any] | None:
    """The names that flow on from *source*, or from the state that it wraps."""
    names: Mapping[str, Any] | None = getattr(source, field)
    if not names and source.is_meta_state():
        wrapped = getattr(source, "state", None)
        names = getattr(wrapped, field, None)
    return names


def arguments_of(state: State) -> dict[str, Any]:
    """The constructor arguments that make *state*, without those that are defaults."""
    fields = [field for field in attrs.fields(type(state)) if field.init]
    given = {field.alias or field.name: getattr(state, field.name) for field in fields}
    if state.is_mapped():  # it computes its result from its children
        del given["result"]
    return {
        name: value for name, value in given.items() if value is not None and value is not NoResult
    }


def _compile_stay(event: str, row: "Transition") -> Drafter:
    prepare = row.prepare

    def draft(
        run: Any, source: State, args: tuple[Any, ...], kwargs: dict[str, Any], micros: int
    ) -> State:
        if args:
            raise InvalidArgument(f"{event} stays in its state; give its changes by keyword")
        given = kwargs
        if prepare is not None:
            given = {**dict(_prepare(prepare, Draft(run, event, source, micros, given))), **given}
        with ambient.at(micros):
            return source.evolve(**given) if given else source

    return draft


def _asks_the_time(make: "StateClass") -> bool:
    """Whether the constructor may read the clock: ours with a `start_time` do, a user's may."""
    return "start_time" in parameters(make) or not make.__module__.startswith("fsm.states")


def _bind(
    event: str, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    if len(args) > len(names):
        raise InvalidArgument(
            f"{event} takes at most {len(names)} arguments ({', '.join(names)}), not {len(args)}"
        )
    given = dict(zip(names, args, strict=False))
    twice = given.keys() & kwargs
    if twice:
        raise InvalidArgument(f"{event} got {', '.join(sorted(twice))} twice")
    return given | kwargs


def _explain(
    error: TypeError, event: str, make: "StateClass", given: Mapping[str, Any]
) -> Exception:
    """The error of arguments that do not fit, in the words of the event; others unchanged."""
    if isinstance(error, StateError):
        return error
    names = parameters(make)
    unknown = sorted(given.keys() - set(names))
    if unknown:
        return InvalidArgument(
            f"{event} takes no {', '.join(unknown)}; it takes {', '.join(names)}"
        )
    try:
        inspect.signature(make).bind(**given)
    except TypeError as unfit:
        return InvalidArgument(f"{event} leads to {make.__name__}: {unfit}")
    return error
