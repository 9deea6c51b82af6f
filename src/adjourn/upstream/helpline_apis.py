"""Directories of helplines behind an API, asked only if the operator configures one.

Lives here: the request, and turning what comes back into lines. What comes back is shown and
forgotten: it is not kept, and never becomes part of the shipped facts. Emergency numbers, unknown
countries and every failure are answered from facts held in memory, so a directory that is slow,
down or wrong costs its own lines and nothing else.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import aiohttp
import msgspec

from adjourn.core.helplines import (
    SHORT_CODE_DIGITS_MOST,
    DialKind,
    Grade,
    Hours,
    Line,
    Source,
    SourceKind,
    Text,
    faults_of,
)
from adjourn.core.resources import Resources, Support

KOKO_URL: Final = "https://helpline-api.koko.ai"
"""Server named in koko's OpenAPI document (api-evangelist/koko, version 0.0.1)."""

KOKO_TOPICS: Final = frozenset({"crisis", "suicide", "mental_health"})
"""Topics, among those koko's document gives as examples, that fit somebody in a crisis."""

DEADLINE_S: Final = 1.0
"""How long a person in a crisis waits for a better list before getting the one at hand."""

MOST_BYTES: Final = 1_000_000
"""A longer answer is not read on."""

MOST_LINES: Final = 6
"""More would bury the first; a chat shows a handful."""

_SEPARATORS: Final = str.maketrans(dict.fromkeys("-().", " "))


class KokoHelpline(msgspec.Struct, rename={"country_code": "countryCode"}):
    """The fields we read of one entry of ``/crisis_helplines``; all others are ignored."""

    country_code: str
    name: str
    modality: str
    topic: str
    identity: str
    phone: str = ""
    url: str = ""
    availability: str = ""


class KokoResources:
    """Lines from koko's directory, on top of facts in memory.

    koko knows countries by their English names, answers an unknown one with an empty list, and
    refuses callers whose origin is not on its list, so the operator names the origin it registered.
    """

    def __init__(
        self,
        facts: Resources,
        session: aiohttp.ClientSession,
        *,
        origin: str,
        url: str = KOKO_URL,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._facts = facts
        self._session = session
        self._origin = origin
        self._url = f"{url.rstrip('/')}/crisis_helplines"
        self._deadline_s = deadline_s

    async def support(self, country: str | None, at: date) -> Support:
        """Return support for a country on a day: koko's lines, or else those in memory."""
        at_hand = self._facts.for_country(country, at)
        if at_hand.country is None:
            return at_hand
        try:
            async with asyncio.timeout(self._deadline_s):
                entries = await self._entries(at_hand.name)
        except (aiohttp.ClientError, OSError, msgspec.DecodeError, ValueError):
            return at_hand
        lines = tuple(koko_lines(entries, at_hand.country, self._url, at))[:MOST_LINES]
        if not lines:
            return at_hand
        return replace(at_hand, lines=lines)

    async def _entries(self, name: str) -> list[KokoHelpline]:
        headers = {"Origin": self._origin, "Accept": "application/json"}
        async with self._session.get(
            self._url, params={"country": name}, headers=headers, allow_redirects=False
        ) as answer:
            if answer.status != 200:
                raise ValueError(answer.status)
            body = bytearray()
            async for data in answer.content.iter_any():
                body += data
                if len(body) > MOST_BYTES:
                    raise ValueError("too long")
        return msgspec.json.decode(body, type=list[KokoHelpline])

    async def aclose(self) -> None:
        """Free nothing: the session is its owner's."""


def koko_lines(entries: Iterable[KokoHelpline], country: str, url: str, at: date) -> Iterable[Line]:
    """Yield the lines for everybody in a crisis in one country; what is unclear is left out."""
    for number, entry in enumerate(entries):
        if entry.country_code != country or entry.identity != "general":
            continue
        if entry.topic not in KOKO_TOPICS:
            continue
        source = Source(url, SourceKind.LISTING, at, at)
        line = _koko_line(entry, f"{country.lower()}-koko-{number}", source)
        if not faults_of(line):
            yield line


def _koko_line(entry: KokoHelpline, id_: str, source: Source) -> Line:
    phone = " ".join(entry.phone.translate(_SEPARATORS).split())
    link = entry.url if entry.url.startswith(("https://", "http://")) else None
    calls = phone if entry.modality == "phone" else ""
    return Line(
        id=id_,
        name=entry.name,
        grade=Grade.B,
        expires_on=source.read_on + timedelta(days=1),
        sources=(source,),
        dial=calls,
        dial_kind=_kind(calls) if calls else None,
        text=(Text(phone),) if entry.modality == "text" and phone else (),
        chat_url=link if entry.modality == "chat" else None,
        url=link,
        hours=Hours(always=True) if entry.availability == "24/7" else None,
    )


def _kind(dial: str) -> DialKind:
    if dial.startswith("+"):
        return DialKind.INTERNATIONAL
    digits = sum(map(str.isdigit, dial))
    return DialKind.SHORT_CODE if digits <= SHORT_CODE_DIGITS_MOST else DialKind.NATIONAL
