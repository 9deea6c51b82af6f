"""OpenTelemetry spans by the GenAI conventions, and none without a collector."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer

from adjourn.config import TelemetryConfig
from adjourn.core.errors import UpstreamUnavailable
from adjourn.ports import UpstreamRequest
from adjourn.runtime.spans import TracedUpstream, told_by
from adjourn.runtime.trace import CURRENT, RequestTrace
from adjourn.runtime.tracing import start_tracing
from adjourn.testing import ScriptedReply, ScriptedUpstream

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SSE = b"""data: {"id":"c1","model":"m-2026","choices":[{"delta":{"content":"secret words"}}]}

data: {"choices":[{"delta":{},"finish_reason":"stop"}]}

data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}

data: [DONE]

"""


class Spans:
    """A tracer, and what it traced."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer: Tracer = provider.get_tracer("test")

    @property
    def made(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()


async def ask(reply: ScriptedReply, *, read: bool = True) -> tuple[ReadableSpan, ScriptedUpstream]:
    """Send one request through a traced upstream; return its span."""
    spans, inner = Spans(), ScriptedUpstream(reply)
    upstream = TracedUpstream(inner, spans.tracer, "https://models.test/v1")
    CURRENT.set(RequestTrace("r-1", "chat_completions", model="m", decision="continue", node="n"))
    request = UpstreamRequest("POST", "/v1/chat/completions", [("Traceparent", PARENT)], b"secret")
    try:
        answer = await upstream.send(request)
        try:
            if read:
                assert b"".join([chunk async for chunk in answer.chunks()])
        finally:
            await answer.aclose()
    except UpstreamUnavailable:
        pass
    (span,) = spans.made
    return span, inner


async def test_a_request_is_a_span_by_the_conventions() -> None:
    span, inner = await ask(ScriptedReply(body=[SSE[:50], SSE[50:]]))
    assert span.name == "chat m"
    assert span.attributes is not None
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.response.model": "m-2026",
        "gen_ai.response.id": "c1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 5,
        "adjourn.request_id": "r-1",
        "adjourn.decision": "continue",
        "adjourn.node": "n",
        "server.address": "models.test",
        "server.port": 443,
        "http.response.status_code": 200,
    }
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == PARENT.split("-")[2]
    assert "secret" not in span.to_json()
    (sent,) = inner.requests
    told = [value for name, value in sent.headers if name.lower() == "traceparent"]
    assert told == [f"00-{PARENT.split('-')[1]}-{span.context.span_id:016x}-01"]


@pytest.mark.parametrize(
    ("reply", "read", "error"),
    [
        (ScriptedReply(refused=True), True, "UpstreamUnavailable"),
        (ScriptedReply(body=[SSE], cut_after=60), True, "cut"),
        (ScriptedReply(body=[SSE]), False, "cancelled"),
        (ScriptedReply(status=429, body=[b"{}"]), True, "429"),
    ],
)
async def test_what_fails_is_marked(reply: ScriptedReply, read: bool, error: str) -> None:
    span, _ = await ask(reply, read=read)
    assert span.attributes is not None
    assert span.attributes["error.type"] == error
    assert span.status.status_code is StatusCode.ERROR


def test_what_a_reply_tells_is_read_in_every_dialect() -> None:
    whole = {"id": "m1", "model": "x", "stop_reason": "end_turn", "usage": {"input_tokens": 0}}
    assert told_by(json.dumps(whole).encode()) == {
        "gen_ai.response.id": "m1",
        "gen_ai.response.model": "x",
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.usage.input_tokens": 0,
    }
    for odd in (b"", b"no json", b"data: 1\n", b'{"usage":[]}', b"\xff\xfe", b'{"choices":3}'):
        assert told_by(odd) == {}


def test_a_response_tells_whole_and_streamed() -> None:
    usage = {"input_tokens": 3, "output_tokens": 7}
    whole = {"id": "resp_1", "model": "m", "status": "completed", "usage": usage}
    told = told_by(json.dumps(whole).encode())
    assert told["gen_ai.response.finish_reasons"] == ["completed"]
    assert told["gen_ai.usage.output_tokens"] == 7
    last = {"type": "response.completed", "response": whole}
    assert told_by(b"event: x\ndata: " + json.dumps(last).encode() + b"\n\n") == told


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A collector on loopback: its address, and what it was sent."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_reach_the_collector_before_the_process_ends(
    collector: tuple[str, list[bytes]],
) -> None:
    url, got = collector
    tracer, stop = start_tracing(TelemetryConfig(otlp_endpoint=url, service_name="my-gateway"))
    tracer.start_span("chat m").end()
    asyncio.run(asyncio.to_thread(stop))
    assert b"my-gateway" in b"".join(got)


def test_without_a_collector_nothing_of_the_sdk_is_even_loaded(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, adjourn.wiring as w, adjourn.config as c\n"
        "config = c.Config(upstream=c.UpstreamConfig(base_url='http://127.0.0.1:9'),"
        " store=c.StoreConfig(path=sys.argv[1]))\n"
        "async def main():\n"
        "    async with w.running(config): pass\n"
        "asyncio.run(main())\n"
        "print([m for m in sys.modules if m.startswith('opentelemetry.sdk')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.sqlite3")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"
