"""The only place that reads the time."""

import time


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return the wall-clock time in milliseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1_000_000

    monotonic_s = staticmethod(time.monotonic)
    """Returns a time in seconds that never goes back, for deadlines."""
