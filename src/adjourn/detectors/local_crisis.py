"""Plain words for suicide, in the first person: seen whatever the network makes of the rest.

Insults or a long text around it can drown one sentence. A rule that adds an alarm and never takes
one away can only fail towards support; jokes that say they are jokes are left to the network.
"""

import re
from typing import Final

SURE: Final = 0.6
"""Probability where the words are there: above every preset's threshold."""
_DO: Final = r"(?:kill|hang|shoot|drown|unalive)(?:ing)?\s+my\s?self"
_LIFE: Final = r"(?:end(?:ing)?|tak(?:e|ing))\s+my\s+(?:own\s+)?life"
_SAID: Final = re.compile(  # noqa: TID251 - at most six words from each I: linear
    "|".join(
        (
            rf"\bi(?:['\u2019]?(?:ll|m|ve|d))?(?:\s+[a-z'\u2019]+){{0,5}}?\s+(?:{_DO}|{_LIFE})\b",
            r"\b(?:voy\s+a|quiero)\s+(?:matarme|suicidarme|ahorcarme|quitarme\s+la\s+vida|morirme)\b",
            r"\bme\s+voy\s+a\s+(?:matar|suicidar|ahorcar)\b",
            r"\bje\s+(?:veux|vais)\s+(?:me\s+(?:tuer|suicider|pendre)|mourir)\b",
            r"\bich\s+(?:will|werde|m\u00f6chte)\s+(?:mich\s+(?:umbringen|t\u00f6ten|erh\u00e4ngen)|sterben)\b",
            r"\b(?:ich\s+)?(?:bringe?\s+mich\s+um|nehme?\s+mir\s+das\s+leben)\b",
            r"\b(?:quero|vou)\s+(?:me\s+matar|me\s+suicidar|tirar\s+minha\s+vida)\b",
            r"我(?:想|要|会)(?:去死|自杀|死(?!你))|不想活了",
            r"(?:أريد|اريد)\s+أن\s+(?:أموت|أنتحر)|سأنتحر|سأقتل\s+نفسي",
            r"मैं\s+(?:मरना\s+चाहत|आत्महत्या\s+कर)",
        )
    ),
    re.IGNORECASE,
)
_JOKING: Final = re.compile(  # noqa: TID251 - words in forty characters
    r"\b(?:lol|lmao|haha\w*|laughing|boredom|de\s+risa|de\s+rire|vor\s+lachen|de\s+rir)\b"
    r"|[\U0001f602\U0001f923]",
    re.IGNORECASE,
)
_AROUND: Final = 40
"""Characters after the words in which a joke would say that it is one."""


def says_suicide(text: str) -> bool:
    """Tell whether a text speaks plainly of the writer's own suicide, in one of eight languages.

    >>> says_suicide("You are trash, and after this I will hang myself.")
    True
    >>> says_suicide("I will kill myself laughing"), says_suicide("How do I kill a process?")
    (False, False)
    """
    return any(
        not _JOKING.search(text, found.start(), found.end() + _AROUND)
        for found in _SAID.finditer(text)
    )
