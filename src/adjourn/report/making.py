"""Makes a report from a store."""

from collections.abc import AsyncIterator
from typing import Final

from adjourn.core.entries import Entry
from adjourn.ports import Store
from adjourn.report.documents import Report
from adjourn.report.figures import figures_of
from adjourn.report.periods import Period

_BATCH: Final = 5_000


async def make_report(store: Store, period: Period, *, up_to: int | None = None) -> Report:
    """Count a period's entries.

    Args:
        store: Where the entries are.
        period: What to report on.
        up_to: Count only this many entries from the beginning; all if None.

    Raises:
        StoreUnavailable: The store does not answer.
    """
    entries = [entry async for entry in read_entries(store, up_to)]
    return Report(figures_of(entries, period), len(entries))


async def read_entries(store: Store, up_to: int | None = None) -> AsyncIterator[Entry]:
    """Yield the first ``up_to`` entries, or all, in order."""
    position = 0
    while up_to is None or position < up_to:
        wanted = _BATCH if up_to is None else min(_BATCH, up_to - position)
        batch = await store.entries(position, wanted)
        for _, entry in batch:
            yield entry
        position += len(batch)
        if len(batch) < wanted:
            return
