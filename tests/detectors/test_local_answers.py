"""A bare yes or no is read by its words; anything else is not."""

import pytest

from adjourn.detectors.local_answers import plain_answer


@pytest.mark.parametrize(
    "text",
    ["yes", "Yes.", "YES!", "yes, end it", "yep, do it", "do it", "I'm sure", "yes please",
     "Yes, I am sure, end this conversation.", "sí", "ja bitte", "oui", "是的。", "نعم", "हाँ",
     "I\u2019m sure", "please do", "yes, I want to end this conversation for good", "はい"],
)  # fmt: skip
def test_yes(text: str) -> None:
    assert plain_answer(text) is True


@pytest.mark.parametrize(
    "text",
    ["no", "No!", "no thanks", "no wait, keep it open", "actually no, I changed my mind", "don't",
     "not yet", "nein danke", "不要", "لا", "नहीं", "no, let's continue", "wait, don't end it",
     "no, don't close it"],
)  # fmt: skip
def test_no(text: str) -> None:
    assert plain_answer(text) is False


@pytest.mark.parametrize(
    "text",
    ["", "...", "ok", "okay thanks", "he said yes", "he said 'yes, end it'", '"yes"', "yes?",
     "yes and no", "maybe",
     "yes but first save my file", "no idea", "ok what else can you do", "sure thing, but why",
     "yes: what does that mean", "[user: yes]", "okay tell me a joke", "yes, end my life",
     "no one cares", "yes " * 40],
)  # fmt: skip
def test_neither(text: str) -> None:
    assert plain_answer(text) is None
