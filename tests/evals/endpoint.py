"""An OpenAI-compatible endpoint that answers after a while, and remembers what it answered.

    python -m tests.evals.endpoint [--port 8099] [--delay-s 0.05]

By itself it is what the benchmark of docs/evals.md is run against.
"""

import argparse
import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web


class Endpoint:
    """Answers each request with a keyword, a refusal or neither, always the same."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self.answered: Counter[bytes] = Counter()
        """How often each body was answered."""
        self.open = asyncio.Event()
        """While it is not set, nothing is answered."""
        self.open.set()
        self.closes_after = 0
        """Answers after which ``open`` is cleared, once; 0: never."""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        await asyncio.sleep(self._delay_s)
        await self.open.wait()
        self.answered[hashlib.sha256(body).digest()] += 1
        if self.answered.total() == self.closes_after:
            self.open.clear()
        draw = hashlib.sha256(body).digest()[0]
        said = ("SWITCHCONVERSATION", "I'm sorry, but I can't help with that.", "Of course.")
        return web.json_response(
            {
                "id": "x", "object": "chat.completion", "created": 0, "model": "stub",
                "choices": [{"index": 0, "finish_reason": "stop", "message": {
                    "role": "assistant", "content": said[min(draw // 64, 2)]}}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        )  # fmt: skip

    @asynccontextmanager
    async def served(self, port: int = 0) -> AsyncIterator[str]:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/v1/chat/completions", self.answer)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        finally:
            await runner.cleanup()


async def until(there: Callable[[], bool], deadline_s: float = 120.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(deadline_s):
        while not there():  # noqa: ASYNC110 - it may be anything
            await asyncio.sleep(0.05)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--delay-s", type=float, default=0.05)
    given = parser.parse_args()
    endpoint = Endpoint(given.delay_s)
    async with endpoint.served(given.port) as url:
        print(url, flush=True)  # noqa: T201 - a program here
        try:
            await asyncio.Event().wait()
        finally:
            twice = sum(count - 1 for count in endpoint.answered.values())
            print(json.dumps({"answers": endpoint.answered.total(), "again": twice}))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
