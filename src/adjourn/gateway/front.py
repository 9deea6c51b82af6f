"""What stands in front of the gateway: every request gets an id, is counted, timed and logged.

Also refuses what is too much at once, and answers in the client's dialect when something of ours
fails. It reads no body and changes no reply but for one header, and in shadow mode not even that.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

from adjourn.config import Config
from adjourn.core.errors import StoreUnavailable
from adjourn.gateway.app import Gateway, spoken
from adjourn.gateway.asgi import Client, Receive, Scope, Send, header
from adjourn.gateway.operations import Readiness
from adjourn.gateway.paths import is_plain
from adjourn.gateway.reloading import Reloading
from adjourn.ports import Clock
from adjourn.runtime.measured_upstream import MeasuredUpstream
from adjourn.runtime.metrics import Metrics
from adjourn.runtime.trace import CURRENT, RequestTrace
from adjourn.wire.dialect import Dialect
from adjourn.wire.spoken import BY_PATH, spoken_at

_log = logging.getLogger("adjourn.requests")

_ID_HEADER: Final = b"x-adjourn-request-id"
_LONGEST_ID: Final = 128
_ID_LETTERS: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+="
)
_LONGEST_MODEL: Final = 100
_RETRY_S: Final = 1
_KINDS: Final = {400: "invalid_request_error", 500: "api_error", 503: "overloaded_error"}
_BAD_PATH: Final = "The path is not in plain form: leave out //, dot segments and backslashes."


class Front:
    """The outermost ASGI application, and what is done to the whole of it.

    Args:
        gateway: What is behind it.
        metrics: Where requests are counted.
        clock: For durations.
        readiness: Told when the gateway stops.
        upstream: Cut off when the time for replies under way is over.
        reloading: Takes new configurations over.
        max_requests: Requests under ``/v1/`` at the same time; more are answered with 503.
        log_requests: Log every request, not only those where something was decided.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        metrics: Metrics,
        clock: Clock,
        readiness: Readiness,
        upstream: MeasuredUpstream,
        reloading: Reloading,
        max_requests: int,
        log_requests: bool,
    ) -> None:
        self._gateway = gateway
        self._metrics = metrics
        self._clock = clock
        self._readiness = readiness
        self._upstream = upstream
        self._reloading = reloading
        self._max_requests = max_requests
        self._log_requests = log_requests
        self._open = 0

    async def drain(self) -> None:
        """Wait until everything that was to be recorded is recorded or has failed."""
        await self._gateway.drain()

    def begin_stopping(self) -> None:
        """Take no requests any more; what is under way goes on."""
        self._readiness.is_stopping = True

    async def cut_off(self) -> None:
        """Break off the model's replies that still flow; their clients are told so."""
        await self._upstream.cut_off()

    async def reload(self, load: Callable[[], Config]) -> bool:
        """Read the configuration again; tell whether it could be put in force."""
        return await self._reloading.take(load)

    async def watch_policy(self, every_s: float) -> None:
        """Look every so many seconds whether the policy's file has changed; until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self._reloading.look_at_policy()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is looked for again
                _log.error("the policy's file could not be looked at", exc_info=error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._gateway(scope, receive, send)
            return
        path = scope["path"]
        served = path.startswith("/v1/")
        trace = RequestTrace(_id_of(scope), _dialect_of(path) if served else "own")
        CURRENT.set(trace)
        reply = _Reply(send, trace, spoken(scope))
        began = self._clock.monotonic_s()
        try:
            if served and (self._open >= self._max_requests or self._readiness.is_stopping):
                await self._turn_away(reply, trace)
            elif served and not is_plain(path, BY_PATH):
                trace.error = "bad_path"
                await _answer(reply, 400, trace, _BAD_PATH, [])
            elif served:
                await self._counted(scope, receive, reply)
            else:
                await self._gateway(scope, receive, reply)
        except StoreUnavailable as error:
            await self._needs_store(error, reply, trace)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            await self._failed(error, reply, trace)
        finally:
            self._note(trace, reply.status, self._clock.monotonic_s() - began)

    async def _counted(self, scope: Scope, receive: Receive, reply: "_Reply") -> None:
        self._open += 1
        self._metrics.open.set(self._open)
        try:
            await self._gateway(scope, receive, reply)
        finally:
            self._open -= 1
            self._metrics.open.set(self._open)

    async def _turn_away(self, reply: "_Reply", trace: RequestTrace) -> None:
        trace.error = "stopping" if self._readiness.is_stopping else "too_many_requests_at_once"
        words = (
            "The gateway is being stopped; try again."
            if self._readiness.is_stopping
            else "The gateway serves as many requests as it may at once; try again."
        )
        headers = [("retry-after", str(_RETRY_S))]
        if self._readiness.is_stopping:
            headers.append(("connection", "close"))
        await _answer(reply, 503, trace, words, headers)

    async def _needs_store(
        self, error: StoreUnavailable, reply: "_Reply", trace: RequestTrace
    ) -> None:
        """Have the client try again; ``store.when_down`` says that nothing passes unseen."""
        if reply.status:
            await self._failed(error, reply, trace)
            return
        trace.error = error.code
        _log.warning("refused, as the store is needed: %s", error)
        words = "Conversations cannot be looked up at the moment; try again."
        await _answer(reply, 503, trace, words, [("retry-after", str(_RETRY_S))])

    async def _failed(self, error: Exception, reply: "_Reply", trace: RequestTrace) -> None:
        """Tell the client that something of ours failed; a reply that has begun is broken off."""
        trace.error = "internal_error"
        _log.error("a request failed", exc_info=error)
        if reply.status:
            raise ConnectionAbortedError("the reply was broken off") from None
        words = f"The gateway failed; its log has the reason under request {trace.request_id}."
        await _answer(reply, 500, trace, words, [])

    def _note(self, trace: RequestTrace, status: int, seconds: float) -> None:
        metrics = self._metrics
        told = str(status) if status else "gone"
        metrics.requests.labels(trace.dialect, trace.decision, told).inc()
        metrics.request_s.labels(trace.dialect).observe(seconds)
        if trace.decision == "locked":
            metrics.locked.inc()
        if trace.error:
            metrics.refused.labels(trace.error).inc()
        if self._log_requests or trace.decision not in {"", "continue"} or status >= 500:
            _log.info("served", extra=_line(trace, told, seconds))


class _Reply:
    """An ASGI ``send`` that sees the status, and adds the request's id to the headers."""

    def __init__(self, send: Send, trace: RequestTrace, dialect: Dialect) -> None:
        self._send = send
        self._trace = trace
        self.dialect = dialect
        self.status = 0

    async def __call__(self, message: Any) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if not self._trace.silent:
                named = (_ID_HEADER, self._trace.request_id.encode("latin-1"))
                message = {**message, "headers": [*message.get("headers", ()), named]}
        await self._send(message)


def _line(trace: RequestTrace, status: str, seconds: float) -> dict[str, Any]:
    line: dict[str, Any] = {
        "dialect": trace.dialect,
        "status": status,
        "seconds": round(seconds, 4),
    }
    known = {
        "decision": trace.decision,
        "tenant": trace.tenant,
        "model": trace.model[:_LONGEST_MODEL],
        "node": trace.node,
        "code": trace.error,
    }
    return {**line, **{key: value for key, value in known.items() if value}}


def _dialect_of(path: str) -> str:
    """Return the name of a path's dialect, for metrics, log and spans."""
    dialect = spoken_at(path)
    return dialect.name if dialect else "other"


def _id_of(scope: Scope) -> str:
    """Return the request's id: the client's own if it is one, else a new one."""
    given = header(scope, "x-request-id")
    if given and len(given) <= _LONGEST_ID and set(given) <= _ID_LETTERS:
        return given
    return secrets.token_hex(8)


async def _answer(
    reply: _Reply, status: int, trace: RequestTrace, words: str, headers: list[tuple[str, str]]
) -> None:
    """Answer with an error in the form of the client's dialect."""
    body = reply.dialect.error_body(words, type=_KINDS[status], code=trace.error)
    await Client(reply).answer(status, body, headers)
