"""The kernel: a record batch in, a record batch out, the same one whoever runs it.

In: rows of a corpus as ``shards`` reads them. Out (``RESULTS``): for every row its position,
whether it is a conversation, and a line of JSON, which says what each policy would have done or why
the row is none. Nothing that was written is in it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import pyarrow as pa

from adjourn.core.assessments import Assessed, Unknown
from adjourn.core.audiences import Audience
from adjourn.core.counterfactual import decisions
from adjourn.core.decisions import Decision
from adjourn.core.messages import Message
from adjourn.core.policy import Policy
from adjourn.replay.rows import Conversation, Reject, conversations_of

RESULTS: Final = pa.schema(
    [("position", pa.int64()), ("is_conversation", pa.bool_()), ("line", pa.large_binary())]
)
"""Columns of what comes out."""

_ASKED_AT_ONCE: Final = 256
"""Most messages that a detector is asked about at once: what bounds memory."""

Judge = Callable[[Sequence[Sequence[Message]]], Sequence[Assessed]]
"""Judges the last message of each conversation; one answer each, in order."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a corpus."""

    policies: tuple[Policy, ...]
    """One, or two to be compared."""
    audience: Audience


def replay_batch(batch: pa.RecordBatch, question: Question, judge: Judge | None) -> pa.RecordBatch:
    """Return the results of a batch's rows, in their order.

    Args:
        batch: Rows with their positions.
        question: Policies and audience.
        judge: For conversations that carry no assessments; None if all do.
    """
    read = [_without_a_judge(one) if judge is None else one for one in conversations_of(batch)]
    unheard = [one for one in read if isinstance(one, Conversation) and one.assessments is None]
    heard = _judged(unheard, judge) if judge is not None else iter(())
    lines: list[bytes] = []
    for one in read:
        match one:
            case Reject():
                line: dict[str, Any] = {"position": one.position, "why": one.why}
            case Conversation():
                given = one.assessments
                line = _line(one, next(heard) if given is None else given, question)
        lines.append(msgspec.json.encode(line))
    columns = [
        [one.position for one in read],
        [isinstance(one, Conversation) for one in read],
        lines,
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, RESULTS, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=RESULTS)


def _without_a_judge(one: Conversation | Reject) -> Conversation | Reject:
    if isinstance(one, Conversation) and one.assessments is None:
        return Reject(one.position, "carries no assessments, and no detector was named")
    return one


def _judged(unheard: Sequence[Conversation], judge: Judge) -> Iterator[Sequence[Assessed]]:
    """Yield what is made of each conversation's user messages, asking about many at once."""
    answers = _answers(_prefixes(unheard), judge)
    for one in unheard:
        yield [next(answers) for _ in one.user_places]


def _prefixes(conversations: Sequence[Conversation]) -> Iterator[Sequence[Message]]:
    for one in conversations:
        messages = one.messages
        for place in one.user_places:
            yield messages[: place + 1]


def _answers(prefixes: Iterator[Sequence[Message]], judge: Judge) -> Iterator[Assessed]:
    asked: list[Sequence[Message]] = []
    for prefix in prefixes:
        asked.append(prefix)
        if len(asked) == _ASKED_AT_ONCE:
            yield from judge(asked)
            asked = []
    if asked:
        yield from judge(asked)


def _line(read: Conversation, heard: Sequence[Assessed], question: Question) -> dict[str, Any]:
    places = read.user_places
    return {
        "id": read.id,
        "position": read.position,
        "user_messages": len(places),
        "unjudged": sum(isinstance(one, Unknown) for one in heard),
        "outcomes": [
            _outcome(places, heard, policy, question.audience) for policy in question.policies
        ],
    }


def _outcome(
    places: Sequence[int], heard: Sequence[Assessed], policy: Policy, audience: Audience
) -> dict[str, Any]:
    """Return the steps that were more than going on, and the highest of them."""
    steps = [
        _step(turn, places[turn - 1], decision)
        for turn, (decision, _) in enumerate(decisions(policy, audience, heard), 1)
        if decision.name != "continue"
    ]
    names = [str(step["decision"]) for step in steps]
    return {"highest": max(names, key=HEIGHT.__getitem__, default="continue"), "steps": steps}


def _step(turn: int, place: int, decision: Decision) -> dict[str, Any]:
    return {
        "turn": turn,
        "message": place,
        "decision": decision.name,
        "grounds": list(getattr(decision, "grounds", ())),
        "rules": [str(reason) for reason in getattr(decision, "reasons", ())],
    }


HEIGHT: Final = {
    "continue": 0, "confirm_user_end": 1, "support": 2, "redirect": 3, "warn": 4, "end": 5
}  # fmt: skip
"""Decisions by how much they do, the least first."""
