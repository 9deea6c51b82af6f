"""Rates with intervals."""

from dataclasses import dataclass
from typing import Final

CONFIDENCE: Final = 0.95
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
    # Takes a second to load; a gateway that makes no report need not wait for it.
    from scipy.stats import binomtest  # noqa: PLC0415

    interval = binomtest(count, of).proportion_ci(CONFIDENCE, method="exact")
    return Rate(
        count,
        of,
        round(count / of * PER, 3),
        round(float(interval.low) * PER, 3),
        round(float(interval.high) * PER, 3),
    )
