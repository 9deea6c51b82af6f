"""Exact intervals and tests of shares, by scipy's special functions.

``scipy.stats`` has the same under these names, and takes three times as long to load; what comes
out is compared with it in the tests. Both are imported where they are used: a gateway that makes
no report need not wait for them.
"""

from typing import Final

CONFIDENCE: Final = 0.95


def clopper_pearson(count: int, of: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a share (Clopper & Pearson, Biometrika 26, 1934).

    Args:
        count: How many, 0 or more.
        of: Of how many; at least ``count``, and at least 1.
    """
    from scipy.special import betaincinv  # noqa: PLC0415

    tail = (1 - CONFIDENCE) / 2
    low = betaincinv(count, of - count + 1, tail) if count else 0.0
    high = betaincinv(count + 1, of - count, 1 - tail) if count < of else 1.0
    return float(low), float(high)


def sign_test(one: int, other: int) -> float:
    """Return the two-sided p-value that two counts are of things equally frequent (binomial).

    Args:
        one: A count, 0 or more.
        other: The other; both together at least 1.
    """
    from scipy.special import betainc  # noqa: PLC0415

    fewer, of = min(one, other), one + other
    return min(1.0, 2 * float(betainc(of - fewer, fewer + 1, 0.5)))
