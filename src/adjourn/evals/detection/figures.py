"""Figures of a detector: per head, and by source, language, length or kind of text.

A message that should be seen by a head is compared with messages that are known not to be: its
own source's where that has any, ordinary traffic else.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adjourn.core.messages import Role
from adjourn.evals.detection.examples import (
    HAZARDS,
    HEADS,
    OF_ANSWERS,
    OF_REPLIES,
    Example,
)
from adjourn.evals.detection.measures import Figures, Floats, figures
from adjourn.evals.detection.split import SEED

LEAST: Final = 15
"""Fewer positives or negatives than this give no row."""
LENGTHS: Final = ((8, "up to 8 words"), (30, "9 to 30"), (100, "31 to 100"), (10**9, "over 100"))
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one head on one part of the examples."""

    head: str
    part: str
    against: str
    """``own negatives`` or ``ordinary traffic``."""
    figures: Figures


def by_source(one: Example) -> str:
    """Return the source."""
    return one.source


def by_language(one: Example) -> str:
    """Return the language."""
    return one.lang


def by_kind(one: Example) -> str:
    """Return the kind of text."""
    return one.kind


def by_length(one: Example) -> str:
    """Return a band of length: words, or for scripts without spaces half the signs."""
    words = max(len(one.newest.split()), sum(ord(c) > 0x2E80 for c in one.newest) // 2)
    return next(name for most, name in LENGTHS if words <= most)


def speaks_of(found: Sequence[Example], head: str) -> tuple[Bools, Floats]:
    """Return which examples say something of a head, and their targets (0 where they do not).

    Of a hazard, harmless messages say that it is not there.
    """
    says = np.array([_says(one, head) for one in found], bool)
    return says, np.array([one.labels.get(head, 0.0) for one in found])


def _says(one: Example, head: str) -> bool:
    if head in HAZARDS:
        return head in one.labels or one.labels.get("harm") == 0.0
    if head not in one.labels:
        return False
    if head in OF_REPLIES:
        return one.role is Role.ASSISTANT
    if head != "harm" and one.role is not Role.USER:
        return False
    return head not in OF_ANSWERS or bool(one.before)


def is_traffic(one: Example) -> bool:
    """Tell whether a message is ordinary traffic from a public source, and harmless."""
    return one.kind == "benign" and "noncompliance" not in one.source


def rows(found: Sequence[Example], p: Floats, part_of: Callable[[Example], str]) -> Iterator[Row]:
    """Yield figures per head and part, those with too few examples left out.

    Args:
        found: The examples.
        p: Their probabilities, (N, H).
        part_of: Says which part an example belongs to.
    """
    parts = np.array([part_of(one) for one in found])
    names = sorted({part_of(one) for one in found})
    traffic = np.array([is_traffic(one) for one in found], bool)
    for column, head in enumerate(HEADS):
        says, target = speaks_of(found, head)
        for part in names:
            mine = says & (parts == part)
            ones, zeros = mine & (target >= 0.5), mine & (target == 0)
            against = "own negatives"
            if zeros.sum() < LEAST and head not in OF_REPLIES:
                zeros, against = traffic, "ordinary traffic"
            if ones.sum() < LEAST or zeros.sum() < LEAST:
                continue
            picked = np.flatnonzero(ones | zeros)
            truth = ones[picked].astype(float)
            yield Row(head, part, against, figures(p[picked, column], truth, SEED))
