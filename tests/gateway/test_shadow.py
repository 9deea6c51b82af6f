"""The law of shadow mode, over real sockets."""

from collections.abc import Callable
from dataclasses import replace

import httpx2
import pytest

from adjourn.core.policy import Mode
from tests.core.tabletop import POLICY

from .conftest import Running
from .model_server import Answer, Asked, chunk, completion, stream

SHADOW = replace(POLICY, mode=Mode.SHADOW)
SSE = {"content-type": "text/event-stream"}

ANSWERS = {
    "whole": completion("Fine."),
    "several choices": completion("Fine.", n=2),
    "whole with the end tool": completion(None, calls=[("end_conversation", "{}")]),
    "stream": stream("I will not."),
    "stream with the end tool": stream("", calls=[("end_conversation", "{}")]),
    "stream with CRLF": Answer(headers=SSE, pieces=[
        piece.replace(b"\n", b"\r\n") for piece in stream("Fine.").pieces
    ]),
    "stream that simply ends": Answer(headers=SSE, pieces=[chunk({"content": "He"})]),
    "stream with rubbish": Answer(headers=SSE, pieces=[chunk({"content": "H"}), b"data: {\n\nx"]),
    "stream with an error": Answer(headers=SSE, pieces=[b'data: {"error":{"message":"no"}}\n\n']),
    "rubbish": Answer(pieces=[b"<html>"]),
    "an error": Answer(429, {"content-type": "text/plain", "retry-after": "3"}, [b"slow down"]),
}  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_shadow_changes_nothing(run: Callable[..., Running], answer: Answer) -> None:
    """Every byte to and from the model is what it would be without adjourn."""
    running = run(policy=SHADOW, script=lambda _: answer)
    direct = httpx2.Client(base_url=f"http://127.0.0.1:{running.model.port}")
    running.clients.append(direct)
    body = b'{"model": "m", "messages": [{"role": "user", "content": "you idiot, crisis"}]}'
    for _ in range(6):
        replies = [
            client.post("/v1/chat/completions", content=body, headers={"x-mine": "1"})
            for client in (direct, running.http())
        ]
        asked_directly, asked = running.model.asked[-2:]
        assert asked.body == asked_directly.body
        assert replies[0].content == replies[1].content
        assert replies[0].status_code == replies[1].status_code
        assert seen(replies[0]) == seen(replies[1])


def seen(reply: httpx2.Response) -> dict[str, str]:
    """Headers, without those of the connection."""
    left_out = {"transfer-encoding", "content-length", "date", "server", "connection"}
    return {name: value for name, value in reply.headers.items() if name not in left_out}


@pytest.mark.parametrize("streaming", [False, True])
def test_a_broken_reply_stays_broken(run: Callable[..., Running], streaming: bool) -> None:
    def script(_: Asked) -> Answer:
        made = stream("Fine.") if streaming else completion("Fine.")
        return replace(made, pieces=[made.pieces[0][:40]], ending="reset")

    running = run(policy=SHADOW, script=script)
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
    with pytest.raises(httpx2.RemoteProtocolError):
        running.http().post("/v1/chat/completions", content=body)
