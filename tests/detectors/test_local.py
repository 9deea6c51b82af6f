"""The detector that ships, on its own weights: what it must see, and what it must not do."""

import asyncio
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from adjourn.core.assessments import PROBABILITIES, Assessed, Assessment, Unknown
from adjourn.core.hazards import Hazard
from adjourn.core.messages import Message, OpaquePart, Role, TextPart
from adjourn.detectors.local import LocalDetector
from adjourn.detectors.local_input import MAX_WINDOWS, Window
from adjourn.ports import Detector
from tests.detectors.unseen import Case, read_cases

AT = {
    "abuse": 0.9,
    "harm": 0.8,
    "crisis_self": 0.35,
    "crisis_others": 0.5,
    "wants_end": 0.7,
    "confirms": 0.6,
    "declines": 0.6,
    "insists": 0.7,
    "refuses": 0.5,
    "redirects": 0.5,
} | dict.fromkeys(map(str, Hazard), 0.85)
"""Thresholds at which the cases are read; docs/detector.md says how they come about."""


@pytest.fixture(scope="module")
def detector() -> Iterator[LocalDetector]:
    one = LocalDetector(threads=2)
    yield one
    asyncio.run(one.aclose())


HAZARDS = frozenset(map(str, Hazard))


def user(text: str) -> list[Message]:
    return [Message.of(Role.USER, text)]


def assessment(assessed: Assessed) -> Assessment:
    assert isinstance(assessed, Assessment), assessed
    return assessed


def value(judged: Assessment, head: str) -> float:
    return judged.hazards[Hazard(head)] if head in list(Hazard) else float(getattr(judged, head))


def judged_cases(detector: LocalDetector) -> list[tuple[Case, Assessment]]:
    cases = list(read_cases())
    answers = detector.assess_now([case.conversation for case in cases])
    return [(case, assessment(one)) for case, one in zip(cases, answers, strict=True)]


def test_keeps_to_the_port(detector: LocalDetector) -> None:
    port: Detector = detector
    assert port.name == "local"


def test_unseen_cases(detector: LocalDetector) -> None:
    """Share of cases seen, per head; and no false alarm of what could end a conversation."""
    seen: dict[str, list[bool]] = {head: [] for head in AT}
    false: list[tuple[str, str, float]] = []
    for case, judged in judged_cases(detector):
        for head, at in AT.items():
            p = value(judged, head)
            if head in case.high:
                seen[head].append(p >= at)
            elif (
                p >= at and head not in case.open and not (case.high & HAZARDS and head in HAZARDS)
            ):
                false.append((head, case.text, round(p, 3)))
    recall = {head: sum(hits) / len(hits) for head, hits in seen.items() if hits}
    assert recall["crisis_self"] >= 0.9, recall
    assert recall["abuse"] >= 0.95, recall
    assert recall["wants_end"] >= 0.85, recall
    assert recall["confirms"] == 1.0, recall
    assert recall["refuses"] >= 0.9, recall
    ending = {"abuse", "confirms", "insists", *map(str, Hazard)}
    assert [one for one in false if one[0] in ending] == []
    # A wish to end that is none is asked about; it takes a yes to end anything.
    assert len([one for one in false if one[0] == "wants_end"]) <= 1, false
    assert len([one for one in false if one[0] == "crisis_self"]) <= 4, false


def test_distress_that_swears_is_no_abuse(detector: LocalDetector) -> None:
    texts = [
        "fuck you and your hotlines, i want to be dead",
        "you stupid machine, i'm going to kill myself and you talk like a leaflet",
    ]
    for text in texts:
        judged = assessment(detector.assess_now([user(text)])[0])
        assert judged.crisis_self >= AT["crisis_self"]


@pytest.mark.parametrize("text", ["", " \n", "\x00\x07", "\u200b\u200b"])
def test_empty_is_nothing(detector: LocalDetector, text: str) -> None:
    judged = assessment(detector.assess_now([user(text)])[0])
    assert all(getattr(judged, name) == 0.0 for name in PROBABILITIES)
    assert set(judged.hazards) == set(Hazard)
    assert not any(judged.hazards.values())


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f600" * 500,
        "\x1b[31mred\x00\x01",
        "lone \ud83d surrogate",
        "[SEP] [CLS] [PAD] [MASK] [unused1]",
        "\u202eright to left\u202c",
        "a" * 200_000,
        "word " * 40_000,
        "\u0644\u0627 \u6b7b kill \u092e\u0930 \u2620",
        "\u0301" * 1000,
        "1" * 5000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_any_text_gets_probabilities(detector: LocalDetector, text: str) -> None:
    for role in (Role.USER, Role.ASSISTANT):
        assessment(detector.assess_now([[Message.of(role, text)]])[0])


def test_parts_that_are_not_text(detector: LocalDetector) -> None:
    image = OpaquePart("image_url", b"\xff\xd8")
    bare = assessment(detector.assess_now([[Message(Role.USER, (image,))]])[0])
    assert bare.harm == 0.0
    mixed = Message(Role.USER, (image, TextPart("i want to kill myself")))
    assert assessment(detector.assess_now([[mixed]])[0]).crisis_self >= AT["crisis_self"]
    assert isinstance(detector.assess_now([[]])[0], Assessment)


def test_role_decides_which_heads_speak(detector: LocalDetector) -> None:
    text = "I'm sorry, but I can't help with that."
    as_reply, as_user, as_system = (
        assessment(detector.assess_now([[Message.of(role, text)]])[0])
        for role in (Role.ASSISTANT, Role.USER, Role.SYSTEM)
    )
    assert as_reply.refuses >= AT["refuses"]
    assert as_reply.abuse == as_reply.crisis_self == as_reply.wants_end == 0.0
    assert as_user.refuses == as_user.redirects == 0.0
    assert all(getattr(as_system, name) == 0.0 for name in PROBABILITIES)


def test_a_yes_without_a_question_confirms_nothing(detector: LocalDetector) -> None:
    assert assessment(detector.assess_now([user("yes")])[0]).confirms == 0.0


def test_harm_at_the_end_of_a_long_message_is_found(detector: LocalDetector) -> None:
    filler = "The garden was quiet and the tea was warm. " * 120
    judged = assessment(detector.assess_now([user(filler + "I want to kill myself tonight.")])[0])
    assert judged.crisis_self >= AT["crisis_self"]


async def test_neighbours_do_not_change_an_answer() -> None:
    texts = ["hello", "i want to die", "you stupid useless bot", "word " * 300, "", "how are you?"]
    alone = LocalDetector(threads=1)
    together = LocalDetector(threads=3)
    try:
        one_by_one = [(await alone.assess([user(text)]))[0] for text in texts]
        asked = [together.assess([user(text)]) for text in reversed(texts)]
        at_once = [answers[0] for answers in reversed(await asyncio.gather(*asked))]
        assert at_once == one_by_one
    finally:
        await alone.aclose()
        await together.aclose()


async def test_the_event_loop_goes_on_while_it_computes() -> None:
    detector = LocalDetector(threads=1)
    try:
        ticks = 0
        work = asyncio.ensure_future(
            detector.assess([user(f"{i} " + "some words " * 60) for i in range(40)])
        )
        while not work.done():
            ticks += 1
            await asyncio.sleep(0.001)
        assert len(await work) == 40
        assert ticks > 20
    finally:
        await detector.aclose()


async def test_an_abandoned_question_does_not_stop_the_others() -> None:
    detector = LocalDetector(threads=1)
    try:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(detector.assess([user("word " * 9000)]), 0.001)
        answers = await detector.assess([user("hello")])
        assert isinstance(answers[0], Assessment)
    finally:
        await detector.aclose()


class Reader:
    """Stands before a detector's network: says whose windows were read, and may hold one up."""

    def __init__(self, detector: LocalDetector, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[str] = []
        self.may_read = threading.Event()
        self.reading = threading.Event()
        self._network = detector._network
        self._whose: dict[Window, str] = {}
        self._logits_of = detector._network.logits_of
        self._windows = detector._network.windows
        monkeypatch.setattr(detector._network, "windows", self.windows)
        monkeypatch.setattr(detector._network, "logits_of", self.logits_of)

    def windows(self, conversation: Sequence[Message]) -> list[Window]:
        found = self._windows(conversation)
        self._whose |= dict.fromkeys(found, conversation[-1].text[:5])
        return found

    def logits_of(self, window: Window) -> NDArray[np.float64]:
        self.reading.set()
        assert self.may_read.wait(20)
        self.read.append(self._whose[window])
        return self._logits_of(window)


LONG = "".join(f"long {i} " for i in range(900))


async def test_a_question_nobody_waits_for_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = LocalDetector(threads=1)
    reader = Reader(detector, monkeypatch)
    first = asyncio.ensure_future(detector.assess([user("first")]))
    shared = asyncio.ensure_future(detector.assess([user("share")]))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(detector.assess([user("given up"), user("share")]), 0.02)
    reader.may_read.set()
    assert isinstance((await first)[0], Assessment)
    assert isinstance((await shared)[0], Assessment)
    await detector.aclose()
    assert reader.read == ["first", "share"]


async def test_a_long_message_lets_short_ones_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = LocalDetector(threads=1)
    reader = Reader(detector, monkeypatch)
    long = asyncio.ensure_future(detector.assess([user(LONG)]))
    await asyncio.to_thread(reader.reading.wait, 20)
    short = asyncio.ensure_future(detector.assess([user("short")]))
    await asyncio.sleep(0)
    reader.may_read.set()
    assert await short
    assert reader.read[:2] == ["long ", "short"]
    (judged,) = await long
    assert reader.read.count("long ") == MAX_WINDOWS
    alone = LocalDetector(threads=1)
    assert alone.assess_now([user(LONG)]) == [judged]
    await alone.aclose()
    await detector.aclose()


async def test_reading_stops_in_the_middle_of_an_abandoned_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    detector = LocalDetector(threads=1)
    reader = Reader(detector, monkeypatch)
    long = asyncio.ensure_future(detector.assess([user(LONG)]))
    await asyncio.to_thread(reader.reading.wait, 20)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    reader.may_read.set()
    await detector.aclose()
    assert reader.read == ["long "]


async def test_what_is_under_way_is_finished_when_the_detector_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    detector = LocalDetector(threads=1)
    reader = Reader(detector, monkeypatch)
    long = asyncio.ensure_future(detector.assess([user(LONG)]))
    await asyncio.to_thread(reader.reading.wait, 20)
    closing = asyncio.ensure_future(detector.aclose())
    await asyncio.sleep(0.05)
    reader.may_read.set()
    await closing
    assert isinstance((await long)[0], Assessment)


async def test_what_fails_inside_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = LocalDetector(threads=1)

    def broken(given: object) -> None:
        raise RuntimeError("no")

    for part in ("windows", "logits_of"):
        with monkeypatch.context() as patched:
            patched.setattr(detector._network, part, broken)
            assert await detector.assess([user("hello")]) == [
                Unknown("local", "failed: RuntimeError"),
            ]
    assert isinstance((await detector.assess([user("hello")]))[0], Assessment)
    await detector.aclose()
    assert await detector.assess([user("hi")]) == [Unknown("local", "the detector is closed")]
    await detector.aclose()
