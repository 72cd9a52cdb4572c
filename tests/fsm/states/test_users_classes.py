"""Users' classes, written and read."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime

import attrs
import pytest

from fsm.states import ambient
from states import (
    Failed,
    NotDeserializable,
    NotSerializable,
    Retrying,
    State,
    Success,
    dumps,
    loads,
)

AT = datetime(2020, 5, 14, tzinfo=UTC)


@attrs.frozen
class Acquitted(Failed):
    reason: str = ""
    _evidence: object = attrs.field(default=(), alias="evidence")


@attrs.frozen
class Strict(Failed):
    limit: int = attrs.field(default=1, validator=attrs.validators.lt(10))


class Bare(Success):
    def __init__(self, wanted):
        super().__init__(result=wanted)


def test_extra_fields_are_written_under_the_constructors_names():
    wire = Acquitted(reason="x", evidence=(1,)).serialize()

    assert (wire["reason"], wire["evidence"]) == ("x", [1])
    assert wire["exact"] == {"evidence": {"$tuple": [1]}}


def test_a_missing_extra_field_takes_its_default():
    wire = Acquitted(reason="x").serialize()
    del wire["reason"]

    assert State.deserialize(wire) == Acquitted()


def test_a_users_validator_runs_when_a_state_is_read():
    wire = Strict().serialize() | {"limit": 10}

    with pytest.raises(NotDeserializable, match="Strict refuses"):
        State.deserialize(wire)


def test_an_undecorated_class_is_read_without_its_constructor():
    assert loads(dumps(Bare(5))) == Bare(5)


def test_a_bare_subclass_of_any_state_takes_its_parents_fields_first(classes):
    for parent in classes.values():

        @attrs.frozen
        class Mine(parent):
            extra: int = 0

        names = [*inspect.signature(parent).parameters, "extra"]
        assert list(inspect.signature(Mine).parameters) == names
        with ambient.at(0):
            one, other, more = Mine("one"), Mine("other"), Mine("one", extra=1)
        assert one == other != more
        assert hash(one) == hash(other)
        assert repr(one) == '<Mine: "one">'


def test_of_two_classes_of_one_name_only_the_later_is_written():
    def declare(base):
        @attrs.frozen
        class Twin(base):
            pass

        return Twin

    first, second = declare(Failed), declare(Success)

    assert type(loads(dumps(second()))) is second
    with pytest.raises(NotSerializable, match="another class"):
        first().serialize()


def test_a_field_named_like_a_key_of_the_format_is_refused():
    @attrs.frozen
    class Typed(Failed):
        type: str = ""

    with pytest.raises(NotSerializable, match="field named type"):
        Typed().serialize()
    with pytest.raises(NotDeserializable, match="field named type"):
        State.deserialize({"type": "Typed"})


def test_a_built_in_field_that_a_users_class_declares_itself_is_its_own():
    @attrs.frozen
    class Homely(Failed):
        state: str = "NY"
        start_time: object = None

    assert loads(dumps(Homely(state="TX", start_time=AT))) == Homely(state="TX", start_time=AT)


def test_a_redeclared_field_has_to_keep_its_meaning():
    @attrs.frozen
    class Loose(Retrying):
        start_time: object = "soon"
        run_count: object = 1.5

    for given_, field in (({}, "start_time"), ({"start_time": AT}, "run_count")):
        with pytest.raises(NotSerializable) as refused:
            Loose(**given_).serialize()
        assert refused.value.field == field
    with pytest.raises(NotSerializable, match="tzinfo"):
        Loose(start_time=datetime(2020, 1, 1, tzinfo=Sullen())).serialize()


class Sullen(UTC.__class__.__base__):
    def utcoffset(self, when):
        raise KeyError

    def tzname(self, when):
        return "?"
