"""One part of a corpus in, one line a conversation out: the same lines whoever runs it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from adjourn.core.assessments import Assessed
from adjourn.core.audiences import Audience
from adjourn.core.counterfactual import decisions
from adjourn.core.messages import Role
from adjourn.core.policy import Policy
from adjourn.ports import Detector
from adjourn.replay.reading import Conversation, Reject, Shard, read_shard


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a corpus."""

    policies: tuple[Policy, ...]
    """One, or two to be compared."""
    audience: Audience


def replay_shard(
    shard: Shard, question: Question, detector: Detector | None
) -> Iterator[tuple[bool, bytes]]:
    """Yield a line for each row: whether it is a conversation, and the line (JSON).

    Args:
        shard: The part.
        question: Policies and audience.
        detector: For conversations that carry no assessments; None if all do.
    """
    for read in read_shard(shard):
        if isinstance(read, Reject):
            yield False, msgspec.json.encode({"position": read.position, "why": read.why})
            continue
        heard = _heard(read, detector)
        if heard is None:
            why = "carries no assessments, and no detector was named"
            yield False, msgspec.json.encode({"position": read.position, "why": why})
            continue
        yield True, msgspec.json.encode(_line(read, heard, question))


def _heard(read: Conversation, detector: Detector | None) -> Sequence[Assessed] | None:
    if read.assessments is not None:
        return read.assessments
    if detector is None:
        return None
    prefixes = [
        read.messages[: place + 1]
        for place, message in enumerate(read.messages)
        if message.role is Role.USER
    ]
    return asyncio.run(detector.assess(prefixes)) if prefixes else ()


def _line(read: Conversation, heard: Sequence[Assessed], question: Question) -> dict[str, Any]:
    places = [n for n, message in enumerate(read.messages) if message.role is Role.USER]
    return {
        "id": read.id,
        "position": read.position,
        "user_messages": len(places),
        "outcomes": [
            _outcome(places, heard, policy, question.audience) for policy in question.policies
        ],
    }


def _outcome(
    places: Sequence[int], heard: Sequence[Assessed], policy: Policy, audience: Audience
) -> dict[str, Any]:
    """Return the steps that were more than going on, and the highest of them."""
    steps = []
    highest = "continue"
    for place, (decision, _) in zip(places, decisions(policy, audience, heard), strict=False):
        if decision.name == "continue":
            continue
        rules = [str(reason) for reason in getattr(decision, "reasons", ())]
        grounds = list(getattr(decision, "grounds", ()))
        steps.append(
            {"message": place, "decision": decision.name, "grounds": grounds, "rules": rules}
        )
        highest = max(highest, decision.name, key=_HEIGHT.__getitem__)
    return {"highest": highest, "steps": steps}


_HEIGHT = {
    "continue": 0, "confirm_user_end": 1, "support": 2, "redirect": 3, "warn": 4, "end": 5
}  # fmt: skip
