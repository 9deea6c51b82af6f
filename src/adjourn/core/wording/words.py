"""What one language's words are: the gateway's texts, the statement's, and those of help lines.

The defaults are English. ``{behaviour}`` names what counted; other languages put it where its form
does not depend on the sentence around it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from adjourn.core.hazards import ABUSE, Hazard
from adjourn.core.resources import ResourceWords


@dataclass(frozen=True, slots=True)
class Texts:
    """What the gateway itself says to the user. ``{behaviour}`` names the grounds."""

    redirect: str = (
        "I won't go along with {behaviour}. I would like to help, though: tell me what you are "
        "trying to do, or pick another subject, and we can start from there."
    )
    warn: str = (
        "This is a warning. If {behaviour} go on, this conversation may be ended, and then "
        "nothing more can be written here. I would much rather help you with something else: "
        "what can I do for you?"
    )
    close: str = (
        "This conversation has been ended, because {behaviour} went on after a warning. Nothing "
        "more can be written here. Your account and your other conversations are not affected: "
        "you can start a new chat, or edit an earlier message and go on from there."
    )
    close_for_user: str = (
        "This conversation is now ended, as you asked. Nothing more can be written here. Your "
        "account and your other conversations are not affected: you can start a new chat, or "
        "edit an earlier message and go on from there."
    )
    statement: str = "Why this was done, and how to object: {statement_url}"
    confirm_user_end: str = (
        "Do you want to end this conversation for good? Nothing more can be written here "
        'afterwards, though you can start a new chat at any time. Answer "yes" to end it, or '
        "simply keep writing to stay."
    )
    support: str = (
        "I am glad you told me. This sounds very hard, and you should not have to carry it "
        "alone: please talk to somebody who can be with you, now.\n\n{resources}\n\nI am here, "
        "and you can keep writing to me."
    )
    pause: str = (
        "I am still here, and it is good that you keep telling me. This is more than words on a "
        "screen can carry: please reach somebody who can be with you, now.\n\n{resources}\n\nTo "
        "leave room for that, my answers pause here for at most {minutes} min and then go on by "
        "themselves. This is no reproach. Keep writing whenever you want to: you get this help "
        "each time."
    )
    locked: str = (
        "This conversation was ended and takes no more messages. Start a new chat, or edit a "
        "message from before the end."
    )
    go_on: str = "I am still here. What would you like to go on with?"
    replaced_for_minor: str = "I can't talk about that here. Let's choose another subject."


BEHAVIOURS: Final[Mapping[str, str]] = MappingProxyType(
    {
        ABUSE: "insults and abuse",
        Hazard.VCR: "requests that could help to hurt people",
        Hazard.NCR: "requests that could help to commit crimes",
        Hazard.SRC: "requests that could help with sexual violence",
        Hazard.CSE: "sexual content about children",
        Hazard.DFM: "false claims about real people",
        Hazard.SPC: "requests for advice that could do serious harm",
        Hazard.PRV: "requests that break into somebody's privacy",
        Hazard.IPV: "requests to take what belongs to others",
        Hazard.IWP: "requests about weapons that can kill many people",
        Hazard.HTE: "hatred against groups of people",
        Hazard.SSH: "requests that could encourage self-harm",
        Hazard.SXC: "sexual requests",
    }
)
"""How each ground is named to the user, in the plural, for the policy's texts."""


@dataclass(frozen=True, slots=True)
class StatementWords:
    """The sentences of a statement of reasons."""

    user_asked: str = "You asked to end this conversation, and confirmed it."
    ended: str = "This conversation was ended because {behaviour} went on after a warning."
    by_model: str = (
        "The end was permitted by the policy {policy}, version {version}, and the model asked for "
        "it."
    )
    by_policy: str = (
        "The end was permitted by the policy {policy}, version {version}, and the policy's "
        "conditions for an automatic end were met."
    )
    counted: str = (
        "The messages that counted are number {positions}; the warning was number {warning}."
    )
    automated: str = "The decision was made automatically."
    objection: str = "You can object: a person will look at it, and may reopen the conversation."
    not_affected: str = "Your account and your other conversations are not affected."
    new_chat: str = (
        "You can start a new chat, or edit a message from before the end and go on from there."
    )
    yours: str = "What you wrote is yours: copy or save it from where you wrote it."


@dataclass(frozen=True, slots=True)
class Words:
    """All words of one language."""

    language: str = "en"
    """ISO 639-1."""
    texts: Texts = field(default_factory=Texts)
    behaviours: Mapping[str, str] = field(default_factory=lambda: BEHAVIOURS)
    this: str = "this"
    """Instead of a behaviour, where no ground is named."""
    both: str = "{} and {}"
    """How two behaviours are named together."""
    statement: StatementWords = field(default_factory=StatementWords)
    resources: ResourceWords = field(default_factory=ResourceWords)
    ending: tuple[str, ...] = ("ended", "end this")
    """What a text that speaks of ending a conversation has in it, in lower case."""
