"""The report on the web: ``/transparency`` for people, ``/adjourn/v1/report`` for programs.

Only periods that are over are published: a report of a running one, read again and again, would
say of each single conversation when it was ended. The console has the live figures.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from adjourn.core.errors import BadInput, StoreUnavailable
from adjourn.core.policy import Policy
from adjourn.ports import Clock, Store
from adjourn.report.documents import Report, as_csv, as_json
from adjourn.report.making import make_report
from adjourn.report.page import CSP, render_page
from adjourn.report.periods import Period, last_month, period_of

_KEPT: Final = 24
"""Reports kept in memory: of a period that is over, nothing changes any more."""


class ReportPages:
    """Handlers over one store.

    Args:
        store: Where the ledger is.
        clock: Says which periods are over.
        policy: The policy in force.
        tables_every: The kind of period whose reports have tables.
    """

    def __init__(
        self, store: Store, clock: Clock, policy: Callable[[], Policy], tables_every: str
    ) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy
        self._tables_every = tables_every
        self._made: dict[str, Report] = {}
        self._first_ms: int | None = None
        """Time of the ledger's first entry, once it has one."""
        self._making = asyncio.Lock()
        """Counting reads the whole ledger: one at a time, however many ask."""

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [Route("/transparency", self.page), Route("/adjourn/v1/report", self.document)]

    async def page(self, request: Request) -> Response:
        """Show a report; the last month's if none is asked for."""
        report = await self._report(request)
        if isinstance(report, Response):
            return report
        headers = {"content-security-policy": CSP, "referrer-policy": "no-referrer"}
        async with self._making:
            html = await asyncio.to_thread(render_page, report, self._policy())
        return HTMLResponse(html, headers=headers)

    async def document(self, request: Request) -> Response:
        """Return a report as JSON, or as CSV with ``?format=csv``."""
        form = request.query_params.get("format", "json")
        if form not in {"json", "csv"}:
            return _refused(HTTPStatus.BAD_REQUEST, "The format is json or csv.")
        report = await self._report(request)
        if isinstance(report, Response):
            return report
        if form == "csv":
            return PlainTextResponse(as_csv(report), media_type="text/csv")
        return Response(as_json(report), media_type="application/json")

    async def _report(self, request: Request) -> Report | Response:
        now_ms = self._clock.now_ms()
        asked = request.query_params.get("period")
        try:
            period = period_of(asked) if asked else last_month(now_ms)
        except BadInput as error:
            return _refused(HTTPStatus.BAD_REQUEST, f"{error}: {error.hint()}.")
        if not period.is_over(now_ms):
            message = f"{period.name} is not over; a period is reported on an hour after it is."
            return _refused(HTTPStatus.NOT_FOUND, message)
        try:
            async with self._making:
                if asked and await self._is_before_everything(period):
                    message = f"Nothing was recorded in {period.name} or before it."
                    return _refused(HTTPStatus.NOT_FOUND, message)
                return await self._made_or_make(period)
        except StoreUnavailable as error:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    async def _is_before_everything(self, period: Period) -> bool:
        if self._first_ms is None:
            first = await self._store.entries(0, 1)
            self._first_ms = first[0][1].at_ms if first else None
        return self._first_ms is None or period.ends.timestamp() * 1000 <= self._first_ms

    async def _made_or_make(self, period: Period) -> Report:
        if period.name not in self._made:
            tables = period.kind == self._tables_every
            made = await make_report(self._store, period, tables=tables)
            if len(self._made) >= _KEPT:
                self._made.clear()
            self._made[period.name] = made
        return self._made[period.name]


def _refused(status: HTTPStatus, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "code": "no_report"}}, status)
