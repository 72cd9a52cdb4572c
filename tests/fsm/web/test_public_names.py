"""The public names of `fsm.web` say where they are public, and their hints resolve."""

from __future__ import annotations

import inspect
import typing

import pytest

import fsm.web


@pytest.mark.parametrize("name", fsm.web.__all__)
def test_a_public_name_says_that_it_is_of_fsm_web(name: str) -> None:
    found = getattr(fsm.web, name)

    assert found.__module__ == "fsm.web"
    assert found.__doc__


@pytest.mark.parametrize("name", fsm.web.__all__)
def test_type_hints_resolve_at_run_time(name: str) -> None:
    found = getattr(fsm.web, name)
    own = (
        [
            member
            for member in vars(found).values()
            if inspect.isfunction(member) and member.__module__.startswith("fsm")
        ]
        if isinstance(found, type)
        else []
    )

    assert typing.get_type_hints(found) is not None
    assert all(typing.get_type_hints(member) is not None for member in own)
