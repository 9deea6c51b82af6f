"""Plain answers are read without the network; everything else is left to it."""

import pytest

from adjourn.core.assessments import Assessment
from adjourn.core.messages import Message
from adjourn.detectors.local import LocalDetector
from adjourn.detectors.local_answers import plain_answer


@pytest.mark.parametrize(
    "text", ["yes", "Yes!", " YES. ", "Sí", "si", "Oui", "ja", "हाँ", "是的。", "نعم"]
)
def test_plain_yes(text: str) -> None:
    assert plain_answer(text) is True


@pytest.mark.parametrize("text", ["no", "No, thanks.", "nein", "不要", "لا"])
def test_plain_no(text: str) -> None:
    assert plain_answer(text) is False


@pytest.mark.parametrize("text", ["", "yes but wait", "he said yes", "yes\n" * 50, "no idea", "🙂"])
def test_anything_else(text: str) -> None:
    assert plain_answer(text) is None


async def test_a_plain_yes_confirms_only_as_an_answer() -> None:
    detector = LocalDetector()
    asked = [Message.of("user", "end this"), Message.of("assistant", "Do you want to end it?")]
    answers = await detector.assess(
        [[*asked, Message.of("user", "Yes.")], [*asked, Message.of("user", "No!")],
         [Message.of("user", "Yes.")]]
    )  # fmt: skip
    await detector.aclose()
    found = [(a.confirms, a.declines) for a in answers if isinstance(a, Assessment)]
    assert found == [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)]
