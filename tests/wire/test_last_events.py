"""How streams end in the wild: without the last blank line, with comments, with mere CRs."""

from collections.abc import Callable, Sequence

import pytest

from adjourn.wire.anthropic_messages import Messages
from adjourn.wire.dialect import Dialect, Frame, FrameKind, StreamEnd
from adjourn.wire.openai_chat import ChatCompletions
from adjourn.wire.openai_responses import Responses
from tests.gateway import anthropic_server, model_server, responses_server

EXTENSION = {"decision": "redirect"}
CASES: dict[str, tuple[Dialect, bytes, Sequence[bytes]]] = {
    "chat": (
        ChatCompletions(),
        b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}',
        model_server.stream("One two.").pieces,
    ),
    "messages": (
        Messages(),
        b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}',
        anthropic_server.message_stream("One two.").pieces,
    ),
    "responses": (
        Responses(),
        b'{"model":"m","stream":true,"input":"x"}',
        responses_server.streamed(responses_server.items_of("One two.")).pieces,
    ),
}
cases = pytest.mark.parametrize("name", CASES)


def played(name: str, data: bytes, watch: str | None = "end") -> tuple[bytes, StreamEnd]:
    """Return what a client gets of a stream with an extension, and how it ended."""
    dialect, body, _ = CASES[name]
    outlet = dialect.outlet(dialect.parse_request(body), 1)
    reader = outlet.reader(watch)
    got = b""
    for frame in reader.feed(data):
        assert frame.kind is FrameKind.PASS
        outlet.wrote(frame)
        got += frame.raw
    end = reader.end()
    assert reader.feed(b"") == []
    if end.reply is not None:
        got += outlet.finish("0", EXTENSION, end.last)
    return got, end


ENDINGS: dict[str, Callable[[bytes], bytes]] = {
    "no blank line": lambda data: data.rstrip(b"\n") + b"\n",
    "no line end": lambda data: data.rstrip(b"\n"),
    "carriage returns": lambda data: data.replace(b"\n", b"\r"),
    "a comment behind": lambda data: data + b": done\n\n",
    "a comment half": lambda data: data + b": do",
}


@cases
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_reply_that_is_finished_is_whole(name: str, ending: str) -> None:
    data = ENDINGS[ending](b"".join(CASES[name][2]))
    got, end = played(name, data)
    assert end.reply is not None
    assert end.reply.texts == ("One two.",)
    assert got.count(b'"adjourn"') == 1


def test_the_finish_itself_may_lack_its_blank_line() -> None:
    data = b"".join(CASES["chat"][2][:-1]).rstrip(b"\n")
    got, end = played("chat", data)
    assert end.reply is not None
    assert b'"adjourn"' in got


@cases
def test_what_is_not_finished_is_cut(name: str) -> None:
    pieces = CASES[name][2]
    for data in (pieces[0].rstrip(b"\n"), pieces[0] + b"data: {", pieces[0] + b": x"):
        assert played(name, data)[1].reply is None


@cases
def test_comments_keep_their_place(name: str) -> None:
    pieces = CASES[name][2]
    mixed = b"".join(piece + b": %d\n\n" % at for at, piece in enumerate(pieces))
    dialect, body, _ = CASES[name]
    outlet = dialect.outlet(dialect.parse_request(body), 1)
    reader = outlet.reader(None)
    frames: list[Frame] = reader.feed(mixed)
    end = reader.end()
    assert b"".join(frame.raw for frame in (*frames, *end.last)) == mixed


@cases
def test_nothing_is_read_behind_an_error(name: str) -> None:
    dialect, body, pieces = CASES[name]
    reader = dialect.outlet(dialect.parse_request(body), 1).reader(None)
    reader.feed(pieces[0] + b"data: nonsense\n\n")
    assert reader.feed(pieces[1]) == []
    assert reader.end().reply is None
