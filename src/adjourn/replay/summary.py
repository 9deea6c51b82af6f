"""What a replay came to, and how two policies differ on the same conversations."""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any, Final

from adjourn.replay.tally import STEPS, PairTally, PolicyTally, Tally
from adjourn.report.intervals import CONFIDENCE, clopper_pearson, sign_test

PRIMARY: Final = "end"
"""The one comparison that is named beforehand; p-values of the others are corrected."""


def summarise(tally: Tally, names: Sequence[str]) -> dict[str, Any]:
    """Return the summary of a replay.

    Rates are shares of conversations with Clopper-Pearson intervals.

    Args:
        tally: What was counted.
        names: The policies' names.
    """
    of = tally.conversations
    policies = [*tally.policies, *(PolicyTally() for _ in names[len(tally.policies) :])]
    summary: dict[str, Any] = {
        "conversations": of,
        "user_messages": tally.user_messages,
        "unjudged": tally.unjudged,
        "rejected": tally.rejected,
        "policies": [
            {
                "policy": name,
                "reached": {step: _rate(found.reached.get(step, 0), of) for step in STEPS},
                "ends_by_ground": found.ends_by_ground,
                "ends_by_turn": found.ends_by_turn,
                "median_turn_of_end": _median(found.ends_by_turn),
            }
            for name, found in zip(names, policies, strict=True)
        ],
    }
    if len(names) == 2:
        summary["comparison"] = compare(tally.pair, of)
    return summary


def compare(pair: PairTally, of: int) -> dict[str, Any]:
    """Return how two policies differ on the same ``of`` conversations, step by step.

    Each step by McNemar's exact test, a binomial test of the conversations that reached it with one
    policy alone (Psychometrika 12, 1947), and the difference of the two shares with Bonett and
    Price's interval for paired shares (J. Educational and Behavioral Statistics 37, 2012). ``end``
    is the primary comparison; p-values of the other steps are corrected for their number (Holm,
    Scandinavian J. Statistics 6, 1979). Turns of ends by the sign test.
    """
    steps = {
        step: _paired(pair.only_first.get(step, 0), pair.only_second.get(step, 0), of)
        for step in STEPS
    }
    others = [step for step in STEPS if step != PRIMARY]
    corrected = _holm([steps[step]["mcnemar_p"] for step in others])
    for step, p in zip(others, corrected, strict=True):
        steps[step]["holm_p"] = p
    return {
        "changed": pair.changed,
        "steps": steps,
        "ended_by_both": {
            "earlier": pair.end_earlier,
            "later": pair.end_later,
            "sign_p": _binomial(pair.end_earlier, pair.end_later),
        },
    }


def _paired(only_first: int, only_second: int, of: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "only_first": only_first,
        "only_second": only_second,
        "mcnemar_p": _binomial(only_first, only_second),
    }
    if of:
        found["difference"] = round((only_second - only_first) / of, 6)
        found["low"], found["high"] = _difference_interval(only_first, only_second, of)
    return found


def _difference_interval(only_first: int, only_second: int, of: int) -> tuple[float, float]:
    """Bonett & Price (2012): Wald's interval after adding one pair of either kind."""
    first, second = (only_first + 1) / (of + 2), (only_second + 1) / (of + 2)
    difference = second - first
    error = math.sqrt((first + second - difference**2) / (of + 2))
    reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * error
    return round(max(-1.0, difference - reach), 6), round(min(1.0, difference + reach), 6)


def _binomial(one: int, other: int) -> float | None:
    return float(f"{sign_test(one, other):.4g}") if one + other else None


def _holm(p_values: Sequence[float | None]) -> list[float | None]:
    known = sorted(p for p in p_values if p is not None)
    stepped: dict[float, float] = {}
    highest = 0.0
    for place, p in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - place)))
        stepped.setdefault(p, highest)
    return [None if p is None else stepped[p] for p in p_values]


def _median(by_turn: Mapping[int, int]) -> int | None:
    """Return the turn by which half of those that end have ended."""
    half, seen = sum(by_turn.values()) / 2, 0
    for turn in sorted(by_turn):
        seen += by_turn[turn]
        if seen >= half:
            return turn
    return None


def _rate(count: int, of: int) -> dict[str, Any]:
    if not of:
        return {"count": 0, "of": 0}
    low, high = (round(end, 6) for end in clopper_pearson(count, of))
    return {"count": count, "of": of, "share": round(count / of, 6), "low": low, "high": high}
