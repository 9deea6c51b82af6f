"""Waiting for a thread's answer, but not for ever."""

import asyncio
from typing import Any

from adjourn.core.errors import StoreUnavailable


async def answer_within(future: "asyncio.Future[Any]", deadline_s: float, failing: str) -> Any:
    """Return a future's result; the future is done afterwards, whatever happens.

    Args:
        future: Resolved in this loop.
        deadline_s: Seconds to wait.
        failing: What to call it if nothing comes.

    Raises:
        StoreUnavailable: Nothing came in time. (One timer is a tenth of ``asyncio.wait``'s cost.)
    """
    timer = future.get_loop().call_later(deadline_s, _expire, future, deadline_s, failing)
    try:
        return await future
    finally:
        timer.cancel()


def _expire(future: "asyncio.Future[Any]", deadline_s: float, failing: str) -> None:
    if not future.done():
        future.set_exception(StoreUnavailable(f"{failing} within {deadline_s:g} seconds"))
