"""Makes a report from a store."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from adjourn.core.entries import Entry
from adjourn.ports import Store
from adjourn.report.documents import Report
from adjourn.report.figures import figures_of
from adjourn.report.periods import Period

_BATCH: Final = 5_000


async def make_report(store: Store, period: Period, *, tables: bool) -> Report:
    """Count a period's entries, beside whatever else the process does.

    Args:
        store: Where the entries are.
        period: What to report on.
        tables: Whether there are any.

    Raises:
        StoreUnavailable: The store does not answer.
    """
    entries = [entry async for entry in read_entries(store)]
    figures = await asyncio.to_thread(figures_of, entries, period, tables=tables)
    return Report(figures, len(entries), tables=tables)


async def read_entries(store: Store) -> AsyncIterator[Entry]:
    """Yield all entries, in order."""
    position = 0
    while batch := await store.entries(position, _BATCH):
        for _, entry in batch:
            yield entry
        position += len(batch)
