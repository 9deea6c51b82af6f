"""OpenTelemetry spans by the semantic conventions for generative AI; never what was written.

One span a request to the model, kind client, named ``chat MODEL``, below the client's own trace if
its ``traceparent`` says so; the model's server is told of it likewise. Without a collector in the
configuration there is no tracer, and none of this runs.

Source of the names: OpenTelemetry semantic conventions for generative AI spans, 1.38.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from adjourn.core.errors import UpstreamUnavailable
from adjourn.ports import Upstream, UpstreamReply, UpstreamRequest
from adjourn.runtime.trace import CURRENT

_TAIL: Final = 64 * 1024
"""Bytes of a reply's end that are kept to read usage and finish reasons from."""
_OPERATIONS: Final = {
    "chat_completions": "chat",
    "responses": "chat",
    "messages": "chat",
    "embeddings": "embeddings",
}
_PROVIDERS: Final = {"messages": "anthropic"}
"""Whose API a dialect is; all others are OpenAI's."""
_propagator = TraceContextTextMapPropagator()


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None


class _Told(msgspec.Struct):
    """What a reply, or a part of one, tells of itself, in any dialect."""

    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None
    choices: list[_Choice] = []
    stop_reason: str | None = None
    status: str | None = None
    response: "_Told | None" = None
    """The whole response, in the last event of a stream of OpenAI Responses."""


class TracedUpstream:
    """A model's server whose requests are spans."""

    def __init__(self, upstream: Upstream, tracer: trace.Tracer, base_url: str) -> None:
        self._upstream = upstream
        self._tracer = tracer
        address = urlsplit(base_url)
        self._server: dict[str, str | int] = {
            "server.address": address.hostname or "",
            "server.port": address.port or (443 if address.scheme == "https" else 80),
        }

    async def send(self, request: UpstreamRequest) -> "_TracedReply":
        """See ``Upstream``."""
        seen = CURRENT.get()
        operation = _OPERATIONS.get(seen.dialect if seen else "", "other")
        model = seen.model if seen else ""
        span = self._tracer.start_span(
            f"{operation} {model}".strip(),
            context=_context_of(request.headers),
            kind=trace.SpanKind.CLIENT,
            attributes={
                "gen_ai.operation.name": operation,
                "gen_ai.provider.name": _PROVIDERS.get(seen.dialect if seen else "", "openai"),
                **({"gen_ai.request.model": model} if model else {}),
                **({"adjourn.request_id": seen.request_id} if seen else {}),
                **({"adjourn.decision": seen.decision} if seen and seen.decision else {}),
                **({"adjourn.node": seen.node} if seen and seen.node else {}),
                **self._server,
            },
        )
        try:
            reply = await self._upstream.send(_told_of(request, span))
        except BaseException as error:
            _fail(span, type(error).__name__)
            raise
        span.set_attribute("http.response.status_code", reply.status)
        return _TracedReply(reply, span)

    async def aclose(self) -> None:
        """See ``Upstream``."""
        await self._upstream.aclose()


class _TracedReply:
    """A reply whose end is the span's."""

    def __init__(self, reply: UpstreamReply, span: trace.Span) -> None:
        self._reply = reply
        self._span = span
        self._tail = b""
        self._over = False
        self.status = reply.status
        self.headers = reply.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """See ``UpstreamReply``."""
        try:
            async for chunk in self._reply.chunks():
                self._tail = (self._tail + chunk)[-_TAIL:]
                yield chunk
        except UpstreamUnavailable:
            self._end("cut")
            raise
        self._end("")

    async def aclose(self) -> None:
        """See ``UpstreamReply``."""
        await self._reply.aclose()
        self._end("cancelled")

    def _end(self, error: str) -> None:
        if self._over:
            return
        self._over = True
        for name, value in told_by(self._tail).items():
            self._span.set_attribute(name, value)
        if error or self.status >= 400:
            _fail(self._span, error or str(self.status))
        else:
            self._span.end()


def told_by(tail: bytes) -> dict[str, Any]:
    """Return what the end of a reply tells of itself, as attributes of a span."""
    attributes: dict[str, Any] = {}
    finished: list[str] = []
    for document in _documents(tail):
        piece = document.response or document
        if piece.id:
            attributes["gen_ai.response.id"] = piece.id
        if piece.model:
            attributes["gen_ai.response.model"] = piece.model
        finished += [one.finish_reason for one in piece.choices if one.finish_reason]
        finished += [reason for reason in (piece.stop_reason, piece.status) if reason]
        usage = piece.usage or _Usage()
        for name, count in (
            ("input", usage.prompt_tokens if usage.input_tokens is None else usage.input_tokens),
            (
                "output",
                usage.completion_tokens if usage.output_tokens is None else usage.output_tokens,
            ),
        ):
            if count is not None:
                attributes[f"gen_ai.usage.{name}_tokens"] = count
    if finished:
        attributes["gen_ai.response.finish_reasons"] = finished
    return attributes


def _documents(tail: bytes) -> list[_Told]:
    """Return the JSON documents of a whole reply, or of a stream's last events."""
    events = [line[5:] for line in tail.splitlines() if line.startswith(b"data:")]
    found: list[_Told] = []
    for text in events or [tail]:
        try:
            found.append(msgspec.json.decode(text, type=_Told))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


def _context_of(headers: Sequence[tuple[str, str]]) -> Context:
    return _propagator.extract({name.lower(): value for name, value in headers})


def _told_of(request: UpstreamRequest, span: trace.Span) -> UpstreamRequest:
    """Return the request with the span as the parent of what the model's server does."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(span))
    if not carrier:
        return request
    kept = [(n, v) for n, v in request.headers if n.lower() not in {"traceparent", "tracestate"}]
    headers = [*kept, *carrier.items()]
    return UpstreamRequest(request.method, request.path, headers, request.body)


def _fail(span: trace.Span, error: str) -> None:
    span.set_attribute("error.type", error)
    span.set_status(trace.StatusCode.ERROR)
    span.end()
