"""A history's beginnings are no copies: what a client sends once costs its size once."""

import sys
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core import turns as t
from adjourn.core.exchange import Exchange, PolicyInForce
from adjourn.core.messages import Beginning, Message
from adjourn.core.tree import Origin
from adjourn.core.walk import MOST_JUDGED
from tests.core.tabletop import POLICY, judge

WHOLE = tuple(Message.of("user", str(number)) for number in range(9))


@given(
    length=st.integers(0, 9),
    start=st.none() | st.integers(-11, 11),
    stop=st.none() | st.integers(-11, 11),
    step=st.sampled_from([None, 1, 2, -1]),
)
def test_a_beginning_is_read_like_a_copy(
    length: int, start: int | None, stop: int | None, step: int | None
) -> None:
    beginning, copy = Beginning(WHOLE, length), WHOLE[:length]
    assert tuple(beginning) == copy
    assert tuple(reversed(beginning)) == copy[::-1]
    assert tuple(beginning[start:stop:step]) == copy[start:stop:step]
    assert tuple(beginning[:-1][:-1]) == copy[:-1][:-1]


def test_what_is_not_there_is_not_found() -> None:
    for at in (3, -4):
        with pytest.raises(IndexError):
            Beginning(WHOLE, 3)[at]


def assessed(messages: Sequence[Message]) -> tuple[Exchange, t.Assess]:
    """Return the exchange of a history that is new to everybody, and what it has judged."""
    exchange = Exchange(PolicyInForce.of(POLICY))
    exchange.handle(t.RequestReceived(t.TurnRequest(Origin("x"), messages, "m", 1)))
    command = exchange.handle(t.PathFound())
    assert isinstance(command, t.Assess)
    return exchange, command


def test_judging_a_long_history_takes_no_copies_of_it() -> None:
    """They would take memory by the square of the history: 20 GB for 4 MB of short messages."""
    history = [Message.of("user", "a")] * 20_000
    _, command = assessed(history)
    assert sum(map(sys.getsizeof, command.conversations)) < 100_000


def test_of_a_history_that_is_long_and_new_nothing_ends() -> None:
    """What is beyond the bound is unknown, as if no detector had answered."""
    exchange, command = assessed([Message.of("user", "you idiot")] * (MOST_JUDGED + 1))
    assert len(command.conversations) == MOST_JUDGED
    assert len(command.conversations[-1]) == MOST_JUDGED + 1
    answers = [(judge(one[-1]),) for one in command.conversations]
    forward = exchange.handle(t.AssessmentsMade(answers))
    assert isinstance(forward, t.Forward)
    assert (forward.decision, forward.tool) == ("continue", None)
