"""Letters that look like others, or like nothing."""

import json
import unicodedata
from collections.abc import Callable

import pytest

from tests.gateway.chatting import Conversation
from tests.gateway.conftest import Running

Run = Callable[..., Running]


@pytest.mark.parametrize(
    "role",
    [
        "u\u0455er", "user\u200b", "\ufeffuser", "\uff55\uff53\uff45\uff52", "USER", "user ",
        "us\u00ader", "assistant\u2060", "\u202eresu", "",
    ],
)  # fmt: skip
def test_roles_in_other_letters_are_refused(running: Running, role: str) -> None:
    body = {"model": "m", "messages": [{"role": role, "content": "hello"}]}
    reply = running.http().post("/v1/chat/completions", json=body)
    assert reply.status_code == 400
    assert not running.model.asked


def test_composed_and_decomposed_text_is_one_conversation(run: Run) -> None:
    """A lock holds however the same letters are encoded, and however they are spaced."""
    running = run()
    chat = Conversation(running.sdk())
    while chat.decision != "end":
        chat.say("you idiot, caf\u00e9")
    for form in ("NFD", "NFC"):
        again = [
            {**message, "content": f" {unicodedata.normalize(form, message['content'])}\n"}
            for message in chat.messages
        ]
        body = {"model": "m", "messages": [*again, {"role": "user", "content": "and?"}]}
        reply = running.http().post("/v1/chat/completions", json=body)
        assert reply.status_code == 403


@pytest.mark.parametrize("added", ["\u200b", "\u00ad", "\u2060", "\ufe0f", "."])
def test_a_tweaked_history_is_a_new_branch_that_keeps_no_warning(run: Run, added: str) -> None:
    """By design an edit is open (fault 25); what was delivered on the other branch is not on it."""
    running = run()
    chat = Conversation(running.sdk())
    while chat.decision != "end":
        chat.say("you idiot")
    first = {**chat.messages[0], "content": f"you idiot {added}"}
    chat.messages = [first, *chat.messages[1:-1]]
    chat.again()
    assert chat.decision == "redirect"


ODD = {"bidi": "\u202eevil", "zero": "a\0b", "long": "x" * 5000, "escape": "\x1b[31m"}


@pytest.mark.parametrize("odd", list(ODD.values()), ids=list(ODD))
def test_odd_names_stay_in_their_fields(running: Running, odd: str) -> None:
    body = {
        "model": odd,
        "user": odd,
        "metadata": {"conversation_id": odd},
        "messages": [{"role": "user", "name": odd, "content": "hello"}],
    }
    reply = running.http().post("/v1/chat/completions", content=json.dumps(body).encode())
    assert reply.status_code == 200
    assert odd not in str(reply.headers)
    assert running.model.asked[0].json["user"] == odd


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"\xed\xa0\x80"}]}',
        b'{"model":"m","messages":[{"role":"user","content":' + b"[" * 5000 + b"]" * 5000 + b"}]}",
        b'{"model":"m","messages":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}",
        b'{"model":"m","n":' + b"9" * 5000 + b',"messages":[{"role":"user","content":"hi"}]}',
        b'{"model":"m","temperature":NaN,"messages":[{"role":"user","content":"hi"}]}',
    ],
    ids=["lone surrogate", "encoded surrogate", "deep list", "deep object", "long number", "NaN"],
)
def test_hostile_json_is_an_error_of_the_client_s(running: Running, body: bytes) -> None:
    reply = running.http().post("/v1/chat/completions", content=body)
    assert reply.status_code in {200, 400}
    if reply.status_code == 400:
        assert reply.json()["error"]["type"] == "invalid_request_error"
        assert not running.model.asked
