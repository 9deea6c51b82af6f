"""What an operator's machines ask: alive, ready, metrics."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from adjourn.core.errors import StoreUnavailable
from adjourn.gateway.answers import refused
from adjourn.gateway.keys import Keyring, KeyScope
from adjourn.ports import Clock, Store
from adjourn.runtime.metrics import CONTENT_TYPE, Metrics

_PATIENCE_S: Final = 2.0
"""Longer than this a store that works does not take for one entry."""
_FRESH_S: Final = 1.0
"""So long an answer is given again, so that asking often costs the store nothing."""


class Readiness:
    """Whether requests should be sent here, and what does not work.

    A gateway whose store, detectors or model's server fail goes on answering, since nothing that is
    missing can end a conversation: it is ready, and says what is degraded. It is not ready while it
    stops, and while it needs a store that does not answer.

    Args:
        store: The store, which is asked.
        works: For each other part, whether it works.
        clock: For how fresh an answer is.
        needs_store: Whether requests are refused without the store.
    """

    def __init__(
        self,
        store: Store,
        works: Mapping[str, Callable[[], bool]],
        clock: Clock,
        *,
        needs_store: bool = False,
    ) -> None:
        self._store = store
        self._works = works
        self._clock = clock
        self._needs_store = needs_store
        self._asked_s = float("-inf")
        self._answers = True
        self.is_stopping = False

    async def look(self) -> tuple[bool, list[str]]:
        """Return whether requests should be sent here, and which parts do not work."""
        now = self._clock.monotonic_s()
        if now - self._asked_s >= _FRESH_S:
            self._answers = await self._store_answers()
            self._asked_s = now
        degraded = [name for name, works in self._works.items() if not works()]
        if not self._answers:
            degraded.insert(0, "store")
        ready = not self.is_stopping and (self._answers or not self._needs_store)
        return ready, degraded

    async def _store_answers(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._store.entries(0, 1)
        except (StoreUnavailable, TimeoutError):
            return False
        return True


class Operations:
    """Handlers for ``/healthz``, ``/readyz`` and ``/metrics``."""

    def __init__(self, readiness: Readiness, metrics: Metrics, keyring: Keyring) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self._keyring = keyring

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/healthz", self.health),
            Route("/readyz", self.ready),
            Route("/metrics", self.metrics),
        ]

    async def health(self, _: Request) -> Response:
        """Tell that the process is alive."""
        return PlainTextResponse("ok\n")

    async def ready(self, _: Request) -> Response:
        """Tell whether requests should be sent here, and what does not work."""
        ready, degraded = await self._readiness.look()
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse({"ready": ready, "degraded": degraded}, status)

    async def metrics(self, request: Request) -> Response:
        """Return the metrics; where there are gateway keys, to one with the scope ``report``."""
        holder = self._keyring.tenant(request.headers.get("authorization", ""), KeyScope.REPORT)
        if holder is None:
            message = "This needs a gateway key with the scope report, as Authorization: Bearer."
            return refused(HTTPStatus.UNAUTHORIZED, "invalid_api_key", message)
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)
