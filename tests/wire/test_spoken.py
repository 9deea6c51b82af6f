"""Which dialect a path is of, what is told to whom speaks another, and whose errors are whose."""

import pytest

from adjourn.wire.spoken import (
    CHAT_COMPLETIONS,
    DIALECTS,
    MESSAGES,
    RESPONSES,
    Spoken,
    is_error_of,
    not_served,
    spoken_at,
)


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1/chat/completions", CHAT_COMPLETIONS),
        ("/V1/Responses/", RESPONSES),
        ("/v1/messages?beta=true", MESSAGES),
        ("/v1/messages/count_tokens", None),
        ("/v1/models", None),
    ],
)
def test_a_path_is_of_a_dialect(path: str, dialect: Spoken | None) -> None:
    assert spoken_at(path) is dialect


def test_it_is_told_what_to_change() -> None:
    one = not_served(MESSAGES, ["chat_completions"])
    assert "does not speak Anthropic Messages (/v1/messages)" in one
    assert "it speaks OpenAI Chat Completions." in one
    assert "client.chat.completions.create" in one
    assert "client.responses.create" not in one
    two = not_served(MESSAGES, ["responses", "chat_completions"])
    assert "it speaks OpenAI Chat Completions and OpenAI Responses." in two
    assert "; or POST /v1/responses (client.responses.create" in two
    assert "a base_url without /v1" in not_served(RESPONSES, ["messages"])


OPENAI = (CHAT_COMPLETIONS, RESPONSES)
ERRORS = {
    # api.openai.com, and llama.cpp with another code
    b'{"error": {"message": "Invalid URL", "type": "invalid_request_error", "code": null}}': OPENAI,
    # older vLLM, of a model it does not have
    b'{"object": "error", "message": "no such model", "code": 404}': OPENAI,
    b'{"object": "list", "message": "odd"}': (),
    # api.anthropic.com
    b'{"type": "error", "error": {"type": "not_found_error", "message": "model: x"}}': (MESSAGES,),
    b'{"detail": "Not Found"}': (),  # FastAPI
    b"404 page not found": (),  # Go, so Ollama
    b'{"error": "not found"}': (),
    b'{"error": {"message": 7}}': (),
    b"<html>nginx</html>": (),
    b"": (),
    b"\xff": (),
}


@pytest.mark.parametrize("body", ERRORS, ids=str)
def test_an_error_is_in_the_form_of_its_dialect(body: bytes) -> None:
    assert tuple(one for one in DIALECTS.values() if is_error_of(one, body)) == ERRORS[body]
