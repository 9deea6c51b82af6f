"""Qwen3Guard-Gen (0.6B, 4B, 8B).

Wire format: the server's chat template writes task and policy around the conversation. The answer
has a line ``Safety: `` with ``Safe``, ``Controversial`` or ``Unsafe``, a line ``Categories: ``
with names separated by commas or ``None``, and, for replies, ``Refusal: `` with ``Yes`` or ``No``.
Source: README and chat template of QwenLM/Qwen3Guard; technical report, section 2.

Probability: the share of the verdict's token. ``Controversial`` is in between by the model's own
definition and counts half, except for self-harm: there it counts in full.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adjourn.core.assessments import Assessed
from adjourn.core.hazards import Hazard
from adjourn.detectors.forms import CHAT, Answer, Ask, Malformed, chat_body, read_chat, shares
from adjourn.detectors.guards.categories import FLAGGED, Category, assessment
from adjourn.detectors.turns import Turn, alternating, as_messages

_MOST_TOKENS: Final = 128
"""As in the model's README."""
_CONTROVERSIAL: Final = 0.5

CATEGORIES: Final[Mapping[str, Category]] = {
    "Violent": Category((Hazard.VCR,)),
    "Non-violent Illegal Acts": Category((Hazard.NCR,)),
    "Sexual Content or Sexual Acts": Category((Hazard.SXC,)),
    "PII": Category((Hazard.PRV,)),
    "Suicide & Self-Harm": Category((Hazard.SSH,), self_harm=True),
    "Unethical Acts": Category(),  # from bias to misinformation: too wide
    "Politically Sensitive Topics": Category(harm=False),  # no harm in AILuminate's sense
    "Copyright Violation": Category((Hazard.IPV,)),
    "Jailbreak": Category(),
}
"""``Jailbreak`` is given for users' messages only."""


@dataclass(frozen=True, slots=True)
class Qwen3Guard:
    """Qwen3Guard-Gen behind a server that applies its chat template."""

    model: str

    def ask(self, turns: Sequence[Turn]) -> Sequence[Ask]:
        """Ask about the newest turn in its context."""
        messages = as_messages(alternating(turns))
        body = chat_body(self.model, messages, max_tokens=_MOST_TOKENS, logprobs=True)
        return (Ask(CHAT, body),)

    def hear(self, name: str, turns: Sequence[Turn], answers: Sequence[bytes]) -> Assessed:
        """Read the verdict."""
        answer = read_chat(answers[0])
        lines = _lines(answer.text)
        safety = lines.get("Safety", "")
        if safety not in ("Safe", "Controversial", "Unsafe"):
            raise Malformed("the verdict is none of the three")
        listed = lines.get("Categories")
        if listed is None:
            raise Malformed("there is no line of categories")
        names = {one.strip() for one in listed.split(",")} - {"None", ""}
        if not names <= CATEGORIES.keys() or (names and safety == "Safe"):
            raise Malformed("the categories are not those of the verdict")
        spread = _spread(answer, safety)
        half = spread["unsafe"] + _CONTROVERSIAL * spread["controversial"]
        full = spread["unsafe"] + spread["controversial"]
        found = [
            (category, (full if category.self_harm else half) * (one in names))
            for one, category in CATEGORIES.items()
        ]
        speaks_of_harm = not names or any(CATEGORIES[one].harm for one in names)
        return assessment(
            name,
            found,
            by_user=turns[-1].by_user,
            harm=half * speaks_of_harm,
            refuses=FLAGGED * (lines.get("Refusal") == "Yes"),
        )


def _lines(text: str) -> dict[str, str]:
    """Return the fields of an answer; ``Malformed`` if one is given twice."""
    fields: dict[str, str] = {}
    for line in text.strip().splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() in ("Safety", "Categories", "Refusal"):
            if key.strip() in fields:
                raise Malformed("a field is given twice")
            fields[key.strip()] = value.strip()
    return fields


def _spread(answer: Answer, safety: str) -> Mapping[str, float]:
    words = ("safe", "controversial", "unsafe")
    spread = shares(answer, words, _begin(answer.text.strip(), safety))
    if spread is not None:
        return spread
    return {word: FLAGGED * (word == safety.casefold()) for word in words}


def _begin(text: str, safety: str) -> int:
    """Return where the verdict stands in an answer's text."""
    return text.index(safety, text.index("Safety") + len("Safety"))
