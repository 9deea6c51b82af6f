"""Somebody may be in danger, and the model gives no answer: the gateway gives one.

Content filters answer messages about self-harm with an error of their own, so this is no rare case.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from adjourn.core.policy import Mode
from tests.core.tabletop import POLICY

from .anthropic_server import message_stream
from .conftest import Running
from .model_server import Answer, stream
from .responses_server import items_of, streamed

Run = Callable[..., Running]

WRITTEN = {"role": "user", "content": "crisis"}
DIALECTS: dict[str, tuple[str, dict[str, Any], Answer, bytes]] = {
    "chat": ("/v1/chat/completions", {"messages": [WRITTEN]}, stream("I am"), b"[DONE]"),
    "responses": ("/v1/responses", {"input": [WRITTEN]}, streamed(items_of("I am")), b"completed"),
    "messages": ("/v1/messages", {"messages": [WRITTEN]}, message_stream("I am"), b"message_stop"),
}
FAILURES = {
    "content filter": Answer(400, pieces=[b'{"error":{"code":"content_filter"}}']),
    "too many requests": Answer(429, {"retry-after": "7"}, [b"slow down"]),
    "error page": Answer(500, {"content-type": "text/html"}, [b"<html>"]),
    "nothing": Answer(ending="eof"),
    "rubbish": Answer(pieces=[b"<html>"]),
    "half a reply": Answer(pieces=[b'{"id":'], ending="reset"),
}
SUPPORT = POLICY.texts.support.partition("{")[0].strip()[:40]

dialects = pytest.mark.parametrize("dialect", DIALECTS)
both = pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])


@dialects
@both
@pytest.mark.parametrize("failure", FAILURES)
def test_crisis_support_is_given_though_the_model_fails(
    run: Run, dialect: str, streaming: bool, failure: str
) -> None:
    path, body, _, last = DIALECTS[dialect]
    running = run(script=lambda _: FAILURES[failure])
    reply = running.http().post(path, json={"model": "m", "stream": streaming, **body})
    assert (reply.status_code, reply.headers["x-adjourn-decision"]) == (200, "support")
    assert SUPPORT in reply.text
    assert '"resources":' in reply.text
    if streaming:
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert last in reply.content.splitlines()[-2]
    (entry,) = running.entries()
    assert (entry.decision, entry.resources_given, entry.delivered) == ("support", True, "support")


@dialects
@pytest.mark.parametrize("ending", ["eof", "reset"])
def test_crisis_support_follows_a_reply_that_is_cut(run: Run, dialect: str, ending: str) -> None:
    """What has reached the user stays, and the support comes behind it, as one regular reply."""
    path, body, whole, last = DIALECTS[dialect]
    begun = replace(whole, pieces=whole.pieces[: len(whole.pieces) // 2], ending=ending)
    running = run(script=lambda _: begun)
    reply = running.http().post(path, json={"model": "m", "stream": True, **body})
    assert reply.text.startswith(begun.pieces[0].decode().strip())
    assert SUPPORT in reply.text
    assert b'"error":{' not in reply.content
    assert last in reply.content.splitlines()[-2]


def test_where_no_words_may_be_added_the_error_has_the_help_lines(run: Run) -> None:
    running = run(script=lambda _: Answer(ending="eof"))
    body = {"model": "m", "messages": [WRITTEN], "response_format": {"type": "json_object"}}
    reply = running.http().post("/v1/chat/completions", json=body)
    assert reply.status_code == 502
    assert reply.json()["adjourn"]["resources"]


def test_in_shadow_mode_the_error_is_the_model_s(run: Run) -> None:
    failure = FAILURES["content filter"]
    running = run(script=lambda _: failure, policy=replace(POLICY, mode=Mode.SHADOW))
    body = {"model": "m", "messages": [WRITTEN]}
    reply = running.http().post("/v1/chat/completions", json=body)
    assert (reply.status_code, reply.content) == (400, failure.pieces[0])
