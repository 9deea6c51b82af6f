"""Rates with intervals."""

from dataclasses import dataclass
from typing import Final

from adjourn.report.intervals import clopper_pearson

PER: Final = 10_000
"""Rates are given per this many conversations."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of conversations."""

    count: int
    of: int
    per_10_000: float | None
    """None if there were none to count in."""
    low: float | None
    """Lower end of the 95 % interval, per 10,000."""
    high: float | None


def rate_of(count: int, of: int) -> Rate:
    """Return a rate with its Clopper-Pearson interval (exact; Biometrika 26, 1934).

    With a count of 0 the upper end is what is known: about 3.7 in ``of`` at 97.5 %.

    Args:
        count: Conversations that it happened in.
        of: All conversations; at least ``count``.
    """
    if of == 0:
        return Rate(count, of, None, None, None)
    low, high = clopper_pearson(count, of)
    return Rate(count, of, round(count / of * PER, 3), round(low * PER, 3), round(high * PER, 3))
