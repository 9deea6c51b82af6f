"""What should be a text and is none, in the places that decide whether an end call counts."""

import json
from typing import Any

import pytest

from adjourn.wire.anthropic_messages import Messages
from adjourn.wire.dialect import Dialect
from adjourn.wire.openai_chat import ChatCompletions
from adjourn.wire.openai_responses import Responses
from tests.gateway import anthropic_server, model_server, responses_server

END = [("end_conversation", "{}")]
CHAT = json.loads(model_server.completion(None, calls=END).pieces[0])
MESSAGE = json.loads(anthropic_server.message("", calls=END).pieces[0])
RESPONSE = responses_server.response(responses_server.items_of("Hi.", END))
ODD = [{}, [], {"a": 1}, 7, True]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_odd_end_of_a_reply_makes_no_call_count(odd: Any) -> None:
    """Found by fuzzing: a reply whose finish reason was an object failed in the gateway."""
    chat = {**CHAT, "choices": [{**CHAT["choices"][0], "finish_reason": odd}]}
    replies: list[tuple[Dialect, Any]] = [
        (ChatCompletions(), chat),
        (Messages(), {**MESSAGE, "stop_reason": odd}),
        (Responses(), {**RESPONSE, "status": odd}),
    ]
    for dialect, body in replies:
        read = dialect.read_reply(json.dumps(body).encode(), "end_conversation")
        assert read.round is None


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_odd_types_in_responses_say_nothing(odd: Any) -> None:
    dialect = Responses()
    part = {"type": odd, "text": "Hi."}
    said = {**RESPONSE["output"][0], "content": [part]}
    whole = dialect.read_reply(json.dumps({**RESPONSE, "output": [said]}).encode(), None)
    assert whole.reply is not None
    assert whole.reply.texts == ("",)
    request = dialect.parse_request(b'{"model": "m", "input": "hi", "stream": true}')
    outlet = dialect.outlet(request, 7)
    pieces = responses_server.pieces_of(responses_server.items_of("Hi."))
    odd_event = b"data: " + json.dumps({"type": odd, "item": {"type": odd}}).encode() + b"\n\n"
    reader = outlet.reader("end_conversation")
    for frame in reader.feed(b"".join([*pieces[:4], odd_event, *pieces[4:]])):
        outlet.wrote(frame)
    reply = reader.end().reply
    assert reply is not None
    assert reply.texts == ("Hi.",)
