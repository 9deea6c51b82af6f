"""A gateway asked in this process, without sockets."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adjourn.config import Config
from adjourn.core.policy import Policy
from adjourn.gateway.front import Front
from adjourn.ports import Clock, Detector, Store
from adjourn.runtime.helplines import shipped_resources
from adjourn.store.memory import MemoryStore
from adjourn.testing import FakeClock, FixedDetector, ScriptedReply, ScriptedUpstream
from adjourn.wiring import Parts, assemble
from tests.core.tabletop import POLICY, judge

_MESSAGE = {"role": "assistant", "content": "Fine."}
REPLY = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
    }
).encode()


def front(
    *,
    upstream: ScriptedUpstream | None = None,
    store: Store | None = None,
    clock: Clock | None = None,
    detector: Detector | None = None,
    policy: Policy = POLICY,
) -> Front:
    parts = Parts(
        policy,
        store or MemoryStore(),
        [detector or FixedDetector(judge)],
        upstream or ScriptedUpstream(ScriptedReply(body=[REPLY])),
        clock or FakeClock(),
        shipped_resources(),
    )
    return assemble(Config(), parts)


@dataclass
class Reply:
    status: int = 0
    body: bytes = b""

    @property
    def decision(self) -> str:
        return str(json.loads(self.body).get("adjourn", {}).get("decision", "continue"))

    @property
    def text(self) -> str:
        return str(json.loads(self.body)["choices"][0]["message"]["content"])


async def ask(gateway: Front, messages: Sequence[dict[str, Any]], **more: Any) -> Reply:
    """Send one chat request."""
    body = json.dumps({"model": "m", "messages": list(messages), **more}).encode()
    scope: dict[str, Any] = {
        "type": "http", "method": "POST", "path": "/v1/chat/completions",
        "raw_path": b"/v1/chat/completions", "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    reply, given = Reply(), False

    async def receive() -> dict[str, Any]:
        nonlocal given
        if given:
            import asyncio

            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
        else:
            reply.body += message.get("body", b"")

    await gateway(scope, receive, send)
    return reply
