"""The HTTP server: uvicorn, with limits, and with an end that cuts nobody off without a word."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import uvicorn

from adjourn.config import Config
from adjourn.gateway.connections import GatewayProtocol, Limits
from adjourn.gateway.front import Front

_log = logging.getLogger("adjourn.serving")

_LOOK_S: Final = 1
_LAST_WORDS_S: Final = 5
"""For clients to take what is written to them after their replies were cut."""
_THRESHOLDS: Final = (10_000, 20, 50)
"""When the garbage collector runs. A request makes some hundred objects and next to no cycles: with
Python's own 700 the collector runs every few requests, and its longest pauses double the 99th
percentile (measured with benchmarks/gateway.py)."""
_KEEP_ALIVE_S: Final = 65
"""Longer than the minute of most load balancers, so that they close first."""


def limits_of(config: Config) -> Limits:
    """Return the configured limits of connections."""
    given = config.server
    return Limits(
        max_head_bytes=given.max_head_bytes,
        max_connections=given.max_connections,
        head_timeout_s=given.head_timeout_s,
        body_timeout_s=given.body_timeout_s,
        write_timeout_s=given.write_timeout_s,
    )


class ServerSettings(uvicorn.Config):
    """uvicorn's settings, with limits."""

    def __init__(self, app: Any, limits: Limits, *, drain_s: float, **others: Any) -> None:
        self.drain_s = drain_s
        self.limits = limits
        self.live: set[GatewayProtocol] = set()
        super().__init__(
            app,
            http=self._protocol,  # type: ignore[arg-type]  # a function that makes one does as well
            ws="none",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=round(drain_s + _LAST_WORDS_S),
            callback_notify=self._look,
            timeout_notify=_LOOK_S,
            **others,
        )

    def _protocol(self, *args: Any, **kwargs: Any) -> GatewayProtocol:
        return GatewayProtocol(*args, limits=self.limits, live=self.live, **kwargs)

    async def _look(self) -> None:
        """Close the connections that are too slow; uvicorn calls this once a second."""
        for protocol in tuple(self.live):
            protocol.look()


class GatewayServer(uvicorn.Server):
    """uvicorn's server, which lets replies end, and says so to those that it cannot wait for."""

    def __init__(self, settings: ServerSettings, gateway: Front) -> None:
        super().__init__(settings)
        self._drain_s = settings.drain_s
        self._gateway = gateway

    async def startup(self, *args: Any, **kwargs: Any) -> None:
        """Begin to serve, with what was loaded for good out of the garbage collector's way."""
        await super().startup(*args, **kwargs)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)

    async def shutdown(self, *args: Any, **kwargs: Any) -> None:
        """Stop: take no more requests, wait for replies under way, then cut them."""
        self._gateway.begin_stopping()
        cutting = asyncio.create_task(self._cut_later())
        try:
            await super().shutdown(*args, **kwargs)
        finally:
            cutting.cancel()

    async def _cut_later(self) -> None:
        await asyncio.sleep(self._drain_s)
        _log.warning("replies under way are cut off: %g seconds are over", self._drain_s)
        await self._gateway.cut_off()


@asynccontextmanager
async def reloaded_on_hangup(gateway: Front, load: Callable[[], Config]) -> AsyncIterator[None]:
    """Let SIGHUP reload the configuration, where there is such a signal."""
    hangup = getattr(signal, "SIGHUP", None)
    loop = asyncio.get_running_loop()
    begun: set[asyncio.Task[bool]] = set()

    def reload() -> None:
        task = asyncio.ensure_future(gateway.reload(load))
        begun.add(task)
        task.add_done_callback(begun.discard)

    if hangup is None:
        yield
        return
    with suppress(NotImplementedError):
        loop.add_signal_handler(hangup, reload)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(hangup)
