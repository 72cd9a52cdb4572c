"""Meta states wrap another state, one level deep."""

from __future__ import annotations

import pytest

from states import ClientFailed, InvalidPayload, Queued, Retrying, State, Submitted, Success

META = [ClientFailed, Submitted, Queued]


@pytest.mark.parametrize("cls", META)
def test_a_meta_state_wraps_a_state_or_nothing(cls):
    inner = Retrying()

    assert cls(state=inner).state is inner
    assert cls().state is None
    assert cls(state=State()).state == State()


@pytest.mark.parametrize("cls", META)
@pytest.mark.parametrize("inner", [Submitted(), ClientFailed(), Queued(), "x", 0, Success, {}])
def test_a_meta_state_wraps_nothing_else(cls, inner):
    with pytest.raises(InvalidPayload, match="state cannot hold") as refused:
        cls(state=inner)

    assert refused.value.field == "state"


def test_the_state_inside_counts_when_meta_states_are_compared():
    assert Submitted(state=Success(result=1)) == Submitted(state=Success("m", result=1))
    assert Submitted(state=Success(result=1)) != Submitted(state=Success(result=2))
    assert Submitted(state=Success()) != Submitted()
