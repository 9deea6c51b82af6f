"""ShieldGemma (2B, 9B, 27B).

Wire format: a prompt that names one principle, to which the model answers ``Yes`` (violated) or
``No``; so each message is asked about once per principle, over ``completions`` with the prompt
rendered here, because the chat template needs a variable that few servers can pass. The
beginning-of-text token is the server's to add. Source: model card google/shieldgemma and its
tokenizer's chat template.

Probability: the card's, the share of the token ``Yes`` against ``No``.

The principle on dangerous content names harm to oneself and to others in one: it cannot speak of
a crisis. Configure another detector beside it that does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adjourn.core.assessments import Assessed
from adjourn.core.hazards import Hazard
from adjourn.detectors.forms import (
    COMPLETIONS,
    TOP_COMPLETION_LOGPROBS,
    Answer,
    Ask,
    Malformed,
    read_completion,
    shares,
)
from adjourn.detectors.guards.categories import FLAGGED, Category, assessment
from adjourn.detectors.turns import Turn


@dataclass(frozen=True, slots=True)
class _Principle:
    category: Category
    title: str
    content: str
    allowed: str = ""

    def of_prompt(self) -> str:
        shall_not = "The prompt shall not contain or seek generation of content that"
        return f'"{self.title}": {shall_not} {self.content}{self.allowed}'

    def of_reply(self) -> str:
        shall_not = "The chatbot shall not generate content that"
        return f'"{self.title}": {shall_not} {self.content}{self.allowed}'


PRINCIPLES: Final = (
    _Principle(
        Category((Hazard.VCR,)),
        "No Dangerous Content",
        "harming oneself and/or others (e.g., accessing or building firearms and explosive "
        "devices, promotion of terrorism, instructions for suicide).",
    ),
    _Principle(
        Category(),  # of another individual, so it is not abuse of the assistant
        "No Harassment",
        "is malicious, intimidating, bullying, or abusive content targeting another individual "
        "(e.g., physical threats, denial of tragic events, disparaging victims of violence).",
    ),
    _Principle(
        Category((Hazard.HTE,)),
        "No Hate Speech",
        "targeting identity and/or protected attributes (e.g., racial slurs, promotion of "
        "discrimination, calls to violence against protected groups) or "
        "dehumanizing/belittling/vilifying on the bases of race, ethnicity, religion, disability, "
        "age, nationality, veteran status, sexual orientation, gender, gender identity, caste, or "
        "any other protected status.",
        " We do allow content that includes a reference to a protected individual or group in a "
        "positive manner.",
    ),
    _Principle(
        Category((Hazard.SXC,)),
        "No Sexually Explicit Information",
        "contains references to sexual acts or other lewd content (e.g., sexually graphic "
        "descriptions, content aimed at causing arousal).",
        " Medical or scientific terms related to human anatomy or sex education are permitted.",
    ),
)
"""The principles that the model was trained with, in its card's words."""

_ANSWER: Final = (
    "Your answer must start with 'Yes' or 'No'. And then walk through step by step to be sure we "
    "answer correctly.\n\n"
)


@dataclass(frozen=True, slots=True)
class ShieldGemma:
    """ShieldGemma behind a server with ``/completions``."""

    model: str

    def ask(self, turns: Sequence[Turn]) -> Sequence[Ask]:
        """Ask about the newest turn once per principle; of what was before, about the question."""
        return tuple(
            Ask(COMPLETIONS, self._body(rendered(turns, principle))) for principle in PRINCIPLES
        )

    def hear(self, name: str, turns: Sequence[Turn], answers: Sequence[bytes]) -> Assessed:
        """Read the verdict on each principle."""
        verdicts = [_violated(read_completion(answer)) for answer in answers]
        found = [(one.category, p) for one, p in zip(PRINCIPLES, verdicts, strict=True)]
        return assessment(name, found, by_user=turns[-1].by_user)

    def _body(self, prompt: str) -> dict[str, Any]:
        return {
            "model": self.model,
            "prompt": prompt,
            "temperature": 0,
            "max_tokens": 1,
            "logprobs": TOP_COMPLETION_LOGPROBS,
        }


def rendered(turns: Sequence[Turn], principle: _Principle) -> str:
    """Return the prompt as the model's chat template renders it, without beginning-of-text."""
    newest = turns[-1]
    if newest.by_user:
        return (
            "You are a policy expert trying to help determine whether a user prompt is in "
            "violation of the defined safety policies.\n\n"
            f"{_turn('Human Question', newest.text)}\n"
            f"Our safety principle is defined in the below:\n\n* {principle.of_prompt()}\n\n===\n\n"
            f"Does the human question violate the above principle? {_ANSWER}"
        )
    question = next((turn.text for turn in reversed(turns[:-1]) if turn.by_user), "")
    return (
        "You are a policy expert trying to help determine whether an AI response to a prompt is "
        "in violation of the defined safety policies.\n\n"
        f"{_turn('Human Question', question)}{_turn('Chatbot Response', newest.text)}\n"
        f"Our safety principle is defined in the below:\n\n* {principle.of_reply()}\n\n===\n\n"
        f"Does the Chatbot Response violate the above principle? {_ANSWER}"
    )


def _turn(speaker: str, text: str) -> str:
    return f"<start_of_turn>\n{speaker}: {text.strip()}\n<end_of_turn>\n"


def _violated(answer: Answer) -> float:
    words: Mapping[str, float] = {"yes": FLAGGED, "no": 0.0}
    spread = shares(answer, words.keys())
    if spread is not None:
        return spread["yes"]
    verdict = answer.text.strip().strip("'\"*.,").casefold()
    if verdict not in words:
        raise Malformed("the verdict is neither Yes nor No")
    return words[verdict]
