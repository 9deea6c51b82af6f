"""Virtual time: an event loop whose clock jumps to the next timer instead of waiting for it."""

import asyncio
from typing import Any

from adjourn.ports import Clock


class Stuck(AssertionError):
    """Everybody waits for somebody, and nobody for a time: nothing is ever going to happen."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs callbacks in an order that depends on nothing outside this process."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual_s = 0.0
        self._selector = self

    def time(self) -> float:
        return self._virtual_s

    def select(self, timeout: float | None) -> tuple[()]:
        """Stand in for waiting for sockets, of which there are none."""
        if timeout is None:
            raise Stuck("nothing is ever going to happen")
        self._virtual_s += timeout
        return ()

    def _process_events(self, _: Any) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""


class SkewedClock(Clock):
    """A machine's clock: wall time may be set to anything, monotonic time goes on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.skew_ms = 0

    def now_ms(self) -> int:
        return 1_800_000_000_000 + round(self._loop.time() * 1000) + self.skew_ms

    def monotonic_s(self) -> float:
        return self._loop.time()
