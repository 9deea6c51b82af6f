"""Small cells: what a table may say without pointing at single conversations.

A table says how many conversations of a published, exact total fall under each name.

- A name that fewer than ``2 * k`` fall under is not listed; nothing says whether there are any.
- The others' numbers are rounded down to a multiple of ``k``.
- There are tables for one kind of period only (``periods``), and only once it is over: no two of
  them count the same conversation, so there is nothing to subtract.

Why twice ``k``: with exact totals, a list that hides what is below ``k`` gives away the highest
number it hides, when all else is at an end of its range. Here that is ``2 * k - 1``, and a number
from 1 to ``k - 1`` always leaves another one possible. Nothing is decided by looking at what would
be given away, so that no decision gives anything away either. The tests publish every small table
there is and look at all true tables behind each publication.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

K: Final = 5
"""As is usual for published health figures (for example NHS England's disclosure control)."""

Cells = dict[str, int]
"""Published counts by name."""


def publish(names: Iterable[Sequence[str]], k: int = K) -> Cells:
    """Return a table for publication, in alphabetical order, which says nothing either.

    Args:
        names: For each conversation the names it falls under.
        k: What counts as small.
    """
    counts = Counter(name for one in names for name in set(one))
    return {name: count // k * k for name, count in sorted(counts.items()) if count >= 2 * k}
