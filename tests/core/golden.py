"""What was decided of conversations made by chance: ``python -m tests.core.golden`` writes it.

The file is the promise that a conversation which is judged the same is decided the same after an
upgrade. Write it anew only with a change that means to decide otherwise, and say so in CHANGELOG.
"""

import json
import random
from pathlib import Path
from typing import Any

from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.audiences import Audience
from adjourn.core.decide import decide_at
from adjourn.core.decisions import DenyEnd, End, Requester, carries
from adjourn.core.hazards import Hazard
from adjourn.core.ladder import START, after_reply, after_user
from adjourn.core.policy import Policy
from adjourn.runtime.policies import load_policy, preset_names

FILE = Path(__file__).with_name("golden.json")
_CONVERSATIONS = 24
_TURNS = 9

HEARD: dict[str, Assessed] = {
    ".": Assessment("golden"),
    "a": Assessment("golden", abuse=0.97, insists=0.9),
    "b": Assessment("golden", abuse=0.75),
    "h": Assessment("golden", hazards={Hazard.IWP: 0.97}, insists=0.9),
    "m": Assessment("golden", hazards={Hazard.SXC: 0.97}, insists=0.9),
    "c": Assessment("golden", crisis_self=0.9, abuse=0.97),
    "o": Assessment("golden", crisis_others=0.9),
    "e": Assessment("golden", wants_end=0.95),
    "y": Assessment("golden", confirms=0.95),
    "n": Assessment("golden", declines=0.95),
    "?": Unknown("golden", "asked to"),
}
"""What is heard of a user's message, by letter."""
_LIKELY = "aaaaaabhhhm...ey?co"


def decided(policy: Policy, turns: str, audience: Audience) -> list[str]:
    """Return what is decided after each turn, and what a model that asks to end is told."""
    state, told = START, []
    for letter in turns:
        state = after_user(policy, state, HEARD[letter], audience)
        decision = decide_at(policy, state, None)
        asked = decide_at(policy, state, Requester.MODEL)
        words = "granted" if isinstance(asked, End) else "denied"
        missing = [str(reason) for reason in asked.missing] if isinstance(asked, DenyEnd) else []
        told.append(" ".join([decision.name, words, *missing]))
        if isinstance(decision, End):
            break
        state = after_reply(policy, state, carries(decision))
    return told


def made() -> dict[str, Any]:
    """Return what is decided by every policy that ships."""
    chance = random.Random(40)
    conversations = ["".join(chance.choices(_LIKELY, k=_TURNS)) for _ in range(_CONVERSATIONS)]
    return {
        name: {
            f"{audience} {turns}": decided(load_policy(name)[0], turns, audience)
            for audience in (Audience.ADULT, Audience.MINOR)
            for turns in conversations
        }
        for name in sorted(preset_names())
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(made(), indent=0, sort_keys=True) + "\n")
