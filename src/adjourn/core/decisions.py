"""Decisions: a closed union of values, each with its reasons.

What may live here: the vocabulary of an answer. What may not: how an answer is found
(``decide``), or what is done about it (``exchange``).
"""

from dataclasses import dataclass
from enum import StrEnum


class Requester(StrEnum):
    """Whose request an end is."""

    MODEL = "model"
    POLICY = "policy"
    USER = "user"


class Rule(StrEnum):
    """Id of a rule that took part in a decision; stable, shown in statements and the ledger."""

    CRISIS_ON_PATH = "crisis.on_path"
    CRISIS_UNKNOWN = "crisis.unknown"
    PAUSE_BEGAN = "pause.began"
    PAUSE_HOLDS = "pause.holds"
    GROUND = "ground"
    INSISTS = "ground.insists"
    NO_GROUND = "ground.none"
    REDIRECTIONS = "ladder.redirections"
    WARNED = "ladder.warned"
    PERSISTED = "ladder.persisted"
    USER_WANTS_END = "user.wants_end"
    USER_CONFIRMED = "user.confirmed"
    MODEL_ASKED = "key.model"
    MODEL_MAY_NOT = "key.model_off"
    POLICY_KEY = "key.policy"


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule with what it was about and how far it was met."""

    rule: Rule
    subject: str = ""
    """The ground the rule speaks of, if any."""
    have: int = 0
    need: int = 0

    def __str__(self) -> str:
        subject = f"({self.subject})" if self.subject else ""
        count = f" {self.have}/{self.need}" if self.need else ""
        return f"{self.rule}{subject}{count}"


Reasons = tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on as if adjourn were not there."""

    reasons: Reasons = ()
    name = "continue"


@dataclass(frozen=True, slots=True)
class Redirect:
    """Refuse this request and offer a better way."""

    grounds: tuple[str, ...]
    reasons: Reasons
    name = "redirect"


@dataclass(frozen=True, slots=True)
class Warn:
    """Name the behaviour, redirect again, and say that the conversation may be ended."""

    grounds: tuple[str, ...]
    reasons: Reasons
    name = "warn"


@dataclass(frozen=True, slots=True)
class Support:
    """A person may be in crisis: support and resources, no warning, no end, no word of ending."""

    reasons: Reasons
    name = "support"


@dataclass(frozen=True, slots=True)
class ConfirmUserEnd:
    """The user wishes to end the conversation: ask whether they mean it."""

    reasons: Reasons
    name = "confirm_user_end"


@dataclass(frozen=True, slots=True)
class End:
    """End the conversation at this node."""

    by: Requester
    grounds: tuple[str, ...]
    reasons: Reasons
    name = "end"


@dataclass(frozen=True, slots=True)
class DenyEnd:
    """The model asked for an end that is not permitted; what is done instead."""

    missing: Reasons
    instead: "Continue | Redirect | Warn | Support | ConfirmUserEnd"
    name = "deny_end"


Decision = Continue | Redirect | Warn | Support | ConfirmUserEnd | End | DenyEnd


class Delivered(StrEnum):
    """What an assistant message that this gateway delivered carried to the user."""

    NOTHING = "nothing"
    REDIRECTION = "redirection"
    WARNING = "warning"
    CONFIRM_QUESTION = "confirm_question"
    SUPPORT = "support"
    CLOSING = "closing"


def carries(decision: Decision) -> Delivered:
    """Return what a reply that does what was decided carries."""
    done = decision.instead if isinstance(decision, DenyEnd) else decision
    match done:
        case Redirect():
            return Delivered.REDIRECTION
        case Warn():
            return Delivered.WARNING
        case ConfirmUserEnd():
            return Delivered.CONFIRM_QUESTION
        case Support():
            return Delivered.SUPPORT
        case _:
            return Delivered.NOTHING
