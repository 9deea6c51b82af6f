"""What a detector says of examples, as a table of probabilities."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.hazards import Hazard
from adjourn.evals.detection.examples import HAZARDS, HEADS, Example
from adjourn.evals.detection.measures import Floats
from adjourn.ports import Detector

_BATCH: Final = 64
Judged = tuple[list[Assessed], Floats]
"""Answers, and their probabilities per example and head, (N, H)."""


async def judge(
    detector: Detector, found: Sequence[Example], done: Callable[[int], None]
) -> Judged:
    """Return what the detector says of each example.

    Args:
        detector: Asked as the gateway asks it; left open.
        found: What is judged.
        done: Called with how many have been judged since the last call.
    """
    heard: list[Assessed] = []
    for start in range(0, len(found), _BATCH):
        batch = found[start : start + _BATCH]
        heard += await detector.assess([one.conversation() for one in batch])
        done(len(batch))
    return heard, np.array([row(one) for one in heard]).reshape(len(heard), len(HEADS))


def row(assessed: Assessed) -> list[float]:
    """Return an answer's probabilities in the order of ``HEADS``; 0 where it is unknown."""
    if not isinstance(assessed, Assessment):
        return [0.0] * len(HEADS)
    hazards = [assessed.hazards.get(Hazard(name), 0.0) for name in HAZARDS]
    return [*hazards, *(float(getattr(assessed, head)) for head in HEADS[len(HAZARDS) :])]
