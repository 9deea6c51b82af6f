"""Servers for the gateway benchmark: a fast model server, the barest pass-through, adjourn.

``python benchmarks/gateway_parts.py PART PORT UPSTREAM_PORT [DATABASE]`` serves one part until it
is killed: ``model``, ``barest``, ``shadow``, ``enforcing`` (judged by a table), ``local`` (judged
by the built-in detector).
"""

import asyncio
import json
import sys
from dataclasses import replace
from typing import Any

import httptools
import uvicorn

REPLY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "word " * 100},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()
WHOLE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(REPLY)
) + REPLY
PACE_S = 0.01
"""Between two chunks of a paced stream."""


def _chunk(delta: dict[str, Any], finish: str | None) -> bytes:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    event = b"data: " + json.dumps(body).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(event), event)


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
STREAM = [_chunk({"content": f"word{i} "}, None) for i in range(50)]
STREAM_END = _chunk({}, "stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


class Model(asyncio.Protocol):
    """Answers at once: whole, or fifty chunks if the body asks for a stream; those of the model
    ``paced`` with a pause between them."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        body, self.body = self.body.replace(b'": ', b'":'), b""
        if b'"stream":true' not in body:
            self.transport.write(WHOLE)
            return
        self.transport.write(STREAM_HEAD)
        self._write(0, PACE_S if b'"paced"' in body else 0.0)

    def _write(self, number: int, pause_s: float) -> None:
        if self.transport.is_closing():
            return
        if number == len(STREAM):
            self.transport.write(STREAM_END)
            return
        self.transport.write(STREAM[number])
        loop = asyncio.get_running_loop()
        if pause_s:
            loop.call_later(pause_s, self._write, number + 1, pause_s)
        else:
            loop.call_soon(self._write, number + 1, pause_s)


async def model(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Model, "127.0.0.1", port)
    await server.serve_forever()


def barest(upstream_port: int) -> Any:
    """The least that passes a request through: plain ASGI and aiohttp."""
    import aiohttp

    session: aiohttp.ClientSession | None = None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal session
        if session is None:
            session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        url = f"http://127.0.0.1:{upstream_port}{scope['path']}"
        async with session.post(url, data=body) as reply:
            headers = [(b"content-type", reply.headers["content-type"].encode())]
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            async for piece in reply.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    return app


def adjourn(part: str, port: int, upstream_port: int, database: str) -> uvicorn.Server:
    """The gateway as ``adjourn serve`` runs it, on one process."""
    from adjourn.config import Config, UpstreamConfig
    from adjourn.core.assessments import Assessment
    from adjourn.core.policy import Mode
    from adjourn.gateway.serving import GatewayServer, ServerSettings, limits_of
    from adjourn.runtime.clock import SystemClock
    from adjourn.runtime.helplines import shipped_resources
    from adjourn.runtime.policies import load_policy
    from adjourn.store.memory import MemoryStore
    from adjourn.store.sqlite import SqliteStore
    from adjourn.testing import FixedDetector
    from adjourn.wiring import Parts, assemble, make_detector, make_upstream

    config = Config(upstream=UpstreamConfig(base_url=f"http://127.0.0.1:{upstream_port}/v1"))
    policy = load_policy("consumer-chat")[0]
    if part == "shadow":
        policy = replace(policy, mode=Mode.SHADOW)
    harmless = Assessment("table")
    table = FixedDetector(lambda _: harmless)
    judge = make_detector("local", config) if part == "local" else table
    store = SqliteStore.open(database) if database else MemoryStore()
    parts = Parts(policy, store, [judge], make_upstream(config), SystemClock(), shipped_resources())
    gateway = assemble(config, parts)
    settings = ServerSettings(gateway, limits_of(config), drain_s=1, port=port, lifespan="off")
    return GatewayServer(settings, gateway)


async def serve(part: str, port: int, upstream_port: int, database: str) -> None:
    if part == "model":
        await model(port)
    elif part == "barest":
        settings = uvicorn.Config(
            barest(upstream_port), port=port, lifespan="off", log_config=None, access_log=False,
            http="httptools",
        )  # fmt: skip
        await uvicorn.Server(settings).serve()
    else:
        await adjourn(part, port, upstream_port, database).serve()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        database = sys.argv[4] if len(sys.argv) > 4 else ""
        runner.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), database))
