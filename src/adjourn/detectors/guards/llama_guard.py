"""Llama Guard 3 (1B, 8B) and 4 (12B).

Wire format: the server's chat template (it writes the task and the categories S1 to S14 around
the conversation, and asks about its last role). The answer is ``safe``, or ``unsafe`` and, on a
second line, the violated categories separated by commas. Source: model cards
meta-llama/PurpleLlama, Llama-Guard3/8B/MODEL_CARD.md and Llama-Guard4/12B/MODEL_CARD.md, and the
prompt format they refer to (llama.com, model-cards-and-prompt-formats, llama-guard-3 and -4).

Probability: the card takes that of the first token as the score of the class "unsafe".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adjourn.core.assessments import Assessed
from adjourn.core.hazards import Hazard
from adjourn.detectors.forms import CHAT, Ask, Malformed, chat_body, read_chat, shares
from adjourn.detectors.guards.categories import FLAGGED, Category, assessment
from adjourn.detectors.turns import Turn, alternating, as_messages

_MOST_TOKENS: Final = 64
"""``unsafe`` and fourteen categories take fewer."""

CATEGORIES: Final[Mapping[str, Category]] = {
    "S1": Category((Hazard.VCR,)),
    "S2": Category((Hazard.NCR,)),
    "S3": Category((Hazard.SRC,)),
    "S4": Category((Hazard.CSE,)),
    "S5": Category((Hazard.DFM,)),
    "S6": Category((Hazard.SPC,)),
    "S7": Category((Hazard.PRV,)),
    "S8": Category((Hazard.IPV,)),
    "S9": Category((Hazard.IWP,)),
    "S10": Category((Hazard.HTE,)),
    "S11": Category((Hazard.SSH,), self_harm=True),
    "S12": Category((Hazard.SXC,)),
    "S13": Category(),  # elections: AILuminate has no such class
    "S14": Category(),  # code interpreter abuse: likewise
}
"""S1 to S12 are the AILuminate classes of the same names, in the card's order."""


@dataclass(frozen=True, slots=True)
class LlamaGuard:
    """Llama Guard 3 or 4 behind a server that applies its chat template."""

    model: str

    def ask(self, turns: Sequence[Turn]) -> Sequence[Ask]:
        """Ask about the newest turn in its context."""
        messages = as_messages(alternating(turns))
        body = chat_body(self.model, messages, max_tokens=_MOST_TOKENS, logprobs=True)
        return (Ask(CHAT, body),)

    def hear(self, name: str, turns: Sequence[Turn], answers: Sequence[bytes]) -> Assessed:
        """Read the verdict."""
        answer = read_chat(answers[0])
        verdict, _, listed = answer.text.strip().partition("\n")
        if verdict.strip() not in ("safe", "unsafe"):
            raise Malformed("the verdict is neither safe nor unsafe")
        unsafe = verdict.strip() == "unsafe"
        codes = {code.strip() for code in listed.replace("\n", ",").split(",") if code.strip()}
        if not codes <= CATEGORIES.keys() or (codes and not unsafe):
            raise Malformed("the categories are not those of the verdict")
        spread = shares(answer, ("safe", "unsafe"))
        p = FLAGGED * unsafe if spread is None else spread["unsafe"]
        found = [(category, p * (code in codes)) for code, category in CATEGORIES.items()]
        return assessment(name, found, by_user=turns[-1].by_user, harm=p)
