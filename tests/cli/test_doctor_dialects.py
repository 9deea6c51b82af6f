"""``adjourn doctor`` asks the model's server which dialects it speaks; servers as they answer."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from adjourn.cli.asking import ask, tell
from adjourn.ports import UpstreamRequest
from adjourn.testing import PlayedReply, ScriptedReply, ScriptedUpstream

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
ALL = ("chat_completions", "responses", "messages")


def openai_error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()


def anthropic_error(kind: str, message: str) -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()


Server = Mapping[str, tuple[int, bytes]]
"""Status and body by path; what stands under the empty path is answered to all others."""
MISSING = (400, openai_error("messages: field required"))
FASTAPI: Server = {CHAT: MISSING, "": (404, b'{"detail":"Not Found"}')}
OLLAMA: Server = {CHAT: MISSING, RESPONSES: MISSING, "": (404, b"404 page not found")}
LLAMA_CPP: Server = {
    CHAT: (500, openai_error("'messages' is required")),
    "": (404, b'{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}'),
}
OPENAI: Server = {
    CHAT: MISSING,
    RESPONSES: MISSING,
    "": (404, openai_error("Invalid URL (POST %)")),
}
ANTHROPIC: Server = {
    MESSAGES: (400, anthropic_error("invalid_request_error", "max_tokens: Field required")),
    "": (404, anthropic_error("not_found_error", "Not Found")),
}
EVERYTHING: Server = {
    CHAT: MISSING,
    RESPONSES: (404, openai_error("The model '' does not exist")),
    MESSAGES: (400, anthropic_error("invalid_request_error", "model: Field required")),
    "": (404, b""),
}
WANTS_A_KEY: Server = {"": (401, openai_error("no key"))}
AGREES_TO_ALL: Server = {"": (200, b"{}")}
BUSY: Server = {CHAT: (503, b"busy"), "": (404, b"")}
NONE: Server = {"": (405, b"<html>")}


class Played(ScriptedUpstream):
    """A server that answers by path."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    async def send(self, request: UpstreamRequest) -> PlayedReply:
        assert request.body == b"{}", "nothing that could cost a token"
        status, body = self._server.get(request.path) or self._server[""]
        self._scripts = [ScriptedReply(status, body=[body.replace(b"%", request.path.encode())])]
        return await super().send(request)


def told(server: Server, configured: tuple[str, ...] = ALL) -> tuple[str, str]:
    return tell(asyncio.run(ask(Played(server), "key")), configured)


@pytest.mark.parametrize(
    ("server", "state", "says"),
    [
        (FASTAPI, "look", 'no responses and no messages: set upstream.dialects = ["chat_comp'),
        (LLAMA_CPP, "look", 'no responses and no messages: set upstream.dialects = ["chat_comp'),
        (OLLAMA, "look", 'no messages: set upstream.dialects = ["chat_completions", "responses"],'),
        (OPENAI, "look", 'no messages: set upstream.dialects = ["chat_completions", "responses"],'),
        (ANTHROPIC, "look", 'set upstream.dialects = ["messages"], so that clients are told'),
        (EVERYTHING, "ok", "answers chat_completions, responses, messages"),
        (WANTS_A_KEY, "look", "cannot be told: the server answers 401 and may want another key"),
        (AGREES_TO_ALL, "look", "cannot be told: the server answers 200 to any path"),
        (BUSY, "look", 'no responses and no messages: set upstream.dialects = ["chat_comp'),
        (NONE, "bad", "check upstream.base_url"),
    ],
)
def test_it_says_what_to_set(server: Server, state: str, says: str) -> None:
    found = told(server)
    assert found[0] == state, found
    assert says in found[1]


def test_what_is_set_is_compared() -> None:
    assert told(FASTAPI, ("chat_completions",))[0] == "ok"
    assert told(ANTHROPIC, ("messages", "responses")) == (
        "bad", "the model's server answers no responses, which upstream.dialects names",
    )  # fmt: skip
    assert told(OPENAI, ("responses",)) == (
        "look", "the model's server answers chat_completions, which upstream.dialects leaves out",
    )  # fmt: skip
    state, says = told(BUSY, ("chat_completions",))
    assert (state, says) == ("look", "chat_completions cannot be told: the server answers 503")


def test_keys_go_where_each_dialect_has_them() -> None:
    upstream = Played(NONE)
    asyncio.run(ask(upstream, "sesame"))
    assert len(upstream.requests) == 6
    for request in upstream.requests:
        headers = dict(request.headers)
        anthropic = headers.get("x-api-key") == "sesame" and "anthropic-version" in headers
        assert anthropic is not (headers.get("authorization") == "Bearer sesame")
        assert request.path != MESSAGES or anthropic
