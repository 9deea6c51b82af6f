"""Requests of Anthropic Messages: what is read, what is refused, what is added."""

import json
from typing import Any

import pytest
from hypothesis import given

from adjourn.core.errors import BadRequest
from adjourn.core.messages import Message, OpaquePart, Role, TextPart
from adjourn.core.policy import EndTool
from adjourn.wire.anthropic_request import forward_body, parse_request
from adjourn.wire.dialect import ToolRound
from tests.odd import Odd, odds

TOOL = EndTool("end_conversation", "Ends it.")
HI = [{"role": "user", "content": "hi"}]


def body_of(messages: Any = HI, **more: Any) -> bytes:
    return json.dumps({"model": "m", "max_tokens": 9, "messages": messages, **more}).encode()


def messages_of(messages: Any, **more: Any) -> tuple[Message, ...]:
    return parse_request(body_of(messages, **more)).messages.read()


def test_a_request_is_read() -> None:
    request = parse_request(
        body_of(
            stream=True,
            tools=[{"name": "weather", "input_schema": {}}, {"type": "odd"}, 7],
            tool_choice={"type": "auto"},
            metadata={"user_id": "u", "conversation_id": "c"},
        )
    )
    assert (request.model, request.stream, request.choices) == ("m", True, 1)
    assert (request.takes_text, request.takes_tool, request.has_tools) == (True, True, True)
    assert request.tool_names == {"weather"}
    assert (request.end_user, request.conversation) == ("u", "c")
    assert request.messages.read() == (Message.of(Role.USER, "hi"),)


@pytest.mark.parametrize(
    ("more", "takes"),
    [
        ({"output_config": {"format": {"type": "json_schema"}}}, (False, True)),
        ({"output_format": {"type": "json_schema"}}, (False, True)),
        ({"output_config": {"effort": "high"}}, (True, True)),
        ({"tool_choice": {"type": "any"}}, (True, False)),
        ({"tool_choice": {"type": "none"}}, (True, False)),
        ({}, (True, True)),
    ],
)
def test_where_nothing_may_be_added(more: dict[str, Any], takes: tuple[bool, bool]) -> None:
    request = parse_request(body_of(**more))
    assert (request.takes_text, request.takes_tool) == takes


def test_a_system_prompt_is_the_first_message() -> None:
    system = Message.of(Role.SYSTEM, "Be kind.")
    assert messages_of(HI, system="Be kind.")[0] == system
    block = {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}
    assert messages_of(HI, system=[block])[0] == system
    assert messages_of(HI, system="") == messages_of(HI)


def test_results_of_tools_are_not_the_user_s_words() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": "kill it"}
    rich = {**result, "content": [{"type": "text", "text": "kill it"}]}
    text = {"type": "text", "text": "thanks"}
    tool, user = Message.of(Role.TOOL, "kill it"), Message.of(Role.USER, "thanks")
    assert messages_of([{"role": "user", "content": [result]}]) == (tool,)
    assert messages_of([{"role": "user", "content": [rich, text]}]) == (tool, user)
    empty = {"type": "tool_result", "tool_use_id": "t"}
    assert messages_of([{"role": "user", "content": [empty]}]) == (Message(Role.TOOL, ()),)
    assert messages_of([{"role": "user", "content": []}]) == (Message(Role.USER, ()),)
    assert messages_of([{"role": "user"}]) == (Message(Role.USER, ()),)


def test_what_an_assistant_said_is_one_text_whatever_surrounds_it() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "Let me "},
        {"type": "text", "text": "look."},
        {"type": "tool_use", "id": "t", "name": "weather", "input": {}},
    ]
    said = messages_of([*HI, {"role": "assistant", "content": blocks}])[1]
    assert said == messages_of([*HI, {"role": "assistant", "content": "Let me look."}])[1]
    silent = messages_of([*HI, {"role": "assistant", "content": blocks[-1:]}])[1]
    assert silent == Message(Role.ASSISTANT, ())


def test_an_image_is_the_same_with_and_without_a_cache_mark() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    marked = {**image, "cache_control": {"type": "ephemeral"}}
    (plain,) = messages_of([{"role": "user", "content": [image]}])
    assert messages_of([{"role": "user", "content": [marked]}]) == (plain,)
    assert isinstance(plain.parts[0], OpaquePart)
    odd = {"type": "text", "text": 7}
    assert isinstance(messages_of([{"role": "user", "content": [odd]}])[0].parts[0], OpaquePart)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"messages": [], "max_tokens": 1}', "model"),
        (b'{"model": "m"}', "messages"),
        (body_of("hi"), "messages"),
        (body_of([]), "messages"),
        (body_of(["hi"]), "messages[0]"),
        (body_of([{"role": "tool", "content": "x"}]), "messages[0].role"),
        (body_of([{"role": ["user"], "content": "x"}]), "messages[0].role"),
        (body_of([{"role": "user", "content": 7}]), "messages[0].content"),
        (body_of([{"role": "user", "content": ["x"]}]), "messages[0].content[0]"),
        (body_of(system=7), "system"),
        (body_of(tools=7), "tools"),
    ],
)
def test_bad_requests_name_the_place(body: bytes, param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_request(body).messages.read()
    assert refused.value.param == param
    assert refused.value.hint()


def test_nothing_added_is_the_client_s_own_bytes() -> None:
    body = body_of(top_k=5)
    assert forward_body(parse_request(body)) is body


@pytest.mark.parametrize("system", [None, "", "Be kind.", [{"type": "text", "text": "Be kind."}]])
def test_guidance_comes_after_the_system_prompt(system: Any) -> None:
    request = parse_request(body_of(system=system, top_k=5))
    sent = json.loads(forward_body(request, guidance="Redirect.", tool=TOOL))
    told = sent["system"]
    if isinstance(system, list):
        assert told == [*system, {"type": "text", "text": "Redirect."}]
    else:
        assert told == (f"{system}\n\nRedirect." if system else "Redirect.")
    assert sent["tools"][0]["name"] == "end_conversation"
    assert sent["tools"][0]["input_schema"] == {"type": "object", "properties": {}}
    assert sent["top_k"] == 5
    assert sent["messages"] == HI


def test_a_round_is_answered_and_its_tool_stays_defined() -> None:
    mine = {"name": "weather", "input_schema": {}}
    request = parse_request(body_of(tools=[mine]))
    call = {"type": "tool_use", "id": "t1", "name": "end_conversation", "input": {}}
    said = json.dumps({"role": "assistant", "content": [call]}).encode()
    rounds = [ToolRound(said, "t1", "Not ended.")]
    sent = json.loads(forward_body(request, rounds=rounds))
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "Not ended."}
    assert sent["messages"][1:] == [json.loads(said), {"role": "user", "content": [result]}]
    assert [tool["name"] for tool in sent["tools"]] == ["weather", "end_conversation"]
    offered = json.loads(forward_body(request, tool=TOOL))
    assert (offered["messages"], "system" in offered) == (HI, False)
    told = json.loads(forward_body(request, guidance="Redirect."))
    assert (told["system"], told["tools"], told["messages"]) == ("Redirect.", [mine], HI)
    again = json.loads(forward_body(request, tool=TOOL, rounds=rounds))
    assert again["tools"][1]["description"] == "Ends it."
    bare = json.loads(forward_body(parse_request(body_of(tools=None)), rounds=rounds))
    assert [tool["name"] for tool in bare["tools"]] == ["end_conversation"]


NAMES = ("role", "content", "type", "text", "tool_use_id", "user", "assistant", "tool_result")
FIELDS = ("system", "tools", "tool_choice", "metadata")


@given(odds(*NAMES))
def test_any_json_is_read_or_refused(odd: Odd) -> None:
    more = dict(odd.some(4, lambda: (odd.pick(FIELDS), odd.value(4))))
    roles = ("user", "assistant")
    messages = odd.some(
        4, lambda: {**odd.fields(2), "role": odd.pick(roles), "content": odd.value()}
    )
    messages = messages if odd.below(4) else odd.value(4)
    body = body_of(messages, **more)
    try:
        request = parse_request(body)
        request.messages.read()
    except BadRequest:
        return
    assert forward_body(request) == body


def test_text_parts_are_text() -> None:
    assert messages_of(HI)[0].parts == (TextPart("hi"),)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "x", "Content": "y"},
        {"role": "user", "content": [{"type": "text", "text": "x", "TEXT": "y"}]},
    ],
)
def test_names_in_letters_of_another_case_are_refused(message: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        parse_request(json.dumps({"model": "m", "messages": [message]}).encode()).messages.read()
