"""Detectors side by side: deadlines, slow ones, and what is remembered of them."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.messages import Message
from adjourn.runtime import panel as module
from adjourn.runtime.panel import Panel
from adjourn.testing import FixedDetector

ONE, TWO = [Message.of("user", "one")], [Message.of("user", "two")]


class Held:
    """A detector that answers when it is let go."""

    def __init__(self, name: str = "slow", answer: Callable[[], Assessed] | None = None) -> None:
        self.name = name
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.asked: list[str] = []
        self._answer = answer or (lambda: Assessment(name, abuse=0.5))

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        self.asked += [conversation[-1].text for conversation in conversations]
        self.began.set()
        await self.go.wait()
        return [self._answer() for _ in conversations]

    async def aclose(self) -> None:
        pass


def panel(slow: Held, *, deadline_s: float = 20.0) -> Panel:
    return Panel([FixedDetector(name="quick"), slow], deadline_s=deadline_s, beside={"slow"})


async def test_slow_detectors_are_not_waited_for_and_their_answers_are_kept() -> None:
    slow = Held()
    judges = panel(slow)
    assert await judges.assess([ONE], patient=False) == ([(Assessment("quick"),)], True)
    slow.go.set()
    both = (Assessment("quick"), Assessment("slow", abuse=0.5))
    assert await judges.assess([ONE]) == ([both], False)
    assert await judges.assess([ONE], patient=False) == ([both], False)
    assert slow.asked == ["one"]


async def test_of_what_was_before_all_detectors_are_waited_for() -> None:
    slow = Held()
    judges = panel(slow)
    await judges.assess([ONE], patient=False)
    asking = asyncio.create_task(judges.assess([ONE, TWO], patient=False))
    await asyncio.sleep(0)
    slow.go.set()
    made, _ = await asking
    assert made[0] == (Assessment("quick"), Assessment("slow", abuse=0.5))
    assert slow.asked == ["one", "two"]


async def test_work_goes_on_when_the_client_has_left() -> None:
    slow = Held()
    judges = panel(slow)
    asking = asyncio.create_task(judges.assess([ONE]))
    await slow.began.wait()
    asking.cancel()
    slow.go.set()
    await judges.drain()
    made, pending = await judges.assess([ONE], patient=False)
    assert (len(made[0]), pending, slow.asked) == (2, False, ["one"])


async def test_what_failed_is_asked_again() -> None:
    answers: list[Assessed] = [Unknown("slow", "failed"), Assessment("slow")]
    slow = Held(answer=lambda: answers.pop(0))
    slow.go.set()
    judges = panel(slow)
    assert (await judges.assess([ONE]))[0][0][1] == Unknown("slow", "failed")
    assert (await judges.assess([ONE]))[0][0][1] == Assessment("slow")
    assert slow.asked == ["one", "one"]


async def test_every_detector_has_its_own_deadline() -> None:
    slow, slower = Held("slow"), Held("slower")
    judges = Panel(
        [slow, slower, FixedDetector(failure=KeyError("x"))],
        deadline_s=0.02,
        deadlines_s={"slower": 0.01},
        beside={"slower"},
    )
    ((one, two, three),), pending = await judges.assess([ONE])
    assert one == Unknown("slow", "no answer within 0.02 seconds")
    assert three == Unknown("slower", "no answer within 0.01 seconds")
    assert two == Unknown("fixed", "failed (KeyError)")
    assert not pending


async def test_the_wrong_number_of_answers_is_unknown() -> None:
    class Few(FixedDetector):
        async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
            return []

    ((answer,),), _ = await Panel([Few()], deadline_s=20.0).assess([ONE])
    assert answer == Unknown("fixed", "0 answers to 1 questions")


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    slow = Held()
    slow.go.set()
    judges = panel(slow)
    for text in ("a", "b", "c", "a"):
        await judges.assess([[Message.of("user", text)]])
    assert slow.asked == ["a", "b", "c", "a"]


async def test_no_detectors() -> None:
    assert await Panel([], deadline_s=1.0).assess([ONE, TWO]) == ([(), ()], False)
