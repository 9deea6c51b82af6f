"""Three drivers on one store beside the ladder's plain description, on histories nobody thought of.

What each request is told is what ``reference`` says of its path: whichever driver served the turns
before, whether they were recorded by then, whatever is edited, sent again or sent to several.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

from adjourn.core import turns as t
from adjourn.core.audiences import Audience
from adjourn.core.decisions import Delivered
from adjourn.core.entries import EntryKind
from adjourn.core.messages import Message, Role
from adjourn.report.ledger_laws import Laws
from tests.core import reference
from tests.core.tabletop import POLICY, judge

from .test_races import Crowded, Gateways, Heard, user

SAID = st.sampled_from(
    ["idiot", "idiot", "idiot", "bomb", "just", "hello", "finish", "yes", "no", "crisis", "unknown"]
)
CARRIES = {
    "redirect": Delivered.REDIRECTION,
    "warn": Delivered.WARNING,
    "confirm_user_end": Delivered.CONFIRM_QUESTION,
}
Messages = tuple[Message, ...]


@dataclass
class Asking(Heard):
    """A dialogue whose model asks for an end whenever it can, or never."""

    asks: bool = False

    async def forward(self, command: t.Forward) -> t.Event:
        self.forwarded += 1
        await asyncio.sleep(0)
        if self.asks and command.tool is not None:
            return t.ReplyEnded(t.ModelReply(("",), end_calls=1))
        return t.ReplyEnded(t.ModelReply((self.own_words,)))

    @property
    def own_words(self) -> str:
        return "" if self.asks else "Fine."

    @property
    def said(self) -> str:
        """What the client has of the reply."""
        match self.last:
            case t.Reply(text=text):
                return text
            case t.Finish(added=added):
                return "\n\n".join(filter(None, (self.own_words, added)))
            case _:
                return ""


class Drivers(RuleBasedStateMachine):
    """Clients that talk to any of the drivers; a conversation is what its client has of it."""

    talks = Bundle("talks")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = Crowded(seed=7, most=8)
        self.gateways = Gateways(self.store)
        self.delivered: dict[Messages, Delivered] = {}
        """What replies carried, by the conversation up to them."""
        self.ended: dict[Messages, str] = {}
        """Closing replies, by the conversation up to the message they answer."""
        self.reversed: set[Messages] = set()
        self.disturbed = False

    def teardown(self) -> None:
        self.runner.run(self.gateways.drain())
        entries = self.runner.run(self.store.entries(0, 10_000))
        laws = Laws([POLICY])
        found = [one for position, entry in entries for one in laws.take(position, entry)]
        assert self.disturbed or not found
        ends = [entry.node for _, entry in entries if entry.kind is EntryKind.END]
        assert len(ends) == len(set(ends)) == len(self.ended)
        self.runner.close()

    def ask(self, messages: Messages, gateways: Sequence[int], *, asks: bool) -> list[Asking]:
        """Send one request to some drivers at once; return what each was told."""

        async def all_of_them() -> list[Asking]:
            told = [Asking(asks=asks) for _ in gateways]
            requests = zip(gateways, told, strict=True)
            await asyncio.gather(
                *(self.gateways.send(gateway, messages, heard=one) for gateway, one in requests)
            )
            return told

        return self.runner.run(all_of_them())

    def expected(self, messages: Messages, *, asks: bool) -> str:
        """Return what the reference says of a conversation's newest message."""
        past = [
            reference.Turn(judge(said), self.delivered.get(messages[: at + 2]))
            for at, said in enumerate(messages[:-1])
            if said.role is Role.USER
        ]
        newest = judge(messages[-1])
        decided = reference.decide(POLICY, past, newest, asks, Audience.UNKNOWN)
        return decided.partition(" by ")[0]

    def is_locked(self, messages: Messages) -> bool:
        above = (messages[:at] for at in range(len(messages)))
        return any(one in self.ended and one not in self.reversed for one in above)

    @initialize(target=talks)
    def begin(self) -> Messages:
        return ()

    @rule(
        target=talks,
        talk=talks,
        word=SAID,
        asks=st.booleans(),
        gateways=st.lists(st.integers(0, 2), min_size=1, max_size=4),
    )
    def say(self, talk: Messages, word: str, asks: bool, gateways: list[int]) -> object:
        """Go on from any state of any conversation: the next turn, an edit, the same again."""
        return self.said(talk, word, gateways, asks=asks) or multiple()

    @rule(
        target=talks,
        talk=talks,
        asks=st.booleans(),
        gateways=st.lists(st.integers(0, 2), min_size=2, max_size=5),
    )
    def insult(self, talk: Messages, asks: bool, gateways: list[int]) -> object:
        """Climb the ladder, each rung at another driver."""
        for gateway in gateways:
            talk = self.said(talk, "idiot", [gateway], asks=asks) or talk
        return talk

    def said(
        self, talk: Messages, word: str, gateways: Sequence[int], *, asks: bool
    ) -> Messages | None:
        """Say a word; return the conversation with its answer, None if it goes no further."""
        messages = (*talk, user(word))
        told = self.ask(messages, gateways, asks=asks)
        decisions, said = {one.decision for one in told}, {one.said for one in told}
        assert len(said) == 1
        if self.is_locked(messages):
            assert decisions == {"locked"}
            assert not any(one.forwarded for one in told)
            return None
        if messages in self.ended and messages not in self.reversed:
            assert decisions == {"end"}
            assert said == {self.ended[messages]}
            return None
        expected = self.expected(messages, asks=asks)
        if expected == "end" and messages in self.reversed:
            assert decisions == {"redirect"}, "a reversal stands"
            return None
        assert decisions == {expected}
        answered = (*messages, Message.of(Role.ASSISTANT, told[0].said))
        if expected == "end":
            self.ended[messages] = told[0].said
        if expected in CARRIES:
            self.delivered[answered] = CARRIES[expected]
        return answered

    @rule(talk=talks, word=SAID, asks=st.booleans(), gateway=st.integers(0, 2))
    def say_during_an_outage(self, talk: Messages, word: str, asks: bool, gateway: int) -> None:
        """Nobody is ended on what is not known, and nothing that is not recorded happens."""
        self.runner.run(self.gateways.drain())
        self.store.available = False
        (told,) = self.ask((*talk, user(word)), [gateway], asks=asks)
        self.runner.run(self.gateways.drain())
        self.store.available = True
        known, self.delivered = self.delivered, {}
        expected = self.expected((*talk, user(word)), asks=asks)
        self.delivered = known
        assert told.decision == expected
        assert expected not in ("warn", "end")

    @rule(talk=talks, gateway=st.integers(0, 2))
    def reverse(self, talk: Messages, gateway: int) -> None:
        """A reversal opens what was ended; the next request of any driver shows it."""
        messages = talk[:-1]
        if messages not in self.ended or messages in self.reversed or self.is_locked(messages):
            return  # below another end, which is what its clients are told of
        (told,) = self.ask(messages, [gateway], asks=False)
        assert told.end is not None
        entries = self.runner.run(self.store.entries(0, 10_000))
        of_it = next(entry for _, entry in entries if entry.node == told.end.node)
        entry = replace(of_it, kind=EntryKind.APPEAL, decision="reversed", at_ms=2)
        assert self.runner.run(self.store.reverse(told.end.node, 2, entry))
        self.reversed.add(messages)
        self.disturbed = True  # an appeal that nobody filed


TestDrivers = Drivers.TestCase
TestDrivers.settings = settings(max_examples=30, stateful_step_count=25)


class DriversAtLength(Drivers):
    """The same, for longer."""


TestDriversAtLength = pytest.mark.slow(DriversAtLength.TestCase)
TestDriversAtLength.settings = settings(max_examples=400, stateful_step_count=60)
