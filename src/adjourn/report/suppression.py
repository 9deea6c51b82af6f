"""Small cells: what a breakdown may say without pointing at single conversations.

Every number of a breakdown is rounded down to a multiple of ``k``, and what would be 0 but is not
is given as "fewer than k". A published number stands for ``k`` different true ones, so the
difference of two reports (a later one of the same period, or neighbouring ones) never says that
fewer than two conversations were added, and totals beside a table leave every cell of it open.
Totals themselves are exact: they are what the report is for.
"""

from collections.abc import Mapping
from typing import Final

K: Final = 5
"""As is usual for published health figures (for example NHS England's disclosure control)."""


def rounded(count: int, k: int = K) -> int | None:
    """Return a count for publication; None means fewer than ``k``, but not none."""
    if count == 0:
        return 0
    return count // k * k or None


def published(cells: Mapping[str, int], k: int = K) -> dict[str, int | None]:
    """Return a breakdown for publication, in alphabetical order, which says nothing either."""
    return {name: rounded(count, k) for name, count in sorted(cells.items()) if count}
