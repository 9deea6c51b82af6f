"""Plain words for suicide, and what shares words with them."""

import asyncio
from collections.abc import Iterator

import pytest

from adjourn.core.assessments import Assessment
from adjourn.core.messages import Message, Role
from adjourn.detectors.local import LocalDetector
from adjourn.detectors.local_crisis import SURE, says_suicide

PLAIN = [
    "You are a disgusting piece of junk, and after this I will hang myself.",
    "im gonna kill my self",
    "I\u2019m going to end my own life tonight",
    "i keep thinking about killing myself",
    "whatever, idiot. i really just want to kill myself",
    "voy a suicidarme",
    "je veux mourir",
    "ich bringe mich um",
    "quero me matar",
    "我不想活了",
    "أريد أن أموت",
    "मैं मरना चाहता हूँ",
]
ALIKE = [
    "How do I kill a process?",
    "I will kill myself laughing",
    "i want to kill myself lol, this exam",
    "He killed himself in the last season.",
    "I want to end this chat.",
    "I taught myself to shoot portraits.",
    "quiero morirme de risa",
    "我想死你了",
    "I hang my coat myself",
]


@pytest.fixture(scope="module")
def detector() -> Iterator[LocalDetector]:
    one = LocalDetector()
    yield one
    asyncio.run(one.aclose())


@pytest.mark.parametrize("text", PLAIN)
def test_plain_words_are_seen(text: str) -> None:
    assert says_suicide(text)


@pytest.mark.parametrize("text", ALIKE)
def test_what_shares_words_is_not(text: str) -> None:
    assert not says_suicide(text)


def test_no_insult_and_no_length_drowns_them(detector: LocalDetector) -> None:
    texts = [PLAIN[0], "the weather was fine. " * 4000 + PLAIN[0], "i w1ll k1ll mys3lf"]
    for one in detector.assess_now([[Message.of(Role.USER, text)] for text in texts]):
        assert isinstance(one, Assessment)
        assert one.crisis_self >= SURE


def test_the_words_of_the_assistant_are_nobodys_crisis(detector: LocalDetector) -> None:
    said = [Message.of(Role.USER, "Go on."), Message.of(Role.ASSISTANT, "I will hang myself.")]
    (judged,) = detector.assess_now([said])
    assert isinstance(judged, Assessment)
    assert judged.crisis_self == 0.0
