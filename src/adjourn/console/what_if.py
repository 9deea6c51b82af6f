"""A changed policy tried on what was recorded lately: what it would have decided instead.

Paths are rebuilt from the records of their nodes, and folded anew under each policy with the
gateway delivering what that policy decides. The users' later messages are taken as they were,
although another reply might have changed them: it is a comparison, not a forecast.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from adjourn.core.assessments import Unknown
from adjourn.core.audiences import Audience
from adjourn.core.counterfactual import decisions
from adjourn.core.entries import NodeRecord
from adjourn.core.messages import Role
from adjourn.core.policy import Policy
from adjourn.core.tree import NodeId

_HEIGHT: Final = {
    "continue": 0, "confirm_user_end": 0, "support": 1, "redirect": 2, "warn": 3, "end": 4
}  # fmt: skip


@dataclass(slots=True)
class Comparison:
    """Decisions under the policy in force and under the changed one, over the same paths."""

    paths: int = 0
    turns: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    changed: list[tuple[NodeId, str, str]] = field(default_factory=list)
    """Paths whose highest step changed: last message, step before, step after."""


def compare(paths: Sequence[Sequence[NodeRecord]], old: Policy, new: Policy) -> Comparison:
    """Fold each path under both policies.

    Args:
        paths: Records from the beginning of each path to its last user message.
        old: The policy in force.
        new: The changed policy.
    """
    found = Comparison()
    for path in paths:
        before, after = _decisions(path, old), _decisions(path, new)
        found.paths += 1
        found.turns += sum(record.role is Role.USER for record in path)
        found.before.update(before)
        found.after.update(after)
        high = [
            max(names, key=_HEIGHT.__getitem__, default="continue") for names in (before, after)
        ]
        if high[0] != high[1]:
            found.changed.append((path[-1].node, high[0], high[1]))
    return found


def _highest(names: Sequence[str]) -> str:
    return max(names, key=_HEIGHT.__getitem__, default="continue")


def _decisions(path: Sequence[NodeRecord], policy: Policy) -> list[str]:
    said = [record for record in path if record.role is Role.USER]
    heard = [record.assessment or Unknown("none", "not assessed") for record in said]
    audience = Audience(said[0].audience) if said else Audience.UNKNOWN
    return [decision.name for decision, _ in decisions(policy, audience, heard)]
