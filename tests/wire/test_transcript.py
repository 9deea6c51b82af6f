"""Messages that are read when they are asked for."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from adjourn.core.messages import Message, Role
from adjourn.wire.transcript import Transcript


def read(items: Sequence[Any], first: int) -> Iterator[Message]:
    for at, item in enumerate(items, first):
        yield Message.of("assistant" if item == "-" else "user", f"{at}{item}")


def made(*items: str, joins: bool = False) -> Transcript:
    raws = [msgspec.Raw(msgspec.json.encode(item)) for item in items]
    lead = (Message.of("system", "lead"),)
    return Transcript("test", read, raws, lead=lead, first=1, joins=joins)


def texts(messages: Sequence[Message]) -> list[str]:
    return [message.text for message in messages]


def test_all_of_it_is_read() -> None:
    transcript = made("a", "-", "c")
    assert len(transcript) == 4
    assert texts(transcript) == ["lead", "1a", "2-", "3c"]
    assert texts(transcript[1:3]) == ["1a", "2-"]
    with pytest.raises(IndexError):
        transcript[4]


def test_what_was_read_before_stays_unread_until_somebody_looks() -> None:
    transcript = made("a", "-", "c")
    after = transcript.read_after(1, 2, Role.USER)
    assert after is not None
    assert texts(after) == ["2-", "3c"]
    assert (len(transcript), transcript[-1], transcript[2]) == (4, after[1], after[0])
    assert transcript[:4] is transcript
    assert transcript._messages is None
    assert texts(transcript[:2]) == ["lead", "1a"]
    assert texts(transcript) == ["lead", "1a", "2-", "3c"]


def test_what_belongs_together_is_not_torn_apart() -> None:
    assert made("a", "-", "-", joins=True).read_after(2, 3, Role.ASSISTANT) is None
    assert made("a", "-", "-").read_after(2, 3, Role.ASSISTANT) is not None
    assert made("a", "-", "c", joins=True).read_after(2, 3, Role.ASSISTANT) is not None
    assert made("a", "-", joins=True).read_after(2, 3, Role.ASSISTANT) == ()
