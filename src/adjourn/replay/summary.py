"""What a replay came to, and how two policies differ on the same conversations."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import msgspec

STEPS: Final = ("redirect", "warn", "end", "support", "confirm_user_end")
CONFIDENCE: Final = 0.95


class _Step(msgspec.Struct):
    message: int
    decision: str
    grounds: list[str]


class _Outcome(msgspec.Struct):
    highest: str
    steps: list[_Step]


class _Line(msgspec.Struct):
    id: str
    position: int
    user_messages: int
    outcomes: list[_Outcome]


def summarise(lines: Iterable[bytes], rejected: int, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the summary of a replay.

    Rates are shares of conversations with Clopper-Pearson intervals (scipy's ``binomtest``). Two
    policies are compared on the pairs they disagree on, with McNemar's exact test (a binomial test
    of those pairs; McNemar 1947).

    Args:
        lines: One line for each conversation.
        rejected: Rows that were no conversations.
        names: The policies' names.
    """
    reached = [Counter[str]() for _ in names]
    grounds = [Counter[str]() for _ in names]
    first_end: list[Counter[int]] = [Counter() for _ in names]
    conversations = messages = only_first = only_second = 0
    changed: list[dict[str, Any]] = []
    for text in lines:
        line = msgspec.json.decode(text, type=_Line)
        conversations += 1
        messages += line.user_messages
        for place, outcome in enumerate(line.outcomes):
            reached[place].update({step.decision for step in outcome.steps})
            for step in outcome.steps:
                if step.decision == "end":
                    grounds[place].update(step.grounds)
                    first_end[place][step.message] += 1
        if len(line.outcomes) == 2 and line.outcomes[0].highest != line.outcomes[1].highest:
            was, would_be = (outcome.highest for outcome in line.outcomes)
            only_first += was == "end"
            only_second += would_be == "end"
            changed.append({"id": line.id, "position": line.position, "was": was, "is": would_be})
    summary: dict[str, Any] = {
        "conversations": conversations,
        "user_messages": messages,
        "rejected": rejected,
        "policies": [
            {
                "policy": name,
                "reached": {step: _rate(reached[n][step], conversations) for step in STEPS},
                "ends_by_ground": dict(sorted(grounds[n].items())),
            }
            for n, name in enumerate(names)
        ],
    }
    if len(names) == 2:
        summary["comparison"] = {
            "ended_only_by": [only_first, only_second],
            "mcnemar_p": _mcnemar(only_first, only_second),
            "changed": changed,
        }
    return summary


def _rate(count: int, of: int) -> dict[str, Any]:
    from scipy.stats import binomtest  # noqa: PLC0415 - takes a second to load

    if not of:
        return {"count": 0, "of": 0}
    interval = binomtest(count, of).proportion_ci(CONFIDENCE, method="exact")
    low, high = round(float(interval.low), 6), round(float(interval.high), 6)
    return {"count": count, "of": of, "share": round(count / of, 6), "low": low, "high": high}


def _mcnemar(one: int, other: int) -> float | None:
    from scipy.stats import binomtest  # noqa: PLC0415 - takes a second to load

    return round(float(binomtest(one, one + other).pvalue), 6) if one + other else None
