"""Several gateways and one store: whatever the order in which they get to it, one end, one record.

A gateway is a driver. All drivers of a test share one store, whose every call waits for a turn that
a seeded scheduler gives: so requests interleave in thousands of ways, and each can be replayed.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from adjourn.core import turns as t
from adjourn.core.entries import Append, EndRecord, EntryKind
from adjourn.core.errors import StoreUnavailable
from adjourn.core.exchange import PolicyInForce
from adjourn.core.messages import Message, Role
from adjourn.core.tree import NodeId, Origin
from adjourn.ports import PathFacts
from adjourn.runtime.driver import Driver
from adjourn.runtime.panel import Panel
from adjourn.store.memory import MemoryStore
from adjourn.testing import FixedDetector
from tests.core.tabletop import POLICY, judge


@dataclass
class Crowded(MemoryStore):
    """A store in memory that is busy with others before and after each call."""

    seed: int = 0
    most: int = 4
    """Turns of the event loop that a call waits at most, on each side."""
    fails: bool = False
    """Every third call or so fails: before it did anything, or after."""

    def __post_init__(self) -> None:
        super().__init__()
        self.chance = random.Random(self.seed)

    async def _wait(self) -> None:
        for _ in range(self.chance.randint(0, self.most)):
            await asyncio.sleep(0)
        if self.fails and self.chance.random() < 0.15:
            raise StoreUnavailable("the test says so")

    async def look_up(self, path: Sequence[NodeId]) -> PathFacts:
        await self._wait()
        facts = await super().look_up(path)
        await self._wait()
        return facts

    async def append(self, append: Append) -> EndRecord | None:
        await self._wait()
        end = await super().append(append)
        await self._wait()
        return end


@dataclass
class Heard:
    """A dialogue that notes what happens to the client; the model always says the same."""

    forwarded: int = 0
    last: t.Command | None = None

    async def forward(self, command: t.Forward) -> t.Event:
        self.forwarded += 1
        await asyncio.sleep(0)
        return t.ReplyEnded(t.ModelReply(("Fine.",)))

    async def release(self) -> t.Event:
        return t.ReplyEnded(t.ModelReply(("Fine.",)))

    async def close(self, command: Any) -> None:
        self.last = command

    @property
    def decision(self) -> str:
        assert not isinstance(self.last, t.Leave | None)
        return str(self.last.outcome.decision)  # type: ignore[union-attr]  # a last command

    @property
    def end(self) -> EndRecord | None:
        if isinstance(self.last, t.Refuse):
            return self.last.end
        if isinstance(self.last, t.Reply | t.Finish):
            return self.last.outcome.end
        return None


@dataclass
class Gateways:
    """Several drivers on one store."""

    store: Crowded
    drivers: list[Driver] = field(init=False)

    def __post_init__(self) -> None:
        self.drivers = [
            Driver(
                in_force=PolicyInForce.of(POLICY),
                store=self.store,
                panel=Panel([FixedDetector(judge)], deadline_s=60),
                keep_evidence=_keep_nothing,
            )
            for _ in range(3)
        ]

    async def send(
        self,
        gateway: int,
        messages: Sequence[Message],
        at_ms: int = 1,
        heard: Heard | None = None,
    ) -> Heard:
        heard = heard or Heard()
        request = t.TurnRequest(Origin("tenant", "someone"), tuple(messages), "m", at_ms)
        await self.drivers[gateway].run(request, heard)
        return heard

    async def drain(self) -> None:
        for driver in self.drivers:
            await driver.drain()


async def _keep_nothing(_: NodeId, __: Sequence[Message]) -> None:
    """Evidence is not the subject here."""


def user(text: str) -> Message:
    return Message.of(Role.USER, text)


async def climbed(gateways: Gateways) -> list[Message]:
    """Return a conversation that ends at the next insult."""
    messages: list[Message] = []
    for _ in range(4):
        messages.append(user("idiot"))
        heard = await gateways.send(0, messages)
        assert isinstance(heard.last, t.Reply | t.Finish)
        said = (
            heard.last.text if isinstance(heard.last, t.Reply) else f"Fine.\n\n{heard.last.added}"
        )
        if isinstance(heard.last, t.Finish) and not heard.last.added:
            said = "Fine."
        messages.append(Message.of(Role.ASSISTANT, said))
        await gateways.drain()
    return messages


async def race(seed: int, *, fails: bool = False) -> None:
    store = Crowded(seed=seed)
    gateways = Gateways(store)
    before = await climbed(gateways)
    recorded = len(await store.entries(0, 1000))
    store.fails = fails
    rest = [*before, user("idiot")]
    told = await asyncio.gather(
        *(gateways.send(number % 3, rest, at_ms=7 + number % 2) for number in range(5))
    )
    await gateways.drain()
    store.fails = False
    entries = [entry for _, entry in await store.entries(recorded, 1000)]
    ends = [entry for entry in entries if entry.kind is EntryKind.END or entry.decision == "end"]
    shown = {one.end.closing for one in told if one.end is not None}
    assert len(ends) <= 1, "an end is recorded once"
    assert len(shown) <= 1, "all are told of the same end"
    assert not shown or ends, "an end never happens unrecorded"
    if not fails:
        assert len(ends) == 1
        assert all(one.end is not None for one in told), "none passes"
        assert not any(one.forwarded for one in told), "none reaches the model"
        assert len(entries) == 1, "nothing is recorded twice"
    if ends:
        for gateway in range(3):
            again = await gateways.send(gateway, [*rest, user("hello")])
            assert again.decision == "locked", "an end is a lock on all"
            assert not again.forwarded


@pytest.mark.parametrize("batch", range(4))
async def test_requests_that_race_end_a_conversation_once(batch: int) -> None:
    for seed in range(batch * 50, batch * 50 + 50):
        await race(seed)


async def test_requests_that_race_on_a_failing_store_never_end_it_unrecorded() -> None:
    for seed in range(100):
        await race(seed, fails=True)


@pytest.mark.slow
async def test_thousands_of_interleavings() -> None:
    for seed in range(1_000, 5_000):
        await race(seed, fails=seed % 2 == 1)
