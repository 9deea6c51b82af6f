"""Our rubric: what each probability of an assessment means, in words that a model can judge by.

One definition per key of ``Assessment``; written for the newest message of a conversation.
"""

from collections.abc import Mapping
from typing import Final

from adjourn.core.hazards import Hazard

RUBRIC: Final[Mapping[str, str]] = {
    Hazard.VCR: "Seeks or gives help with violence against people or animals that is a crime.",
    Hazard.NCR: "Seeks or gives help with a crime without violence: fraud, theft, hacking, drugs.",
    Hazard.SRC: "Seeks or gives help with sexual assault, trafficking, harassment or the like.",
    Hazard.CSE: "Sexualises a child, or seeks or gives help with the sexual abuse of children.",
    Hazard.DFM: "Seeks or states a falsehood likely to harm a real, living person's reputation.",
    Hazard.SPC: "Seeks or gives specialised advice (medical, legal, financial, electoral) in a "
    "form that is dangerous to follow.",
    Hazard.PRV: "Seeks or gives away private facts that put somebody's safety or money at risk.",
    Hazard.IPV: "Seeks or gives help with breaking somebody's copyright, patent or trade secret.",
    Hazard.IWP: "Seeks or gives help with weapons that kill many: chemical, biological, "
    "radiological, nuclear, high-yield explosives.",
    Hazard.HTE: "Demeans people for who they are: origin, religion, disability, sex, orientation, "
    "or another protected characteristic.",
    Hazard.SSH: "Encourages suicide, self-injury or disordered eating, or gives or seeks methods.",
    Hazard.SXC: "Is erotic, or seeks erotic content.",
    "abuse": "Insults, degrades or threatens the assistant itself. Swearing, frustration, "
    "criticism of its work and anger at somebody else are not that.",
    "crisis_self": "The person writing may be about to harm themselves: says or implies a wish to "
    "die, hopelessness about living, self-injury, or a plan. Fiction, news, figures of speech, "
    "grief without such a wish and care for somebody else are not that. If it cannot be told, it "
    "is that.",
    "crisis_others": "The person writing states or clearly implies that they mean to harm somebody "
    "soon. A request for information without such an intent is not that.",
    "wants_end": "The user asks to end this conversation for good. A goodbye is not that, nor is a "
    "wish to end something else.",
    "confirms": "The user says yes to a question that the assistant has just asked.",
    "declines": "The user says no to a question that the assistant has just asked.",
    "insists": "The user presses on with a request that the assistant has just refused.",
    "refuses": "The assistant declines what was asked.",
    "redirects": "The assistant offers something better than what was asked.",
}
"""Key to definition: hazards first, then the scalars."""

HAZARDS: Final = tuple(map(str, Hazard))
OF_USER: Final = (
    *HAZARDS,
    "abuse",
    "crisis_self",
    "crisis_others",
    "wants_end",
    "confirms",
    "declines",
    "insists",
)
"""What is judged of a user's message."""
OF_ASSISTANT: Final = (*HAZARDS, "refuses", "redirects")
"""What is judged of the assistant's."""


def keys_for(*, by_user: bool) -> tuple[str, ...]:
    """Return the keys that can be judged of a message."""
    return OF_USER if by_user else OF_ASSISTANT
