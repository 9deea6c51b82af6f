"""One chat request in shadow mode: the client's bytes go to the model, the model's to the client.

Lives here: looking on. Every byte passes before anybody reads it, in the pieces it came in, and
what cannot be read passes like everything else.
"""

from typing import Final

from adjourn.core import turns as t
from adjourn.core.errors import UpstreamUnavailable
from adjourn.gateway.bodies import are_events
from adjourn.gateway.ends import Ends
from adjourn.gateway.headers import to_client
from adjourn.ports import UpstreamReply
from adjourn.wire.dialect import ChatRequest, Dialect, Reader

_MOST_READ: Final = 64 * 1024 * 1024
"""Bytes of a whole reply that are kept to be read."""


class ShadowDialogue:
    """The two connections of one chat request, of which nothing is changed."""

    def __init__(self, dialect: Dialect, request: ChatRequest, ends: Ends, at_s: int) -> None:
        self._dialect = dialect
        self._request = request
        self._ends = ends
        self._client = ends.client
        self._at_s = at_s
        self._reply: UpstreamReply | None = None
        self._lost = False
        """Whether the model's connection was lost: then the client's is, too."""

    async def forward(self, _: t.Forward) -> t.Event:
        """Send the request as it is, and read what passes."""
        try:
            reply = self._reply = await self._ends.ask(self._request.body)
        except UpstreamUnavailable as error:
            return t.ReplyFailed(str(error))
        await self._client.start(reply.status, to_client(reply.headers, rewritten=False))
        whole, reader, first = bytearray(), None, True
        try:
            async for chunk in reply.chunks():
                await self._client.write(chunk)
                if first and are_events(reply.headers, chunk, asked=self._request.stream):
                    reader = self._dialect.outlet(self._request, self._at_s).reader(None)
                first = False
                if reader is not None:
                    reader.feed(chunk)
                elif len(whole) <= _MOST_READ:
                    whole += chunk
        except UpstreamUnavailable as error:
            if reader is None or not reader.done:
                self._lost = True
                return t.ReplyFailed(str(error))
        if reply.status != 200:
            return t.PassedOn()
        return self._heard(bytes(whole), reader)

    def _heard(self, body: bytes, reader: Reader | None) -> t.Event:
        if reader is not None:
            end = reader.end()
            return t.ReplyFailed(end.cut) if end.reply is None else t.ReplyEnded(end.reply)
        if len(body) > _MOST_READ:
            return t.ReplyFailed("the model's reply is too large")
        read = self._dialect.read_reply(body, None)
        return t.ReplyFailed(read.cut) if read.reply is None else t.ReplyEnded(read.reply)

    async def release(self) -> t.Event:
        """Nothing ever waits."""
        raise AssertionError("nothing waits in shadow mode")

    async def close(self, command: t.Reply | t.Finish | t.Refuse | t.Fail | t.Leave) -> None:
        """End the reply, unless it was lost: then the connection is dropped."""
        if isinstance(command, t.Fail) and not self._client.started:
            body = self._dialect.error_body(
                command.why, type="api_error", code="upstream_unavailable"
            )
            await self._client.answer(502, body)
        elif not self._lost:
            await self._client.end()

    async def aclose(self) -> None:
        """Let go of the model's connection, whatever happened."""
        if self._reply is not None:
            reply, self._reply = self._reply, None
            await reply.aclose()
