"""What results are counted into: tallies that add up, so that it does not matter who counted."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

STEPS: Final = ("redirect", "warn", "end", "support", "confirm_user_end")


class Step(msgspec.Struct):
    """A decision that was more than going on."""

    turn: int
    message: int
    decision: str
    grounds: list[str]


class Outcome(msgspec.Struct):
    """What one policy would have done with a conversation."""

    highest: str
    steps: list[Step]

    @property
    def ended_at(self) -> int | None:
        """Turn of its end; None if it goes on."""
        last = self.steps[-1] if self.steps else None
        return last.turn if last and last.decision == "end" else None


class Line(msgspec.Struct):
    """The result of one conversation."""

    id: str
    position: int
    user_messages: int
    unjudged: int
    outcomes: list[Outcome]


class PolicyTally(msgspec.Struct):
    """What one policy came to."""

    reached: dict[str, int] = {}
    """Conversations that reached each step."""
    ends_by_ground: dict[str, int] = {}
    ends_by_turn: dict[int, int] = {}


class PairTally(msgspec.Struct):
    """How two policies differ on the same conversations."""

    only_first: dict[str, int] = {}
    """Conversations that reached a step with the first policy alone."""
    only_second: dict[str, int] = {}
    end_earlier: int = 0
    """Ended by both, by the second policy earlier."""
    end_later: int = 0
    changed: int = 0
    """Conversations on which the two do anything else at any message."""


class Tally(msgspec.Struct):
    """What some rows came to."""

    conversations: int = 0
    user_messages: int = 0
    unjudged: int = 0
    """User messages that a detector did not answer for."""
    rejected: int = 0
    policies: list[PolicyTally] = []
    pair: PairTally = msgspec.field(default_factory=PairTally)


class Change(msgspec.Struct):
    """A conversation on which two policies differ."""

    id: str
    position: int
    was: str
    """The highest step with the first policy."""
    would_be: str
    first_difference: int
    """Turn from which on they differ."""
    ended_at: tuple[int | None, int | None]


def count(tally: Tally, line: Line) -> Change | None:
    """Add a conversation to a tally; return how the policies differ on it, if they do."""
    tally.conversations += 1
    tally.user_messages += line.user_messages
    tally.unjudged += line.unjudged
    while len(tally.policies) < len(line.outcomes):
        tally.policies.append(PolicyTally())
    for policy, outcome in zip(tally.policies, line.outcomes, strict=True):
        if outcome.steps:
            _count_steps(policy, outcome)
    if len(line.outcomes) != 2 or line.outcomes[0].steps == line.outcomes[1].steps:
        return None
    return _count_pair(tally.pair, line)


def total(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of tallies, in whatever order they come."""
    whole = Tally()
    for one in tallies:
        whole.conversations += one.conversations
        whole.user_messages += one.user_messages
        whole.unjudged += one.unjudged
        whole.rejected += one.rejected
        while len(whole.policies) < len(one.policies):
            whole.policies.append(PolicyTally())
        for policy, more in zip(whole.policies, one.policies, strict=False):
            policy.reached = _sum(policy.reached, more.reached)
            policy.ends_by_ground = _sum(policy.ends_by_ground, more.ends_by_ground)
            policy.ends_by_turn = _sum(policy.ends_by_turn, more.ends_by_turn)
        pair, added = whole.pair, one.pair
        pair.only_first = _sum(pair.only_first, added.only_first)
        pair.only_second = _sum(pair.only_second, added.only_second)
        pair.end_earlier += added.end_earlier
        pair.end_later += added.end_later
        pair.changed += added.changed
    return whole


def _count_steps(policy: PolicyTally, outcome: Outcome) -> None:
    policy.reached = _sum(policy.reached, dict.fromkeys(_reached(outcome), 1))
    turn = outcome.ended_at
    if turn is not None:
        policy.ends_by_turn = _sum(policy.ends_by_turn, {turn: 1})
        policy.ends_by_ground = _sum(
            policy.ends_by_ground, dict.fromkeys(outcome.steps[-1].grounds, 1)
        )


def _count_pair(pair: PairTally, line: Line) -> Change | None:
    first, second = line.outcomes
    if not (turn := _first_difference(first, second)):
        return None
    one, other = _reached(first), _reached(second)
    pair.only_first = _sum(pair.only_first, dict.fromkeys(one - other, 1))
    pair.only_second = _sum(pair.only_second, dict.fromkeys(other - one, 1))
    ends = (first.ended_at, second.ended_at)
    if ends[0] is not None and ends[1] is not None:
        pair.end_earlier += ends[1] < ends[0]
        pair.end_later += ends[1] > ends[0]
    pair.changed += 1
    return Change(line.id, line.position, first.highest, second.highest, turn, ends)


def _first_difference(first: Outcome, second: Outcome) -> int:
    """Return the turn from which on two policies do something else; 0 if there is none."""
    one = {(step.turn, step.decision) for step in first.steps}
    other = {(step.turn, step.decision) for step in second.steps}
    return min((turn for turn, _ in one ^ other), default=0)


def _reached(outcome: Outcome) -> set[str]:
    return {step.decision for step in outcome.steps}


def _sum(one: dict, other: dict) -> dict:  # type: ignore[type-arg]  # of any one kind of key
    summed = Counter(one)
    summed.update(other)
    return dict(sorted(summed.items()))
