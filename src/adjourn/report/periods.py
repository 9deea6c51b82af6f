"""The periods a report may cover: whole calendar months, quarters and years, UTC.

Nobody chooses a window: overlapping windows of free length could be subtracted from each other
until a single conversation is left.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from adjourn.core.errors import BadInput

_LATE_MS: Final = 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar period, by its name: ``2026``, ``2026-Q4`` or ``2026-11``."""

    name: str
    begins: datetime
    ends: datetime
    """The first moment that is no longer part of it."""

    @property
    def kind(self) -> str:
        """``year``, ``quarter`` or ``month``; no two periods of one kind overlap."""
        if "-" not in self.name:
            return "year"
        return "quarter" if "Q" in self.name else "month"

    def is_over(self, now_ms: int) -> bool:
        """Tell whether nothing is added to it any more: it ended an hour ago.

        An entry carries the time its request came in and is written when the reply is complete.
        """
        return now_ms >= self.ends.timestamp() * 1000 + _LATE_MS

    def holds(self, at_ms: int) -> bool:
        """Tell whether a time (milliseconds since the Unix epoch) lies in the period."""
        return self.begins.timestamp() * 1000 <= at_ms < self.ends.timestamp() * 1000


_QUARTERS: Final = ("Q1", "Q2", "Q3", "Q4")
_MONTHS: Final = tuple(f"{month:02}" for month in range(1, 13))


def period_of(name: str) -> Period:
    """Return the period of a name.

    Raises:
        BadInput: It is none of the forms.
    """
    year, _, rest = name.partition("-")
    is_year = len(year) == 4 and year.startswith("2") and year.isascii() and year.isdigit()
    if is_year and name == year:
        begins, months = datetime(int(year), 1, 1, tzinfo=UTC), 12
    elif is_year and rest in _QUARTERS:
        begins, months = datetime(int(year), _QUARTERS.index(rest) * 3 + 1, 1, tzinfo=UTC), 3
    elif is_year and rest in _MONTHS:
        begins, months = datetime(int(year), int(rest), 1, tzinfo=UTC), 1
    else:
        raise BadInput(
            f"{name!r} is no period",
            hint="write a year (2026), a quarter (2026-Q4) or a month (2026-11)",
        )
    month = begins.year * 12 + begins.month - 1 + months
    return Period(name, begins, datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC))


def last_month(now_ms: int) -> Period:
    """Return the newest month that is over."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return period_of((now.replace(day=1) - timedelta(days=1)).strftime("%Y-%m"))
