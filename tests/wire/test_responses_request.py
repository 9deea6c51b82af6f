"""Requests of OpenAI Responses: what is read, what is refused, what is added."""

import json
from typing import Any

import pytest
from hypothesis import given

from adjourn.core.errors import BadRequest, HistoryNotSent
from adjourn.core.messages import Message, OpaquePart, Role
from adjourn.core.policy import EndTool
from adjourn.wire import openai_request
from adjourn.wire.dialect import ToolRound
from adjourn.wire.responses_request import forward_body, parse_request
from tests.gateway.responses_server import REASONING, items_of
from tests.odd import Odd, odds

TOOL = EndTool("end_conversation", "Ends it.")
HI = {"role": "user", "content": "hi"}
USER = Message.of(Role.USER, "hi")


def body_of(given: Any = "hi", **more: Any) -> bytes:
    return json.dumps({"model": "m", "input": given, **more}).encode()


def messages_of(given: Any, **more: Any) -> tuple[Message, ...]:
    return parse_request(body_of(given, **more)).messages.read()


def test_a_request_is_read() -> None:
    request = parse_request(
        body_of(
            stream=True,
            tools=[{"type": "function", "name": "weather"}, {"type": "web_search"}, 7],
            tool_choice="auto",
            safety_identifier="u",
            metadata={"conversation_id": "c"},
        )
    )
    assert (request.model, request.stream, request.choices) == ("m", True, 1)
    assert (request.takes_text, request.takes_tool, request.has_tools) == (True, True, True)
    assert request.tool_names == {"weather"}
    assert (request.end_user, request.conversation) == ("u", "c")
    assert request.messages.read() == (USER,)


@pytest.mark.parametrize(
    ("more", "takes"),
    [
        ({"text": {"format": {"type": "json_schema", "name": "x", "schema": {}}}}, (False, True)),
        ({"text": {"format": {"type": "json_object"}}}, (False, True)),
        ({"text": {"format": {"type": "text"}}}, (True, True)),
        ({"text": {"verbosity": "low"}}, (True, True)),
        ({"tool_choice": "required"}, (True, False)),
        ({"tool_choice": {"type": "function", "name": "weather"}}, (True, False)),
        ({"tool_choice": None, "tools": None, "text": None}, (True, True)),
    ],
)
def test_where_nothing_may_be_added(more: dict[str, Any], takes: tuple[bool, bool]) -> None:
    request = parse_request(body_of(**more))
    assert (request.takes_text, request.takes_tool) == takes


def test_instructions_are_the_first_message() -> None:
    system = Message.of(Role.SYSTEM, "Be kind.")
    assert messages_of("hi", instructions="Be kind.") == (system, USER)
    assert messages_of([{"role": "developer", "content": "Be kind."}, HI]) == (system, USER)
    assert messages_of("hi", instructions="") == messages_of("hi", instructions=None) == (USER,)


@pytest.mark.parametrize(
    "given",
    [
        [{"role": "user", "content": "hi"}],
        [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
    ],
)
def test_every_form_of_what_the_user_wrote_is_the_same(given: Any) -> None:
    assert messages_of(given) == messages_of("hi")


def test_a_reply_is_one_message_whether_its_items_or_its_text_come_back() -> None:
    first, call = items_of("Let me look.", [("weather", "{}")])
    second = {**first, "id": "msg_2", "content": [{"type": "output_text", "text": " Rain."}]}
    said = messages_of([HI, REASONING, first, REASONING, second, call])
    assert said == messages_of([HI, {"role": "assistant", "content": "Let me look. Rain."}])
    result = {"type": "function_call_output", "call_id": "call_0", "output": "Rain"}
    after = messages_of([HI, first, call, result, second])
    assert [message.role for message in after] == ["user", "assistant", "tool", "assistant"]
    refusal = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    assert messages_of([HI, refusal])[1] == Message.of(Role.ASSISTANT, "No.")
    assert messages_of([HI, {"role": "assistant", "content": []}])[1] == Message(Role.ASSISTANT, ())


def test_the_same_conversation_is_the_same_in_chat_completions() -> None:
    chat = [{"role": "system", "content": "Be kind."}, HI, {"role": "assistant", "content": "Yes?"}]
    body = json.dumps({"model": "m", "messages": [*chat, HI]}).encode()
    ours = messages_of([HI, *items_of("Yes?"), HI], instructions="Be kind.")
    assert ours == openai_request.parse_request(body).messages.read()


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("kill it", "kill it"),
        ([{"type": "input_text", "text": "kill it"}], "kill it"),
        (None, ""),
    ],
)
def test_results_of_tools_are_not_the_user_s_words(output: Any, text: str) -> None:
    for kind in ("function_call_output", "custom_tool_call_output"):
        made = messages_of([{"type": kind, "call_id": "c", "output": output}])[0]
        assert (made.role, made.text) == (Role.TOOL, text)


@pytest.mark.parametrize(
    "output",
    [
        {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"},
        [{"stdout": "x", "outcome": {"type": "exit", "exit_code": 0}}],
        [7],
        [],
        7,
    ],
)
def test_results_of_any_other_form_are_taken(output: Any) -> None:
    item = {"type": "shell_call_output", "call_id": "c", "output": output}
    (part,) = messages_of([item])[0].parts
    assert isinstance(part, OpaquePart)


def test_an_image_is_a_part_that_is_not_read() -> None:
    image = {"type": "input_image", "image_url": "https://example.org/a.png"}
    (message,) = messages_of([{"role": "user", "content": [image]}])
    assert isinstance(message.parts[0], OpaquePart)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"input": "hi"}', "model"),
        (b'{"model": "m"}', "input"),
        (body_of([]), "input"),
        (body_of({}), "input"),
        (body_of(["hi"]), "input[0]"),
        (body_of([{"content": "x"}]), "input[0]"),
        (body_of([{"type": 7}]), "input[0]"),
        (body_of([{"role": "tool", "content": "x"}]), "input[0].role"),
        (body_of([{"role": ["user"], "content": "x"}]), "input[0].role"),
        (body_of([{"type": "message", "content": "x"}]), "input[0].role"),
        (body_of([{"role": "user", "content": 7}]), "input[0].content"),
        (body_of([{"role": "user", "content": ["x"]}]), "input[0].content[0]"),
        (body_of(instructions=[HI]), "instructions"),
        (body_of(tools=7), "tools"),
    ],
)
def test_bad_requests_name_the_place(body: bytes, param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_request(body).messages.read()
    assert refused.value.param == param
    assert refused.value.hint()


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"background": True}, "background"),
        ({"given": [{"type": "item_reference", "id": "msg_1"}, HI]}, "input[0]"),
    ],
)
def test_what_is_kept_elsewhere_cannot_be_judged(more: dict[str, Any], param: str) -> None:
    with pytest.raises(HistoryNotSent) as refused:
        parse_request(body_of(**more)).messages.read()
    assert (refused.value.param, refused.value.code) == (param, "history_not_sent")
    assert refused.value.hint().startswith("Send ")


def test_fields_that_say_no_are_no_history() -> None:
    more = {"previous_response_id": None, "conversation": None, "background": False}
    assert messages_of("hi", **more) == (USER,)


def test_nothing_added_is_the_client_s_own_bytes() -> None:
    body = body_of(top_logprobs=5)
    assert forward_body(parse_request(body)) is body


@pytest.mark.parametrize("given", [None, "", "Be kind."])
def test_guidance_comes_after_the_instructions(given: str | None) -> None:
    request = parse_request(body_of(instructions=given, top_logprobs=5))
    sent = json.loads(forward_body(request, guidance="Redirect.", tool=TOOL))
    assert sent["instructions"] == (f"{given}\n\nRedirect." if given else "Redirect.")
    assert [tool["name"] for tool in sent["tools"]] == ["end_conversation"]
    assert sent["tools"][0]["parameters"] == {"type": "object", "properties": {}}
    assert (sent["top_logprobs"], sent["input"]) == (5, "hi")
    bare = json.loads(forward_body(parse_request(body_of()), guidance="Redirect."))
    assert (bare["instructions"], "tools" in bare) == ("Redirect.", False)


def test_the_tool_comes_after_the_client_s() -> None:
    mine = {"type": "web_search"}
    sent = json.loads(forward_body(parse_request(body_of(tools=[mine])), tool=TOOL))
    assert sent["tools"][0] == mine
    assert sent["tools"][1]["name"] == "end_conversation"


CALL = items_of("", [("end_conversation", "{}")])[0]
ROUND = ToolRound(json.dumps([REASONING, CALL]).encode(), "call_0", "Not ended.")
RESULT = {"type": "function_call_output", "call_id": "call_0", "output": "Not ended."}


@pytest.mark.parametrize("given", ["hi", [HI]])
@pytest.mark.parametrize("more", [{}, {"store": True}, {"store": None}])
def test_a_round_is_answered(given: Any, more: dict[str, Any]) -> None:
    sent = json.loads(forward_body(parse_request(body_of(given, **more)), rounds=[ROUND]))
    assert sent["input"] == [HI, REASONING, CALL, RESULT]


def test_where_nothing_is_stored_a_round_gives_back_no_ids() -> None:
    bare = {"type": "reasoning", "id": "rs_2", "summary": []}
    said = ToolRound(json.dumps([bare, REASONING, CALL]).encode(), "call_0", "Not ended.")
    sent = json.loads(forward_body(parse_request(body_of(store=False)), rounds=[said]))
    assert [item.get("type") for item in sent["input"]] == [
        None, "reasoning", "function_call", "function_call_output",
    ]  # fmt: skip
    assert sent["input"][1]["encrypted_content"]
    assert not any("id" in item for item in sent["input"])


NAMES = (
    "role", "content", "type", "text", "output", "name", "format", "user", "assistant", "message",
    "x_output", "output_text",
)  # fmt: skip
FIELDS = ("instructions", "tools", "tool_choice", "metadata", "text", "conversation", "user")


@given(odds(*NAMES))
def test_any_json_is_read_or_refused(odd: Odd) -> None:
    more = dict(odd.some(5, lambda: (odd.pick(FIELDS), odd.value(4))))
    kinds = ("message", "function_call", "function_call_output", "reasoning", "x_output")
    items = odd.some(4, lambda: {"role": "user", **odd.fields(3), "type": odd.pick(kinds)})
    given = items if odd.below(4) else odd.value(4)
    body = body_of(given, **more)
    try:
        request = parse_request(body)
        request.messages.read()
    except BadRequest:
        return
    assert forward_body(request) == body


@pytest.mark.parametrize("given", [{}, {"instructions": "Be kind."}])
def test_a_stored_prompt_needs_no_input(given: dict[str, Any]) -> None:
    read = parse_request(json.dumps({"model": "m", "prompt": {"id": "pmpt_1"}, **given}).encode())
    assert all(message.role is Role.SYSTEM for message in read.messages)


def test_names_in_letters_of_another_case_are_refused() -> None:
    for body in ({"Input": "x"}, {"input": [{"role": "user", "content": "x", "Content": "y"}]}):
        with pytest.raises(BadRequest):
            parse_request(json.dumps({"model": "m", "input": "x", **body}).encode()).messages.read()
