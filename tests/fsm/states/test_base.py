"""What all states share: frozen fields, changed copies, pickling, errors."""

from __future__ import annotations

import copy
import pickle
import threading
from datetime import UTC, datetime
from types import MappingProxyType

import attrs
import pytest

import states
from fsm.states import ambient
from states import (
    Cached,
    Failed,
    InvalidPayload,
    Looped,
    Mapped,
    NotDeserializable,
    NotSerializable,
    Pending,
    Result,
    Retrying,
    Scheduled,
    State,
    StateError,
    Success,
    UnknownState,
)


@attrs.frozen
class Quarantined(Failed):
    reason: str = ""


class Undecorated(Failed):
    pass


@attrs.define
class Defined(Failed):
    reason: str = ""


@attrs.frozen
class Outspoken(Failed):
    def __eq__(self, other):
        return isinstance(other, Outspoken)

    def __hash__(self):
        return 7

    def __repr__(self):
        return "!"


@attrs.frozen
class Unhashable(Failed):
    def __eq__(self, other):
        return True


@attrs.frozen
class Heir(Outspoken):
    extra: int = 0


@attrs.frozen(unsafe_hash=False)
class Modest(Failed):
    reason: str = ""


def all_classes(classes):
    return [*classes.values(), Quarantined, Undecorated, Defined]


def test_states_are_frozen(classes):
    for cls in all_classes(classes):
        state = cls("m")
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            state.message = "other"


def test_a_state_takes_no_attributes_that_its_class_does_not_declare(classes):
    for cls in classes.values():
        assert not hasattr(cls("m"), "__dict__")


@pytest.mark.parametrize(
    "copied", [lambda s: pickle.loads(pickle.dumps(s)), copy.copy, copy.deepcopy]
)
def test_states_survive_copies(classes, copied):
    for cls in all_classes(classes):
        state = cls("m", context={"a": 1}, cached_inputs={"x": Result(1)})
        again = copied(state)
        assert again == state
        assert (again.message, again.context, type(again)) == ("m", {"a": 1}, cls)


def test_mappings_are_copied():
    context, inputs = {"a": 1}, {"x": Result(1)}
    state = Pending(context=context, cached_inputs=inputs)
    context["a"] = inputs["x"] = 2

    assert state.context == {"a": 1}
    assert state.cached_inputs == {"x": Result(1)}
    assert type(Pending(context=MappingProxyType({"a": 1})).context) is dict


def test_empty_mappings_are_made_when_first_read():
    state = Pending(context={})

    assert state._context is None
    assert state.context == {}
    assert state.context is state.context
    assert state.cached_inputs is state.cached_inputs


def test_threads_that_read_first_read_the_same_dict():
    for _ in range(50):
        state, start, seen = Pending(), threading.Barrier(4), []

        def read(state=state, start=start, seen=seen):
            start.wait()
            seen.append(id(state.context))

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(seen)) == 1


@pytest.mark.parametrize("field", ["context", "cached_inputs"])
@pytest.mark.parametrize("value", [5, "ab", [("a", 1)], {1}, False])
def test_context_and_cached_inputs_are_mappings(field, value):
    with pytest.raises(InvalidPayload, match=f"{field} cannot hold") as refused:
        Pending(**{field: value})

    assert refused.value.field == field


@pytest.mark.parametrize("value", [-1, True, 1.0, "1", [], float("nan")])
@pytest.mark.parametrize(("cls", "field"), [(Retrying, "run_count"), (Looped, "loop_count")])
def test_counts_are_whole_numbers_from_zero_up(cls, field, value):
    with pytest.raises(InvalidPayload, match=f"{field} cannot hold") as refused:
        cls(**{field: value})

    assert refused.value.field == field


def test_an_unknown_name_is_a_type_error():
    with pytest.raises(TypeError):
        Pending(colour="red")


def test_cached_parameters_are_copied_if_they_are_a_dict():
    given = {"a": 1}
    state = Cached(cached_parameters=given)
    given["a"] = 2

    assert state.cached_parameters == {"a": 1}
    assert Cached(cached_parameters=[1]).cached_parameters == [1]
    assert Cached(cached_parameters={}).cached_parameters == {}


def test_a_cached_result_without_an_expiration_never_expires():
    assert Cached().cached_result_expiration is None
    expiration = Cached(cached_result_expiration=datetime(2020, 1, 1)).cached_result_expiration
    assert expiration == datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(InvalidPayload):
        Cached(cached_result_expiration="2020-01-01")


def test_evolve_changes_what_is_named_only(classes):
    for cls in all_classes(classes):
        state = cls("m", context={"a": 1}, cached_inputs={"x": 1})
        changed = state.evolve(message="n")
        assert type(changed) is cls
        assert (changed.message, changed.context, state.message) == ("n", {"a": 1}, "m")
        assert changed == state


def test_evolve_takes_the_constructors_names():
    state = Retrying(start_time=datetime(2020, 1, 1), run_count=2)

    assert state.evolve(result=5).result == 5
    assert state.evolve(context={"b": 2}).context == {"b": 2}
    assert state.evolve(run_count=3) == Retrying(start_time=datetime(2020, 1, 1), run_count=3)
    assert Quarantined(reason="a").evolve(reason="b").reason == "b"


def test_evolve_keeps_the_kind_of_result():
    state = Success(result=Result(1, "here"))

    assert state.evolve(message="m")._result is state._result


def test_the_error_of_evolve_lists_the_names_it_knows():
    with pytest.raises(InvalidPayload, match="Failed has no colour; it has message, result") as no:
        Failed().evolve(colour="red")

    assert no.value.field == "colour"


def test_evolve_ignores_the_ambient_context():
    state = Scheduled(start_time=datetime(2020, 1, 1))

    with ambient.using(task_tags=["t"], task_run_count=5):
        assert state.evolve(message="m").context == {}


def test_evolve_keeps_the_children_of_a_mapped():
    state = Mapped(map_states=[Success(result=1), None])

    assert state.evolve(message="m").result == [1, None]
    assert state.evolve(map_states=[]).result == []
    with pytest.raises(InvalidPayload):
        state.evolve(result=[1])


def test_a_bare_attrs_subclass_compares_and_shows_as_a_state():
    assert Quarantined("m", reason="a") == Quarantined("n", reason="a")
    assert Quarantined(reason="a") != Quarantined(reason="b")
    assert hash(Quarantined(reason="a")) == hash(Quarantined("m", reason="a"))
    assert repr(Quarantined("m", reason="a")) == '<Quarantined: "m">'
    assert Quarantined().is_failed()
    assert hash(Defined()) == hash(Defined("m"))
    assert hash(Modest()) == hash(Modest("m"))


def test_methods_that_a_user_wrote_stay():
    assert Outspoken("a", result=1) == Outspoken(result=2)
    assert (hash(Outspoken()), repr(Outspoken())) == (7, "!")
    assert (hash(Heir()), repr(Heir())) == (7, "!")
    with pytest.raises(TypeError):
        hash(Unhashable())


def test_errors_survive_pickling():
    for cls in (StateError, InvalidPayload, NotSerializable, NotDeserializable, UnknownState):
        error = pickle.loads(pickle.dumps(cls("said", "a.b")))
        assert (type(error), str(error), error.field) == (cls, "said", "a.b")


def test_errors_are_what_callers_expect():
    assert issubclass(InvalidPayload, (TypeError, ValueError))
    assert issubclass(UnknownState, NotDeserializable)
    assert issubclass(UnknownState, LookupError)
    assert issubclass(NotDeserializable, ValueError)
    assert issubclass(NotSerializable, TypeError)


def test_what_is_public_is_sorted_with_nothing_missing():
    assert states.__all__ == sorted(states.__all__)
    assert all(hasattr(states, name) for name in states.__all__)
    assert {
        cls.__name__ for cls in State.children() if cls.__module__.startswith("fsm.states")
    } < set(states.__all__)


def test_a_field_that_reads_the_clock_is_not_filled_in_when_reading():
    @attrs.frozen
    class Stamped(Failed):
        at: object = attrs.field(factory=ambient.now)

    wire = Stamped().serialize()
    del wire["at"]

    with pytest.raises(NotDeserializable, match="reads the clock"):
        State.deserialize(wire)
