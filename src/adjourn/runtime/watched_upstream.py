"""A model's server that is watched for whether it speaks what it is asked in.

Nothing that passes is changed or held up. What is noticed is told in the log, once for a dialect.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Final

from adjourn.ports import Upstream, UpstreamReply, UpstreamRequest
from adjourn.wire.spoken import DIALECTS, Spoken, is_error_of, spoken_at

_log = logging.getLogger("adjourn.upstream")

NO_SUCH_PATH: Final = frozenset({404, 405, 501})
"""Statuses with which servers answer a request to a path they do not know."""
_LONGEST: Final = 64 * 1024
"""Bytes of an error that are looked at; a longer one is a page, not an error's form."""


def watched_for(upstream: Upstream, dialects: Sequence[str]) -> Upstream:
    """Return a model's server that is watched, unless somebody has said what it speaks.

    Args:
        upstream: The server.
        dialects: Names of what it speaks, as configured; all if nobody has said.
    """
    return upstream if len(dialects) < len(DIALECTS) else WatchedUpstream(upstream)


class WatchedUpstream:
    """A model's server that is watched."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._told: set[str] = set()

    async def send(self, request: UpstreamRequest) -> UpstreamReply:
        """See ``Upstream``."""
        reply = await self._upstream.send(request)
        if reply.status not in NO_SUCH_PATH or request.method != "POST":
            return reply
        dialect = spoken_at(request.path)
        if dialect is None or dialect.name in self._told:
            return reply
        return _Watched(reply, dialect, self._told)

    async def aclose(self) -> None:
        """See ``Upstream``."""
        await self._upstream.aclose()


class _Watched:
    """A reply that says that there is no such path, perhaps because the dialect is not spoken."""

    def __init__(self, reply: UpstreamReply, dialect: Spoken, told: set[str]) -> None:
        self._reply = reply
        self._dialect = dialect
        self._told = told
        self.status = reply.status
        self.headers = reply.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """See ``UpstreamReply``."""
        seen = b""
        async for chunk in self._reply.chunks():
            seen = (seen + chunk)[: _LONGEST + 1]
            yield chunk
        if not is_error_of(self._dialect, seen):
            self._tell()

    async def aclose(self) -> None:
        """See ``UpstreamReply``."""
        await self._reply.aclose()

    def _tell(self) -> None:
        if self._dialect.name in self._told:
            return
        self._told.add(self._dialect.name)
        _log.warning(
            "the model's server answers %d to %s with nothing that is an error of %s: it seems not"
            " to speak it. Set upstream.dialects to those it speaks (adjourn doctor asks it), and"
            " clients that speak another are told what to change",
            self.status,
            self._dialect.path,
            self._dialect.title,
        )
