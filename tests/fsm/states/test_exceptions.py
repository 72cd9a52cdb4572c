"""Exceptions in states, and the records that are read back."""

from __future__ import annotations

import pytest

from states import ExceptionRecord, Failed, dumps, loads


def failure(error=None):
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise (error or ValueError("boom")) from inner
    except Exception as caught:
        return caught


def test_an_exception_comes_back_as_an_inert_record():
    error = failure()
    error.add_note("a hint")
    state = loads(dumps(Failed(error, result=error, cached_inputs={"x": [error]})))

    record = state.result
    assert type(record) is ExceptionRecord
    assert not isinstance(record, BaseException)
    assert (record.type, record.text, str(record), repr(record)) == (
        "ValueError",
        "boom",
        "boom",
        "ValueError('boom')",
    )
    assert any("KeyError: 'inner'" in line for line in record.traceback)
    assert any("a hint" in line for line in record.traceback)
    assert state.cached_inputs["x"] == [record]
    assert repr(state) == '<Failed: "boom">'


def test_a_record_is_written_unchanged():
    text = dumps(Failed(failure(), result=failure()))

    assert dumps(loads(text)) == text


def test_a_failure_is_written_whatever_the_methods_of_its_exception_do():
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError

    for error in (
        failure(Broken()),
        failure(ValueError("\0\ud800" * 10**6)),
        SystemExit(3),
        RecursionError(),
    ):
        record = loads(dumps(Failed(result=error))).result
        assert len(record.text) <= 10_000
        assert all(len(line) <= 1_000 for line in record.traceback)
    assert record.type == "RecursionError"
    assert loads(dumps(Failed(result=Broken()))).result.type.endswith("Broken")


def test_a_deep_traceback_is_cut():
    def dig(depth):
        return dig(depth - 1) if depth else 1 / 0

    with pytest.raises(ZeroDivisionError) as caught:
        dig(200)

    assert len(loads(dumps(Failed(result=caught.value))).result.traceback) <= 50


def test_an_exception_whose_chain_cannot_be_printed_keeps_its_text(monkeypatch):
    def broken(*args, **kwargs):
        raise TypeError

    monkeypatch.setattr("fsm.states.exceptions.format_exception", broken)

    assert loads(dumps(Failed(result=failure()))).result == ExceptionRecord("ValueError", "boom")
