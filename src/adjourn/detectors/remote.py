"""A detector whose model runs on another machine: the one shell around all pure forms.

Lives here: HTTP, how many questions are under way, repeating one, deadlines. To ask for a
judgement changes nothing on the server, so a question may be asked again; it is, once, if the
connection was lost or the server says that it is busy. Every failure is ``Unknown``, and never
quotes what a server or a user wrote.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import aiohttp
import msgspec

from adjourn.core.assessments import Assessed, Assessment, Unknown, combine
from adjourn.core.messages import Message
from adjourn.detectors.forms import Ask, Form, Malformed
from adjourn.detectors.turns import Turn, readable

MOST_BYTES: Final = 1_000_000
"""A longer answer is not read on."""

_BUSY: Final = frozenset({429, 502, 503, 504})
_PAUSE_S: Final = 0.1
"""Before a question is repeated."""

_REASONS: Final = {
    400: "the server does not take the question (400): does it have this model, and log "
    "probabilities?",
    401: "the server wants another key (401)",
    403: "the server refuses the key (403)",
    404: "the server has no such model or path (404)",
    422: "the server does not take the question (422)",
}


class NoAnswer(Exception):
    """The server gave no usable reply; the message says why."""


class Endpoint:
    """A server with an OpenAI-compatible API.

    Args:
        base_url: As an OpenAI client would have it, for example ``https://host/v1``.
        api_key: Sent as a bearer token, if there is one.
        deadline_s: Seconds for one question, its repetition included, waiting for its turn not.
        most_at_once: Questions under way at the same time.
    """

    def __init__(
        self, base_url: str, *, api_key: str = "", deadline_s: float, most_at_once: int = 16
    ) -> None:
        self._base = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._deadline_s = deadline_s
        self._turns = asyncio.Semaphore(most_at_once)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, ask: Ask) -> bytes:
        """Send a question and return the reply's body; ``NoAnswer`` if there is none in time."""
        body = msgspec.json.encode(ask.body)
        async with self._turns:
            try:
                async with asyncio.timeout(self._deadline_s):
                    try:
                        return await self._post(ask.path, body)
                    except _Busy:
                        await asyncio.sleep(_PAUSE_S)
                        return await self._post(ask.path, body)
            except TimeoutError:
                raise NoAnswer(f"no answer within {self._deadline_s:g} seconds") from None
            except _Busy as busy:
                raise NoAnswer(str(busy)) from None

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, path: str, body: bytes) -> bytes:
        try:
            async with self._open().post(
                f"{self._base}/{path}", data=body, headers=self._headers, allow_redirects=False
            ) as reply:
                if reply.status in _BUSY:
                    raise _Busy(f"the server is busy or down ({reply.status})")
                if reply.status != 200:
                    why = _REASONS.get(reply.status, f"the server answered {reply.status}")
                    raise NoAnswer(why)
                return await _read(reply)
        except (aiohttp.ClientError, OSError) as error:
            raise _Busy(f"the server could not be reached ({type(error).__name__})") from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"Content-Type": "application/json", "Accept": "application/json"},
            )
        return self._session


class RemoteDetector:
    """Judges messages by a form and an endpoint.

    Args:
        name: As used in configuration, assessments and the ledger.
        form: How the model is asked and understood.
        endpoint: Where it is.
    """

    def __init__(self, name: str, form: Form, endpoint: Endpoint) -> None:
        self._name = name
        self._form = form
        self._endpoint = endpoint

    @property
    def name(self) -> str:
        """Name as used in configuration, assessments and the ledger."""
        return self._name

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        """Judge the last message of each conversation; one answer each, in order."""
        return await asyncio.gather(*map(self._judge, conversations))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._endpoint.aclose()

    async def _judge(self, conversation: Sequence[Message]) -> Assessed:
        """Judge a message by all its windows: the highest of each probability counts.

        Of ``confirms`` it is the lowest: a yes must not hang on one part of a message.
        """
        windows = readable(conversation)
        if not windows:
            return Assessment(self._name)
        judged = await asyncio.gather(*map(self._judge_window, windows))
        whole = combine(judged)
        known = [one for one in judged if isinstance(one, Assessment)]
        if isinstance(whole, Unknown) or len(known) == 1:
            return whole
        return replace(whole, confirms=min(one.confirms for one in known))

    async def _judge_window(self, turns: Sequence[Turn]) -> Assessed:
        try:
            asks = self._form.ask(turns)
            answers = await _all(self._endpoint.post(ask) for ask in asks)
            return self._form.hear(self._name, turns, answers)
        except (NoAnswer, Malformed) as error:
            return Unknown(self._name, str(error))


class _Busy(Exception):
    """The question may be repeated."""


async def _read(reply: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for data in reply.content.iter_any():
        body += data
        if len(body) > MOST_BYTES:
            raise NoAnswer("the answer is too long")
    return bytes(body)


async def _all(posts: Iterable[Coroutine[Any, Any, bytes]]) -> list[bytes]:
    """Return all answers; the first failure calls the other questions off and is raised."""
    tasks = [asyncio.ensure_future(post) for post in posts]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
