"""One chat request, in whatever dialect: the client's side and the model's.

Carries what the exchange commands to both connections. Frames that need no decision are passed
on as the bytes they came as; the last ones wait until the exchange has decided.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adjourn.core import turns as t
from adjourn.core.entries import EndRecord
from adjourn.core.errors import UpstreamUnavailable
from adjourn.core.policy import EndTool
from adjourn.core.tree import NodeId
from adjourn.gateway.bodies import are_events, begun, header_of, plain, say_events
from adjourn.gateway.ends import Ends
from adjourn.gateway.headers import to_client
from adjourn.gateway.toolless import Toolless
from adjourn.ports import UpstreamReply
from adjourn.wire.dialect import ChatRequest, Dialect, Frame, FrameKind, Reader, ToolRound

_NO_NODE: Final = "0" * 64
_LONGEST_REPLY: Final = 64 * 1024 * 1024
"""Bytes of a whole reply that are read into memory."""
_LONGEST_SENTENCE: Final = 400
"""Characters after which a piece is screened even without a full stop."""
_REJECTS_TOOLS: Final = frozenset({400, 404, 415, 422, 500, 501})
"""Statuses with which servers that know no tools answer a request that offers one."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where a person finds out more about an end; None where there is no such page."""

    statement: Callable[[NodeId], str] | None = None
    appeal: Callable[[NodeId], str] | None = None

    def for_end(self, end: EndRecord | None) -> dict[str, str]:
        """Return the extension's links for an end."""
        if end is None:
            return {}
        links = {"statement_url": self.statement, "appeal_url": self.appeal}
        return {name: link(end.node) for name, link in links.items() if link is not None}


class ChatDialogue:
    """The two connections of one chat request."""

    def __init__(
        self,
        dialect: Dialect,
        request: ChatRequest,
        ends: Ends,
        at_s: int,
        *,
        resources: Callable[[], Mapping[str, Any]],
        links: Links,
        toolless: Toolless,
    ) -> None:
        self._dialect = dialect
        self._request = request
        self._outlet = dialect.outlet(request, at_s)
        self._ends = ends
        self._client = ends.client
        self._resources = resources
        self._links = links
        self._at_s = at_s
        self._toolless = toolless
        self._rounds: list[ToolRound] = []
        self._before: tuple[str, ...] = ()
        self._reply: UpstreamReply | None = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._reader: Reader | None = None
        self._body = b""
        self._round: tuple[bytes, str] | None = None
        self._may_call = True
        """Whether the whole reply may have calls of tools in it."""
        self._last: tuple[Frame, ...] = ()
        self._waiting: list[Frame] = []
        self._heard = ""
        self._screened = 0
        self._wrote = False
        """Whether words of the model have reached the client."""
        self._reached: defaultdict[int, list[str]] = defaultdict(list)
        """Those words by choice, where the gateway must put its own behind them if they are cut."""
        self._error_passed = False
        self._flow = t.Flow.THROUGH
        self._head: list[tuple[str, str]] = []

    async def forward(self, command: t.Forward) -> t.Event:
        """Send the request to the model and read until the exchange must be asked."""
        self._command = command
        dropped = False
        if command.tool_result is not None and self._round is not None:
            message, call_id = self._round
            self._rounds.append(ToolRound(message, call_id, command.tool_result))
            if command.flow is t.Flow.HOLD:
                dropped = True
                self._waiting.clear()
        self._flow = command.flow
        await self._let_go()
        try:
            reply = await self._send(command)
        except UpstreamUnavailable as error:
            return self._failed(str(error))
        self._reply = reply
        if reply.status != 200:
            return await self._pass_on(reply)
        self._head = to_client(reply.headers, rewritten=True)
        try:
            first, self._chunks = await self._body_of(reply)
        except UpstreamUnavailable as error:
            return self._failed(str(error))
        if are_events(reply.headers, first, asked=self._request.stream):
            self._reader = self._outlet.reader(command.watch, dropped=dropped)
            if not self._waiting:
                self._heard, self._screened = "", 0
            return await self._read_stream()
        return await self._read_whole(self._chunks, command)

    async def release(self) -> t.Event:
        """Let the pieces that wait reach the client, and read on."""
        await self._flush()
        return await self._read_stream()

    async def close(self, command: t.Reply | t.Finish | t.Refuse | t.Fail | t.Leave) -> None:
        """Answer the client and let go of the model's connection."""
        try:
            match command:
                case t.Reply(text=text, outcome=outcome):
                    await self._answer(text, outcome)
                case t.Finish():
                    await self._finish(command)
                case t.Refuse():
                    await self._refuse(command)
                case t.Fail(why=why, outcome=outcome):
                    await self._fail(why, outcome)
                case t.Leave():
                    pass
        finally:
            await self._let_go()

    async def aclose(self) -> None:
        """Let go of the model's connection, whatever happened."""
        await self._let_go()

    # -- the model's side ---------------------------------------------------------------------

    async def _send(self, command: t.Forward) -> UpstreamReply:
        """Send the request; once more without the end tool if the server knows no tools."""
        model = self._request.model
        tool = command.tool if command.tool and self._toolless.may_offer(model) else None
        reply = await self._ends.ask(self._prepared(command, tool))
        if tool is not None and reply.status == 200:
            self._toolless.answered(model)
        if tool is None or self._request.has_tools or reply.status not in _REJECTS_TOOLS:
            return reply
        await reply.aclose()
        reply = await self._ends.ask(self._prepared(command, None))
        if reply.status == 200:
            self._toolless.refused(model)
        return reply

    def _prepared(self, command: t.Forward, tool: EndTool | None) -> bytes:
        return self._dialect.forward_body(
            self._request, guidance=command.guidance, tool=tool, rounds=self._rounds
        )

    async def _body_of(self, reply: UpstreamReply) -> tuple[bytes, AsyncIterator[bytes]]:
        """Return a reply's body without any encoding; and its beginning, where one must look."""
        chunks, encoding = reply.chunks(), header_of(reply.headers, "content-encoding")
        if encoding not in ("", "identity"):
            self._head = [pair for pair in self._head if pair[0].lower() != "content-encoding"]
            chunks = plain(chunks, encoding)
        if say_events(reply.headers) or not self._request.stream:
            return b"", chunks
        return await begun(chunks)

    async def _pass_on(self, reply: UpstreamReply) -> t.Event:
        """Hand an error of the model's server to the client as it is."""
        if self._client.started or self._rounds or self._command.must_answer:
            return self._failed(f"the model's server answered {reply.status}")
        try:
            body = b"".join([chunk async for chunk in reply.chunks()])
        except UpstreamUnavailable as error:
            return self._failed(str(error))
        await self._client.start(
            reply.status, self._told(to_client(reply.headers, rewritten=False))
        )
        await self._client.end(body)
        return t.PassedOn()

    async def _read_whole(self, chunks: AsyncIterator[bytes], command: t.Forward) -> t.Event:
        pieces: list[bytes] = []
        size = 0
        try:
            async for chunk in chunks:
                pieces.append(chunk)
                size += len(chunk)
                if size > _LONGEST_REPLY:
                    return self._failed("the model's reply is too large")
        except UpstreamUnavailable as error:
            return self._failed(str(error))
        self._body = b"".join(pieces)
        whole = self._dialect.read_reply(self._body, command.watch)
        if whole.reply is None:
            return self._failed(whole.cut)
        self._round, self._may_call = whole.round, whole.may_call
        if whole.round is not None and command.flow is not t.Flow.HOLD:
            self._before = (*self._before, *whole.reply.texts)
        return t.ReplyEnded(whole.reply)

    async def _read_stream(self) -> t.Event:
        reader, chunks = self._reader, self._chunks
        if reader is None or chunks is None:
            return self._failed("nothing is being read")
        try:
            async for chunk in chunks:
                await self._take(reader.feed(chunk))
                if reader.is_cut():
                    break
                if self._flow is t.Flow.SCREEN and self._sentence_waits():
                    self._screened = len(self._heard)
                    return t.SentenceReady(self._heard)
        except UpstreamUnavailable as error:
            if not reader.done:
                return self._failed(str(error))
        end = reader.end()
        if end.reply is None:
            return self._failed(end.cut)
        self._last, self._round = end.last, end.round
        return t.ReplyEnded(end.reply)

    async def _take(self, frames: Sequence[Frame]) -> None:
        """Let the frames that came at once through, or keep them until the exchange has decided."""
        passing: list[bytes] = []
        through = self._flow is t.Flow.THROUGH
        for frame in frames:
            if frame.kind is FrameKind.ERROR:
                self._error_passed = True
                passing.append(frame.raw)
            elif frame.kind is FrameKind.PASS:
                if through:
                    passing.append(self._passed(frame))
                else:
                    self._waiting.append(frame)
                    self._heard += "".join(text for _, text in frame.texts)
        if passing:
            await self._write(b"".join(passing))

    def _sentence_waits(self) -> bool:
        piece = self._heard[self._screened :]
        return len(piece) > _LONGEST_SENTENCE or piece.rstrip(" ").endswith((".", "!", "?", "\n"))

    def _failed(self, why: str) -> t.Event:
        return t.ReplyFailed(why, tuple("".join(said) for _, said in sorted(self._reached.items())))

    async def _let_go(self) -> None:
        if self._reply is not None:
            reply, self._reply = self._reply, None
            await reply.aclose()

    # -- the client's side --------------------------------------------------------------------

    def _passed(self, frame: Frame) -> bytes:
        """Return what the client gets of a frame, and take note that it does."""
        self._wrote = self._wrote or bool(frame.texts)
        self._outlet.wrote(frame)
        if self._command.must_answer:
            for choice, text in frame.texts:
                self._reached[choice].append(text)
        return frame.raw

    async def _write(self, raw: bytes) -> None:
        if not self._client.started:
            await self._client.start(200, self._told(self._head))
        await self._client.write(raw)

    async def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            await self._write(b"".join(map(self._passed, waiting)))

    async def _answer(self, text: str, outcome: t.Outcome) -> None:
        """Answer with the gateway's own words as the assistant's message."""
        seed, extension = outcome.node or _NO_NODE, self._extension(outcome)
        headers = self._telling(outcome.decision, outcome.node)
        if not self._request.stream:
            body = self._dialect.write_reply(self._request, text, seed, self._at_s, extension)
            await self._client.answer(200, body, headers)
            return
        if not self._client.started:
            await self._client.start(200, [*_STREAM_HEAD, *headers])
        words = f"\n\n{text}" if self._wrote else text
        await self._client.end(self._outlet.reply(words, seed, extension))

    async def _finish(self, command: t.Finish) -> None:
        """Let the model's reply end, with the gateway's words after it."""
        extension = self._extension(command.outcome)
        if self._reader is None:
            body = self._finished(command, extension)
            if body is self._body:
                length = ("content-length", str(len(body)))
                await self._client.start(200, [*self._told(self._head), length])
                await self._client.end(body)
            else:
                await self._client.answer(200, body, self._told(()))
            return
        if not command.instead:
            await self._flush()
        seed = command.outcome.node or _NO_NODE
        if command.added:
            words = f"\n\n{command.added}" if self._wrote else command.added
            await self._write(self._outlet.words(words, seed))
        ending = self._outlet.finish(seed, extension, () if command.instead else self._last)
        if not self._client.started:
            await self._client.start(200, self._told(self._head))
        await self._client.end(ending)

    def _finished(self, command: t.Finish, extension: Mapping[str, Any] | None) -> bytes:
        """Return a whole reply as the client gets it: the model's own bytes, if nothing changes."""
        before = self._before if self._rounds else ()
        strip_tool = self._command.watch if self._may_call else None
        if not (command.added or extension or command.instead or strip_tool or any(before)):
            return self._body
        return self._dialect.finish_reply(
            self._body,
            added=command.added,
            extension=extension,
            strip_tool=strip_tool,
            instead=command.instead,
            before=before,
        )

    async def _refuse(self, command: t.Refuse) -> None:
        body = self._dialect.error_body(
            command.text,
            type="permission_error",
            code="conversation_ended",
            extension=self._extension(command.outcome),
        )
        headers = [("x-should-retry", "false")]
        await self._client.answer(
            403, body, [*headers, *self._telling(command.outcome.decision, command.outcome.node)]
        )

    async def _fail(self, why: str, outcome: t.Outcome) -> None:
        if not self._client.started:
            body = self._dialect.error_body(
                why,
                type="api_error",
                code="upstream_unavailable",
                extension=self._extension(outcome),
            )
            await self._client.answer(502, body, self._telling(outcome.decision, outcome.node))
        elif self._error_passed:
            await self._client.end()
        else:
            frame = self._dialect.error_frame(why, code="upstream_cut", type="api_error")
            await self._client.end(frame)

    def _extension(self, outcome: t.Outcome) -> dict[str, Any] | None:
        """Return the ``adjourn`` field of a reply; None where adjourn has nothing to say."""
        if outcome.decision == "continue":
            return None
        extension: dict[str, Any] = {"decision": outcome.decision, "node": outcome.node}
        extension.update(self._links.for_end(outcome.end))
        if outcome.resources:
            extension["resources"] = self._resources()
        if outcome.resumes is not None:
            extension.update(outcome.resumes.as_fields())
        return extension

    def _told(self, headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        theirs = [pair for pair in headers if not pair[0].lower().startswith(_OURS)]
        return [*theirs, *self._telling(self._command.decision, self._command.node)]

    @staticmethod
    def _telling(decision: str, node: str | None) -> list[tuple[str, str]]:
        told = [("x-adjourn-decision", decision)]
        return [*told, ("x-adjourn-node", node)] if node else told


_OURS: Final = "x-adjourn-"
"""Only this gateway says what it decided, though the model's server may be another gateway."""
_STREAM_HEAD: Final = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache"),
)
