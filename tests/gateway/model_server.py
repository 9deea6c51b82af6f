"""A model server under the tests' control, down to the byte: real HTTP on loopback."""

import asyncio
import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)  # type: ignore[no-any-return]

    @property
    def tools(self) -> list[str]:
        return [tool["function"]["name"] for tool in self.json.get("tools", [])]

    @property
    def last_role(self) -> str:
        return str(self.json["messages"][-1]["role"])


@dataclass
class Answer:
    """What to answer: pieces of a body, and how it ends."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    pieces: Sequence[bytes] = ()
    pause_s: float = 0.0
    """Between two pieces."""
    length: int | None = None
    """Say this to be the body's length, instead of sending it in chunks."""
    ending: str = "regular"
    """``regular``; ``eof`` without a last chunk; ``reset``; ``hang`` until the client leaves."""


def completion(text: str | None, *, calls: Sequence[tuple[str, str]] = (), n: int = 1) -> Answer:
    """A whole chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": args}}
            for i, (name, args) in enumerate(calls)
        ]
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "model-1",
        "choices": [
            {"index": i, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
            for i in range(n)
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        "x_unknown": {"kept": 1.0},
    }
    return Answer(pieces=[json.dumps(body).encode()])


def stream(text: str, *, calls: Sequence[tuple[str, str]] = (), ending: str = "regular") -> Answer:
    """A streamed chat completion, one word a chunk."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in text.replace(" ", " \0").split("\0") if word]
    for index, (name, args) in enumerate(calls):
        head = {"index": index, "id": f"call_{index}", "type": "function"}
        deltas.append({"tool_calls": [{**head, "function": {"name": name, "arguments": ""}}]})
        for piece in args:
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    pieces = [chunk(delta) for delta in deltas]
    pieces += [chunk({}, "tool_calls" if calls else "stop"), b"data: [DONE]\n\n"]
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    return Answer(headers=headers, pieces=pieces, ending=ending)


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """One server-sent event of a chat completion."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "model-1",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def says(text: str, *, calls: Sequence[tuple[str, str]] = ()) -> "Script":
    """A model that always says this, streamed if the request asks for it."""
    return lambda asked: (
        stream(text, calls=calls) if asked.json.get("stream") else completion(text, calls=calls)
    )


Script = Callable[[Asked], Answer]


class ModelServer:
    """Answers by a script; remembers what it was asked and whose connections were dropped."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.dropped = 0
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (asked := await _read_request(reader)) is not None:
                self.asked.append(asked)
                goes_on = await self._answer(self.script(asked), reader, writer)
                if not goes_on or asked.headers.get("connection") == "close":
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.dropped += 1
        finally:
            writer.close()

    async def _answer(
        self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        chunked = answer.length is None
        framing = "transfer-encoding: chunked" if chunked else f"content-length: {answer.length}"
        head = f"HTTP/1.1 {answer.status} X\r\n{framing}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        if answer.ending == "hang" and not answer.pieces:
            await self._hang(reader)
            return False
        writer.write(head.encode("utf-8", "surrogateescape") + b"\r\n")
        for piece in answer.pieces:
            if piece:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                await writer.drain()
                await asyncio.sleep(answer.pause_s)
        if answer.ending == "regular":
            writer.write(b"0\r\n\r\n" if chunked else b"")
            await writer.drain()
            return True
        if answer.ending == "hang":
            await self._hang(reader)
        if answer.ending == "reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        return False

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        await reader.read(1)
        self.dropped += 1


async def _read_request(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body)
