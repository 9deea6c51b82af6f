"""koko's directory, as its document shows it: used when it answers well, ignored otherwise."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adjourn.core.resources import Support, as_json, render_text
from adjourn.runtime.helplines import ResourceProvider, shipped_resources
from adjourn.upstream.helpline_apis import MOST_BYTES, MOST_LINES, KokoResources

FACTS = shipped_resources()
AT = date(2026, 11, 23)
ORIGIN = "https://chat.example"


def entry(**given: Any) -> dict[str, Any]:
    """Return an entry of the shape in koko's document, with fields we do not read."""
    return {
        "country": "United States",
        "countryI18nKey": "en-US",
        "countryCode": "US",
        "name": "Some Line",
        "description": "Somebody to talk to",
        "url": "https://line.example",
        "displayURL": "line.example",
        "phone": "988",
        "displayNumber": "988",
        "availability": "24/7",
        "modality": "phone",
        "identity": "general",
        "topic": "suicide",
        "topicMenu": True,
        "hours": "24/7",
    } | given


@asynccontextmanager
async def koko(answer: Any, *, status: int = 200) -> AsyncIterator[ResourceProvider]:
    """Serve one answer as koko does: by English name, and to a registered origin only."""

    async def helplines(request: web.Request) -> web.Response:
        if request.headers.get("Origin") != ORIGIN:
            return web.Response(status=403, text="Forbidden")
        if answer == "slow":
            await asyncio.sleep(5)
        known = request.query["country"] == "United States"
        body = answer if isinstance(answer, bytes) else json.dumps(answer if known else []).encode()
        return web.Response(status=status, body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/crisis_helplines", helplines)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        provider = KokoResources(
            FACTS, session, origin=ORIGIN, url=str(server.make_url("/")), deadline_s=0.5
        )
        yield provider
        await provider.aclose()


async def asked(answer: Any, country: str | None = "us", **given: Any) -> Support:
    async with koko(answer, **given) as provider:
        return await provider.support(country, AT)


async def test_lines_of_the_directory_are_shown_under_our_emergency_number() -> None:
    support = await asked(
        [
            entry(phone="1-800-555-0100"),
            entry(name="By Text", modality="text", phone="741741", topic="crisis"),
            entry(name="By Chat", modality="chat", phone=""),
            entry(name="From Abroad", phone="+1 (800) 555.0100", availability="Mon-Fri"),
        ]
    )
    assert [number.dial for number in support.emergency] == ["911"]
    call, text, chat, abroad = support.lines
    assert (call.dial, call.dial_kind, call.e164) == ("1 800 555 0100", "national", None)
    assert ([t.to for t in text.text], text.dial, text.dial_kind) == (["741741"], "", None)
    assert chat.chat_url == "https://line.example"
    assert (abroad.dial, abroad.dial_kind) == ("+1 800 555 0100", "international")
    assert (abroad.hours, call.hours and call.hours.always) == (None, True)
    assert render_text(support).startswith("If anybody is in danger right now, call 911.")
    assert as_json(support, AT + timedelta(days=1))["lines"] == [], "kept for the day only"


@pytest.mark.parametrize(
    "unfit",
    [
        {"countryCode": "NZ"},
        {"identity": "veterans"},
        {"topic": "domestic_violence"},
        {"phone": "1-800-CALL-NOW"},
        {"phone": ""},
        {"modality": "email"},
        {"modality": "chat", "url": "javascript:alert(1)"},
    ],
)
async def test_entries_that_are_not_for_everybody_here_are_left_out(unfit: dict[str, Any]) -> None:
    support = await asked([entry(**unfit), entry(name="Fit")])
    assert [line.name for line in support.lines] == ["Fit"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ([], 200),
        ([entry(countryCode="NZ")], 200),
        ({"error": "Country required"}, 400),
        ([entry()], 500),
        (b"Forbidden", 200),
        (b'[{"name": "half an en', 200),
        ([{"name": "no other field"}], 200),
        (b"[" + b" " * MOST_BYTES + b"]", 200),
        ("slow", 200),
    ],
)
async def test_a_directory_that_fails_is_answered_from_the_shipped_facts(
    answer: Any, status: int
) -> None:
    assert await asked(answer, status=status) == FACTS.for_country("US", AT)


@pytest.mark.parametrize("country", [None, "", "ZZ", "not a country"])
async def test_an_unknown_country_is_not_even_asked_about(country: str | None) -> None:
    assert await asked([entry()], country) == FACTS.for_country(country, AT)


async def test_a_directory_that_cannot_be_reached_is_answered_from_the_shipped_facts() -> None:
    async with aiohttp.ClientSession() as session:
        provider = KokoResources(FACTS, session, origin=ORIGIN, url="http://127.0.0.1:1")
        assert await provider.support("GB", AT) == FACTS.for_country("GB", AT)


async def test_no_more_lines_than_a_chat_can_show() -> None:
    support = await asked([entry(name=f"Line {n}") for n in range(MOST_LINES + 5)])
    assert len(support.lines) == MOST_LINES


async def test_an_answer_that_comes_in_many_pieces_is_read_whole() -> None:
    support = await asked([entry(description="x" * 300_000), entry(name="Last", url="")])
    assert [(line.name, line.url) for line in support.lines][-1] == ("Last", None)
