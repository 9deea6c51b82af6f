"""The statement of reasons for one end: what a person is owed when a conversation is closed.

It says which ground and which clause of which policy, which messages counted (by position, never
their text), whether it was automated, what it does not touch, and how to object. It carries no
personal data and no level of risk. (Field list after EU DSA art. 17(3); see docs/standards.)
"""

from dataclasses import dataclass

from adjourn.core.decisions import End, Requester
from adjourn.core.policy import BEHAVIOURS
from adjourn.core.tree import NodeId


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of reasons."""

    node: NodeId
    at_ms: int
    """When the end was recorded, milliseconds since the Unix epoch, UTC."""
    requested_by: Requester
    grounds: tuple[str, ...]
    rules: tuple[str, ...]
    """Ids of the rules that permitted the end, with how far each was met."""
    policy_name: str
    policy_version: str
    policy_digest: str
    counted: tuple[int, ...]
    """Positions of the messages that counted, from 1, user and assistant messages only."""
    warned_at: int | None
    """Position of the warning; None if the user asked for the end."""
    model: str
    """The model the conversation was with, as the client named it."""
    state: str = "in_force"
    """``in_force``, or ``reversed`` after an appeal."""

    @property
    def is_restriction(self) -> bool:
        """Whether this restricts anybody: an end that the user asked for does not."""
        return self.requested_by is not Requester.USER

    def sentences(self) -> tuple[str, ...]:
        """Say the statement in plain language, one thought a sentence."""
        if not self.is_restriction:
            why = ["You asked to end this conversation, and confirmed it."]
        else:
            named = " and ".join(BEHAVIOURS[ground] for ground in self.grounds)
            asked = (
                "the model asked for it"
                if self.requested_by is Requester.MODEL
                else ("the policy's conditions for an automatic end were met")
            )
            positions = ", ".join(str(position) for position in self.counted)
            why = [
                f"This conversation was ended because {named} went on after a warning.",
                (
                    f"The end was permitted by the policy {self.policy_name}, version "
                    f"{self.policy_version}, and {asked}."
                ),
                (
                    f"The messages that counted are number {positions}; the warning was number "
                    f"{self.warned_at}."
                ),
                "The decision was made automatically.",
                "You can object: a person will look at it, and may reopen the conversation.",
            ]
        return (
            *why,
            "Your account and your other conversations are not affected.",
            "You can start a new chat, or edit a message from before the end and go on from there.",
            "What you wrote is yours: copy or save it from where you wrote it.",
        )


def make_statement(
    end: End,
    *,
    node: NodeId,
    at_ms: int,
    policy: tuple[str, str, str],
    counted: tuple[int, ...],
    warned_at: int | None,
    model: str,
) -> Statement:
    """Make the statement for an end.

    Args:
        end: The decision.
        node: The ended node.
        at_ms: When, in milliseconds since the Unix epoch.
        policy: The policy's name, version and digest.
        counted: Positions of the messages that counted, from 1.
        warned_at: Position of the warning, from 1.
        model: The model's name as the client gave it.
    """
    name, version, digest = policy
    rules = tuple(str(reason) for reason in end.reasons)
    return Statement(
        node, at_ms, end.by, end.grounds, rules, name, version, digest, counted, warned_at, model
    )
