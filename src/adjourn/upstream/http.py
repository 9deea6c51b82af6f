"""The model's server over HTTP, by aiohttp.

Sends what it is given and hands back what comes, in pieces as they arrive. It follows no
redirects, reads no proxy settings, keeps no cookies, and never repeats a request.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from adjourn.core.errors import UpstreamUnavailable
from adjourn.ports import UpstreamRequest

_CLIENT_PREFIX: Final = "/v1"
_STATUSES: Final = range(200, 600)
"""What ends a request; nothing above has a meaning, and a connection is never given over."""
_LARGE: Final = 512 * 1024
"""Bytes from which aiohttp asks for a file object."""

_ADDRESSES: Final = 256
"""Addresses that are kept parsed."""

_HOP_BY_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "host", "expect",
    }
)  # fmt: skip
"""Headers of one connection (RFC 9110 section 7.6.1), and those that the client library sets."""


class HttpReply:
    """A reply whose body is still flowing."""

    def __init__(self, response: aiohttp.ClientResponse, idle_timeout_s: float) -> None:
        self._response = response
        self._idle_timeout_s = idle_timeout_s
        self.status = response.status
        bodiless = response.status in {204, 304}
        named = {name.strip().lower() for name in response.headers.get("connection", "").split(",")}
        raw = ((name.decode("latin-1"), value) for name, value in response.raw_headers)
        self.headers: Sequence[tuple[str, str]] = [
            (name, value.decode("latin-1"))
            for name, value in raw
            if name.lower() not in _HOP_BY_HOP
            and name.lower() not in named
            and not (bodiless and name.lower() == "content-length")
        ]

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; raise ``UpstreamUnavailable`` if it is cut."""
        content = self._response.content
        try:
            while not content.at_eof():
                data = content.read_nowait()
                if not data:
                    async with asyncio.timeout(self._idle_timeout_s):
                        data = await content.readany()
                if data:
                    yield data
        except TimeoutError:
            raise UpstreamUnavailable(
                f"the model's server sent nothing for {self._idle_timeout_s:g} seconds"
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamUnavailable(
                f"the model's server cut its reply ({type(error).__name__})"
            ) from error

    async def aclose(self) -> None:
        """Let go; a body not read to its end closes the connection, which cancels it upstream."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class HttpUpstream:
    """One model server."""

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout_s: float,
        head_timeout_s: float,
        idle_timeout_s: float,
    ) -> None:
        parts = urlsplit(base_url)
        self._base = base_url.rstrip("/")
        self._keeps_prefix = parts.path in ("", "/")
        self._connect_timeout_s = connect_timeout_s
        self._head_timeout_s = head_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._address = lru_cache(_ADDRESSES)(lambda path: URL(self.url(path), encoded=True))

    def url(self, path: str) -> str:
        """Return the address for a client's path.

        ``/v1/x`` goes to ``BASE/x`` if the base URL has a path of its own (``https://host/v1``),
        to ``BASE/v1/x`` if it has none.
        """
        if not self._keeps_prefix:
            path = path.removeprefix(_CLIENT_PREFIX)
        return self._base + path

    async def send(self, request: UpstreamRequest) -> HttpReply:
        """Send a request and return once the reply's head is there."""
        try:
            async with asyncio.timeout(self._head_timeout_s):
                response = await self._open().request(
                    request.method,
                    self._address(request.path),
                    data=_as_data(request.body),
                    headers=request.headers,
                    allow_redirects=False,
                )
        except TimeoutError:
            raise UpstreamUnavailable(
                f"the model's server did not answer within {self._head_timeout_s:g} seconds"
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UpstreamUnavailable(
                f"the model's server could not be reached ({type(error).__name__})"
            ) from error
        if response.status not in _STATUSES:
            response.close()
            raise UpstreamUnavailable(f"the model's server answered with status {response.status}")
        return HttpReply(response, self._idle_timeout_s)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout_s),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        return self._session

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _as_data(body: bytes) -> bytes | io.BytesIO | None:
    """Return a body as aiohttp wants it: large ones as a file, so that they do not block."""
    return io.BytesIO(body) if len(body) > _LARGE else body or None
