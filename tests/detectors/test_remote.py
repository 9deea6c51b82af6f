"""The shell around the forms, against a server on this machine that misbehaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from adjourn.core.assessments import Assessment, Unknown
from adjourn.core.hazards import Hazard
from adjourn.core.messages import Message
from adjourn.detectors.guards.categories import FLAGGED
from adjourn.detectors.guards.llama_guard import LlamaGuard
from adjourn.detectors.judge import Judge
from adjourn.detectors.remote import MOST_BYTES, Endpoint, RemoteDetector
from tests.detectors.replies import chat

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    app = web.Application(client_max_size=10_000_000)
    app.router.add_post("/v1/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}/v1/"
    finally:
        await runner.cleanup()


def guard(url: str, *, deadline_s: float = 20.0, most_at_once: int = 4) -> RemoteDetector:
    endpoint = Endpoint(url, api_key="k", deadline_s=deadline_s, most_at_once=most_at_once)
    return RemoteDetector("guard", LlamaGuard("m"), endpoint)


async def ask(detector: RemoteDetector, *texts: str) -> list[Assessment | Unknown]:
    try:
        return list(await detector.assess([[Message.of("user", text)] for text in texts]))
    finally:
        await detector.aclose()


def always(body: bytes = b"{}", status: int = 200) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status, content_type="application/json")

    return answer


async def test_questions_are_answered_in_order_and_the_key_is_sent() -> None:
    keys = set()

    async def answer(request: web.Request) -> web.Response:
        keys.add(request.headers["Authorization"])
        text = (await request.json())["messages"][-1]["content"]
        return web.Response(body=chat("unsafe\nS1" if "kill" in text else "safe"))

    async with serving(answer) as url:
        one, two, three = await ask(guard(url), "kill", "hello", "kill")
    assert isinstance(one, Assessment)
    assert one == three
    assert one.hazards[Hazard.VCR] == FLAGGED
    assert two == Assessment("guard", dict.fromkeys(one.hazards, 0.0))
    assert keys == {"Bearer k"}


async def test_blank_messages_are_not_asked_about() -> None:
    assert await ask(guard("http://127.0.0.1:9/v1"), " ") == [Assessment("guard")]


async def test_of_a_long_message_the_worst_window_counts() -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        text = (await request.json())["messages"][-1]["content"]
        asked.append(text)
        return web.Response(body=chat("unsafe\nS1" if "kill" in text else "safe"))

    async with serving(answer) as url:
        (found,) = await ask(guard(url), "la " * 4_000 + "kill" + " la" * 4_000)
    assert isinstance(found, Assessment)
    assert found.hazards[Hazard.VCR] == FLAGGED
    assert found.detector == "guard"
    assert len(asked) == 5


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (always(b"nonsense"), "not of the OpenAI shape"),
        (always(chat("whatever")), "neither safe nor unsafe"),
        (always(status=401), "another key"),
        (always(status=404), "no such model"),
        (always(status=400), "does not take the question"),
        (always(status=302), "answered 302"),
        (always(status=503), "busy or down"),
        (always(b" " * (MOST_BYTES + 1)), "too long"),
    ],
)
async def test_every_failure_is_unknown_and_told_in_one_line(answer: Answer, why: str) -> None:
    async with serving(answer) as url:
        (found,) = await ask(guard(url), "hello")
    assert isinstance(found, Unknown)
    assert why in found.why
    assert "\n" not in found.why


async def test_a_server_that_is_not_there() -> None:
    (found,) = await ask(guard("http://127.0.0.1:9/v1"), "hello")
    assert isinstance(found, Unknown)
    assert "could not be reached" in found.why


async def test_a_busy_server_is_asked_once_more() -> None:
    seen = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal seen
        seen += 1
        return web.Response(status=429) if seen == 1 else web.Response(body=chat("safe"))

    async with serving(answer) as url:
        (found,) = await ask(guard(url), "hello")
    assert isinstance(found, Assessment)
    assert seen == 2


async def test_a_slow_server_is_not_waited_for() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        raise AssertionError

    async with serving(answer) as url:
        (found,) = await ask(guard(url, deadline_s=0.05), "hello")
    assert found == Unknown("guard", "no answer within 0.05 seconds")


async def test_no_more_questions_at_once_than_allowed() -> None:
    now = most = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return web.Response(body=chat("safe"))

    async with serving(answer) as url:
        found = await ask(guard(url, most_at_once=3), *map(str, range(12)))
    assert all(isinstance(one, Assessment) for one in found)
    assert most == 3


async def test_one_failing_order_makes_the_judge_unknown() -> None:
    async def answer(request: web.Request) -> web.Response:
        properties = (await request.json())["response_format"]["json_schema"]["schema"][
            "properties"
        ]
        if next(iter(properties)) != "fence":
            return web.Response(status=500)
        said = {key: kind["enum"][0] for key, kind in properties.items()}
        backwards = list(properties)[1] != "vcr"
        return web.Response(body=b"?" if backwards else chat(json.dumps(said)))

    async with serving(answer) as url:
        detector = RemoteDetector("judge", Judge("m"), Endpoint(url, deadline_s=20.0))
        assert await ask(detector, "hello") == [
            Unknown("judge", "the answer is not of the OpenAI shape")
        ]
