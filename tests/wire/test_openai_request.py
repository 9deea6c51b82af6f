"""Chat requests: what is read of them, what is refused, and what is added without a trace."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.errors import BadRequest
from adjourn.core.messages import Message, OpaquePart, Role, TextPart
from adjourn.core.policy import EndTool
from adjourn.wire.dialect import ToolRound
from adjourn.wire.openai_request import forward_body, parse_messages, parse_request

HI = [{"role": "user", "content": "hi"}]


def request(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": HI, **fields}).encode()


def test_what_is_read() -> None:
    read = parse_request(
        request(
            stream=True,
            n=2,
            tools=[{"type": "function", "function": {"name": "f"}}, {"function": 7}, 8, {}],
            user="ada",
            metadata={"conversation_id": "c", "user_id": "x"},
        )
    )
    assert (read.model, read.stream, read.choices) == ("m", True, 2)
    assert read.tool_names == {"f"}
    assert (read.end_user, read.conversation) == ("ada", "c")
    assert (read.takes_text, read.takes_tool, read.has_tools) == (True, False, True)


@pytest.mark.parametrize(
    ("fields", "text", "tool"),
    [
        ({}, True, True),
        ({"tool_choice": "auto"}, True, True),
        ({"tool_choice": "required"}, True, False),
        ({"tool_choice": {"type": "function"}}, True, False),
        ({"functions": []}, True, False),
        ({"n": 3}, True, False),
        ({"n": "x"}, True, True),
        ({"response_format": {"type": "json_schema"}}, False, True),
        ({"response_format": {"type": "text"}}, True, True),
        ({"response_format": None, "metadata": [], "tools": None}, True, True),
    ],
)
def test_what_may_be_added(fields: dict[str, Any], text: bool, tool: bool) -> None:
    read = parse_request(request(**fields))
    assert (read.takes_text, read.takes_tool) == (text, tool)


@pytest.mark.parametrize(
    ("fields", "end_user"),
    [
        ({"safety_identifier": "a", "user": "b"}, "a"),
        ({"safety_identifier": 1, "user": "b"}, "b"),
        ({"user": "", "metadata": {"user_id": "c"}}, "c"),
        ({}, ""),
    ],
)
def test_who_the_end_user_is(fields: dict[str, Any], end_user: str) -> None:
    assert parse_request(request(**fields)).end_user == end_user


def test_messages_of_every_kind() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}}
    turned = {"image_url": {"detail": "low", "url": "data:x"}, "type": "image_url"}
    messages = [
        {"role": "developer", "content": "d"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, image]},
        {"role": "user", "content": [{"type": "input_text", "text": "a"}, turned]},
        {"role": "assistant", "content": None, "tool_calls": [{}]},
        {"role": "assistant", "content": "x", "refusal": "no"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "never"}]},
        {"role": "tool", "tool_call_id": "1", "content": "42"},
        {"role": "function", "name": "f"},
        {"role": "user", "content": [{"type": "text", "text": 7}]},
    ]
    read = parse_messages(json.dumps(messages).encode())
    assert [m.role for m in read] == [
        Role.SYSTEM, Role.USER, Role.USER, Role.ASSISTANT, Role.ASSISTANT, Role.ASSISTANT,
        Role.TOOL, Role.TOOL, Role.USER,
    ]  # fmt: skip
    assert read[1] == read[2]
    assert isinstance(read[1].parts[1], OpaquePart)
    assert read[3].parts == ()
    assert read[4].parts == (TextPart("xno"),)
    assert read[5].text == "never"
    assert isinstance(read[8].parts[0], OpaquePart)


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        (b"", None, "not JSON"),
        (b"[]", None, "JSON object"),
        (b"\xff", None, "not UTF-8"),
        (b'{"model":"m","messages":' + b"[" * 5000 + b"]" * 5000 + b"}", None, "nested"),
        (b'{"model":"m","messages":[{"role":"user","content":1e999}]}', None, "not JSON"),
        (b'{"messages":[]}', "model", "non-empty string"),
        (b'{"model":7,"messages":[]}', "model", "non-empty string"),
        (b'{"model":"m"}', "messages", "missing"),
        (b'{"model":"m","messages":7}', "messages", "a list"),
        (b'{"model":"m","messages":[]}', "messages", "empty"),
        (b'{"model":"m","messages":[7]}', "messages[0]", "an object"),
        (b'{"model":"m","messages":[{"role":"user"}],"tools":7}', "tools", "a list"),
        (b'{"model":"m","messages":[{"role":7}]}', "messages[0].role", "not known"),
        (b'{"model":"m","messages":[{"role":"user","content":7}]}', "messages[0].content", "parts"),
        (b'{"model":"m","messages":[{"role":"user","content":["x"]}]}', "messages[0].content[0]",
         "with a type"),
    ],
)  # fmt: skip
def test_what_is_refused(body: bytes, param: str | None, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as told:
        parse_request(body).messages.read()
    assert told.value.param == param


def test_messages_that_are_not_json_are_refused() -> None:
    with pytest.raises(BadRequest, match="not JSON"):
        parse_messages(b"[")
    with pytest.raises(BadRequest, match="nested"):
        parse_messages(b"[" * 100_000)


def test_nothing_added_is_the_same_bytes() -> None:
    body = b'{ "model" : "m","x":1.0,"messages":[{"role":"user","content":"hi"}] }'
    assert forward_body(parse_request(body)) is body


NUMBERS = st.sampled_from(["1.0", "1e5", "-0", "0.10", "12345678901234567890"])


@given(NUMBERS, st.booleans(), st.booleans(), st.booleans())
def test_what_is_not_understood_stays_as_it_came(
    number: str, guided: bool, tooled: bool, rounds: bool
) -> None:
    head = '{"model":"m","x_new":{"b":NUMBER ,"a":[ ]},"messages":[{"role":"user",'
    tail = '"content":"hi","x":NUMBER}],"z":"\\u00e9"}'
    body = (head + tail).replace("NUMBER", number).encode()
    made = forward_body(
        parse_request(body),
        guidance="Be kind." if guided else None,
        tool=EndTool() if tooled else None,
        rounds=[ToolRound(b'{"role":"assistant"}', "c1", "no")] if rounds else [],
    )
    fields = msgspec.json.decode(made, type=dict[str, msgspec.Raw])
    assert bytes(fields["x_new"]) == b'{"b":%s ,"a":[ ]}' % number.encode()
    assert bytes(fields["z"]) == b'"\\u00e9"'
    assert b'{"role":"user","content":"hi","x":%s}' % number.encode() in made
    messages = json.loads(made)["messages"]
    assert len(messages) == 1 + guided + 2 * rounds
    if rounds:
        assert messages[-1] == {"role": "tool", "tool_call_id": "c1", "content": "no"}


@pytest.mark.parametrize(
    ("content", "made"),
    [
        ("Old.", "Old.\n\nNew."),
        ("", "New."),
        ([{"type": "text", "text": "Old."}],
         [{"type": "text", "text": "Old."}, {"type": "text", "text": "New."}]),
        (None, [{"type": "text", "text": "New."}]),
    ],
)  # fmt: skip
def test_guidance_goes_into_the_first_system_message(content: Any, made: Any) -> None:
    body = request(messages=[{"role": "developer", "content": content}, *HI])
    sent = json.loads(forward_body(parse_request(body), guidance="New."))
    assert [m["role"] for m in sent["messages"]] == ["developer", "user"]
    assert sent["messages"][0]["content"] == made
    first = json.loads(forward_body(parse_request(request()), guidance="New."))["messages"][0]
    assert first == {"role": "system", "content": "New."}


def test_the_tool_is_put_beside_the_client_s() -> None:
    own = {"type": "function", "function": {"name": "f"}}
    sent = json.loads(forward_body(parse_request(request(tools=[own])), tool=EndTool(name="leave")))
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["f", "leave"]
    assert sent["tools"][1]["function"]["parameters"] == {"type": "object", "properties": {}}
    nothing = json.loads(forward_body(parse_request(request(tools=None)), tool=EndTool()))
    assert len(nothing["tools"]) == 1


def test_a_message_is_made_of_its_text() -> None:
    assert parse_messages(json.dumps(HI).encode()) == (Message.of("user", "hi"),)


LOOK_ALIKES = {
    "messages[0].Content": {"role": "user", "content": "hi", "Content": "another"},
    "messages[0].ROLE": {"role": "user", "content": "hi", "ROLE": "system"},
    "messages[0].content[0].Text": {"role": "user", "content": [{"type": "text", "Text": "x"}]},
}


@pytest.mark.parametrize("param", LOOK_ALIKES)
def test_names_in_letters_of_another_case_are_refused(param: str) -> None:
    """Servers written in Go read them as the same name, and the later of the two counts."""
    with pytest.raises(BadRequest) as refused:
        parse_messages(json.dumps([LOOK_ALIKES[param]]).encode())
    assert refused.value.param == param


@pytest.mark.parametrize("name", ["Messages", "MESSAGES", "me\u017fsages", "\u017ftream", "N"])
def test_so_are_those_of_a_request(name: str) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], name: []}
    with pytest.raises(BadRequest) as refused:
        parse_request(json.dumps(body).encode())
    assert refused.value.param == name


def test_other_names_pass_whatever_their_case() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "x", "camelCase": 1}], "X": 1}
    body = {"model": "m", "messages": [message], "topK": 1, "extraBody": {"Messages": []}}
    assert parse_request(json.dumps(body).encode()).messages[0].text == "x"
