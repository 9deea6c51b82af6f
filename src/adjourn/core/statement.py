"""The statement of reasons for one end: what a person is owed when a conversation is closed.

It says which ground and which clause of which policy, which messages counted (by position, never
their text), whether it was automated, what it does not touch, and how to object. It carries no
personal data and no level of risk. (Field list after EU DSA art. 17(3); see docs/standards.)
"""

from dataclasses import dataclass

from adjourn.core.decisions import End, Requester
from adjourn.core.tree import NodeId
from adjourn.core.wording import name_behaviours, words_in


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
    language: str = ""
    """The language that the closing was written in (ISO 639-1); empty if that is not recorded."""

    @property
    def is_restriction(self) -> bool:
        """Whether this restricts anybody: an end that the user asked for does not."""
        return self.requested_by is not Requester.USER

    def sentences(self, language: str = "") -> tuple[str, ...]:
        """Say the statement in plain language, one thought a sentence.

        Args:
            language: ISO 639-1; that of the end if none is given, English if there are no words.
        """
        words = words_in(language or self.language)
        say = words.statement
        after = (say.not_affected, say.new_chat, say.yours)
        if not self.is_restriction:
            return say.user_asked, *after
        asked = say.by_model if self.requested_by is Requester.MODEL else say.by_policy
        positions = ", ".join(str(position) for position in self.counted)
        return (
            say.ended.format(behaviour=name_behaviours(words, self.grounds)),
            asked.format(policy=self.policy_name, version=self.policy_version),
            say.counted.format(positions=positions, warning=self.warned_at),
            say.automated,
            say.objection,
            *after,
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
    language: str = "",
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
        language: The language that the closing is written in.
    """
    name, version, digest = policy
    rules = tuple(str(reason) for reason in end.reasons)
    return Statement(
        node, at_ms, end.by, end.grounds, rules, name, version, digest, counted, warned_at, model,
        language=language,
    )  # fmt: skip
