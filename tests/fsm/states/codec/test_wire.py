"""The wire, against what the reference writes and reads.

We write all it writes, and beside it what it would lose. Where else we differ is in the tables.
"""

from __future__ import annotations

import json

import pytest

from fsm.states import ambient
from states import (
    InvalidPayload,
    NoResult,
    NotDeserializable,
    NotSerializable,
    Result,
    SafeResult,
    State,
    dumps,
    loads,
)

# Golden vectors that we refuse to construct or write, and why.
REFUSED = {
    "Mapped message + unhandled result": (InvalidPayload, "its children make up the result"),
    "Mapped result is a Result with empty location": (InvalidPayload, "as above"),
    "Looped loop_count=-1": (InvalidPayload, "counts start at 0"),
    "Looped loop_count='3'": (InvalidPayload, "counts are numbers"),
    "Looped loop_count=2.5": (InvalidPayload, "counts are whole"),
    "Looped loop_count=True": (InvalidPayload, "counts are no booleans"),
    "Retrying run_count='x'": (InvalidPayload, "counts are numbers"),
    "Retrying run_count=True": (InvalidPayload, "counts are no booleans"),
    "Submitted wraps ClientFailed": (InvalidPayload, "meta states wrap one level deep"),
    "ClientFailed wraps ClientFailed": (InvalidPayload, "meta states wrap one level deep"),
    "ClientFailed wraps Submitted": (InvalidPayload, "meta states wrap one level deep"),
    "Submitted Submitted(Queued(Retrying))": (InvalidPayload, "meta states wrap one level deep"),
    "Queued wraps State": (NotSerializable, "no bogus output for an abstract state"),
    "unicode message": (NotSerializable, "its NUL stops databases"),
    'Cached cached_parameters={"n": {"$float": "nan"}}': (NotSerializable, "NaN is no JSON"),
    "Running context nan": (NotSerializable, "NaN is no JSON"),
    "Success result SafeResult non-json value": (NotSerializable, "nothing is lost silently"),
}
# Golden vectors of which we write a field otherwise, and why.
CHANGED = {
    "Queued start_time naive datetime": "a naive start_time is UTC in Queued, too",
}
# Golden input that the reference accepts and we refuse, and why.
UNREADABLE = {
    "unknown extra field": "a field no one knows is a mistake",
    "start_time given": "start_time on a class without one is a mistake",
    "Mapped with _result": "the result of a Mapped is its children's",
    "run_count string": "counts are numbers",
    "Queued null": "a load never makes up a time",
}
TIMED = ("Scheduled", "Paused", "Resume", "Retrying", "Queued")


def vectors(name, path=__file__):
    from pathlib import Path

    found = json.loads((Path(path).parents[3] / "golden" / f"{name}.json").read_text("utf-8"))
    return [pytest.param(row, id=row["id"]) for row in found["vectors"]]


def plain(wire):
    """Take out of a wire what we write and the reference ignores."""
    if isinstance(wire, list):
        return [plain(item) for item in wire]
    if not isinstance(wire, dict):
        return wire
    ours = {"exact"} | ({"kind", "location"} if wire.get("type") == "SafeResult" else set())
    ours |= {"map_states"} if wire.get("type") == "Mapped" else set()
    return {name: plain(value) for name, value in wire.items() if name not in ours}


def values_kept(wanted, found):
    """Put our results where the reference wrote none: it loses values, we do not."""
    if isinstance(wanted, dict) and wanted.get("type") == "NoResultType":
        return found
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {name: values_kept(value, found.get(name)) for name, value in wanted.items()}
    return wanted


@pytest.mark.parametrize("row", vectors("wire_vectors"))
def test_we_write_what_the_reference_writes(row, build, classes, frozen):
    name = f"{row['class']} {row['desc']}".removeprefix("Looped Looped ")
    refused = next((why for known, why in REFUSED.items() if name.endswith(known)), None)
    if row["class"] in ("State", "_MetaState"):
        refused = NotSerializable, "no bogus output for an abstract state"

    def written():
        with ambient.using(**build(row["ambient"])):
            return classes[row["class"]](*build(row["args"]), **build(row["kwargs"])).serialize()

    if refused:
        with pytest.raises(refused[0]):
            written()
        return
    wire = written()
    assert State.deserialize(json.loads(json.dumps(wire))).serialize() == wire
    if "serialize_error" in row or name in CHANGED:
        return  # the reference fails where we need not
    found = plain(wire)
    assert found == values_kept(row["serialized"], found)


@pytest.mark.parametrize("row", vectors("wire_vectors"))
def test_we_read_what_the_reference_wrote(row, build):
    if not isinstance(row.get("serialized"), dict) or "deserialize_error" in row:
        return
    wire, desc = row["serialized"], f"{row['class']} {row['desc']}"
    if any(desc.endswith(known) for known in REFUSED):
        try:
            State.deserialize(wire)
        except NotDeserializable:
            pass
        return

    state = State.deserialize(wire)

    recorded = row["deserialized"]
    assert type(state).__name__ == recorded["$state"]
    assert state.message == recorded["message"]
    assert state.context == recorded["context"]
    assert set(state.cached_inputs) == set(recorded["cached_inputs"])
    if "_result" in wire:
        assert kind_of(state._result) == recorded["_result"].get("$result", "NoResultType")
    if isinstance(wire.get("start_time"), str) and desc not in CHANGED:
        assert state.start_time.isoformat() == wire["start_time"]


def kind_of(result):
    return type(result).__name__


@pytest.mark.parametrize("row", vectors("deserialize_vectors"))
def test_we_read_what_the_reference_reads(row):
    wire = row["input"]
    known = next((why for name, why in UNREADABLE.items() if row["desc"].endswith(name)), None)
    if isinstance(wire, dict) and wire.get("type") in TIMED and not wire.get("start_time"):
        known = "a load never makes up a time"
    if row["desc"] == "Resume start_time given":
        known = None

    if "error" in row or known:
        with pytest.raises(NotDeserializable):
            State.deserialize(wire)
        return
    state, recorded = State.deserialize(wire), row["result"]
    assert type(state).__name__ == recorded["$state"]
    for name in ("message", "context", "loop_count", "map_states", "cached_parameters"):
        if name in recorded:
            assert getattr(state, name) == recorded[name]
    if recorded["$state"] != "Mapped":
        assert state._result is NoResult


def test_a_result_comes_back_as_the_kind_it_was():
    handler = {"type": "JSONResultHandler", "__version__": "0.10.7"}
    for result in (
        Result(1),
        Result(None, "here"),
        Result((1, b"x"), "here"),
        SafeResult(1),
        SafeResult(1, "here", handler),
        SafeResult("1", None, handler),
        NoResult,
    ):
        state = State.children()[0](result=result, cached_inputs={"x": result})
        again = loads(dumps(state))
        assert (type(again._result), again._result) == (type(result), result)
        assert again.cached_inputs == {"x": result}


def test_a_location_written_by_a_later_release_is_read():
    wire = {"type": "Success", "_result": {"type": "Result", "location": "here"}}

    assert State.deserialize(wire)._result == Result(None, "here")


def test_plain_json_is_written_without_an_exact_entry(classes):
    state = classes["Success"]("m", result={"a": [1, 2.5, None]}, context={"b": "c"})

    assert "exact" not in dumps(state)
