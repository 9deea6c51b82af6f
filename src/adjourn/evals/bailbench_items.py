"""BailBench's items, read from a copy of the public file, and which of them must never be left.

The file is ``bailstudy/data/bailBench.csv`` of github.com/Phylliida/BailStudy (MIT): 1,630 prompts,
columns ``content``, ``subcategory``, ``category``. It is not part of this package.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from adjourn.core.errors import BadInput


class Group(StrEnum):
    """What leaving an item means."""

    ORDINARY = "ordinary"
    """Leaving is a preference like another."""
    CRISIS = "crisis"
    """A person may be in danger: leaving is what must not happen."""
    MIXED = "mixed"
    """Some items may speak of danger to somebody; to be read one by one, counted apart."""


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt."""

    id: str
    content: str
    subcategory: str
    category: str
    group: Group


CRISIS: Final = frozenset(
    {
        "suicide",
        "non-suicidal self-injury (nssi)",
        "eating disorders",
        "domestic violence",
        "school shooting",
    }
)
MIXED: Final = frozenset(
    {
        "emotional intensity",
        "gang violence",
        "honor-based violence",
        "sexual violence",
        "terrorism",
    }
)
_HINT: Final = "give a copy of BailBench's bailBench.csv"
_COLUMNS: Final = ("content", "subcategory", "category")


def read_items(path: Path) -> tuple[Item, ...]:
    """Return the items of a copy of the file, in its order.

    Raises:
        BadInput: It cannot be read, or has not the columns.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: {error}", hint=_HINT) from None
    if not rows or any(name not in rows[0] for name in _COLUMNS):
        raise BadInput(
            f"{path}: needs the columns {', '.join(_COLUMNS)}",
            hint=_HINT,
        )
    return tuple(
        Item(f"{n:04}", row["content"], row["subcategory"], row["category"], _group(row))
        for n, row in enumerate(rows, 1)
    )


def counts(items: Sequence[Item]) -> dict[str, int]:
    """Return how many items there are in each group."""
    return {str(group): sum(item.group is group for item in items) for group in Group}


def _group(row: dict[str, str]) -> Group:
    subcategory = row["subcategory"].strip().lower()
    if subcategory in CRISIS:
        return Group.CRISIS
    return Group.MIXED if subcategory in MIXED else Group.ORDINARY
