"""Whole replies: read, finished with the gateway's words, or passed on as they are."""

import json
from typing import Any

import pytest
from hypothesis import given
from openai.types.chat import ChatCompletion

from adjourn.wire.openai_frames import error_body, new_template, write_reply
from adjourn.wire.openai_whole import finish_reply, read_reply
from tests.gateway.model_server import completion
from tests.odd import Odd, odds

TOOL = "end_conversation"


def body(text: str | None = "Hi.", *calls: tuple[str, str], n: int = 1) -> bytes:
    return completion(text, calls=calls, n=n).pieces[0]


def test_an_ordinary_reply() -> None:
    whole = read_reply(body("Hi.", n=2), TOOL)
    assert whole.reply is not None
    assert whole.reply.texts == ("Hi.", "Hi.")
    assert (whole.reply.end_calls, whole.reply.other_calls, whole.round) == (0, False, None)


@pytest.mark.parametrize(
    ("more", "may_call"),
    [
        ({}, False),
        ({"refusal": None, "tool_calls": None, "annotations": []}, False),
        ({"tool_calls": []}, True),
        ({"refusal": "No."}, True),
        ({"tool_calls": [{"id": "1", "function": {"name": TOOL, "arguments": "["}}]}, True),
    ],
)
def test_a_reply_that_is_text_and_nothing_else_has_no_call(
    more: dict[str, Any], may_call: bool
) -> None:
    message = {"role": "assistant", "content": "Hi.", **more}
    whole = read_reply(json.dumps({"choices": [{"message": message}]}).encode(), TOOL)
    assert whole.reply is not None
    assert whole.reply.texts == ("Hi." + (more.get("refusal") or ""),)
    assert whole.may_call is may_call


@pytest.mark.parametrize(
    ("calls", "ends", "others"),
    [
        ([(TOOL, "{}")], 1, False),
        ([(TOOL, "")], 1, False),
        ([(TOOL, "[")], 0, False),
        ([(TOOL, "{}"), (TOOL, "{}")], 0, False),
        ([(TOOL, "{}"), ("f", "{}")], 0, True),
        ([("f", "{}")], 0, True),
    ],
)
def test_calls(calls: list[tuple[str, str]], ends: int, others: bool) -> None:
    whole = read_reply(body(None, *calls), TOOL)
    assert whole.reply is not None
    assert (whole.reply.end_calls, whole.reply.other_calls) == (ends, others)
    assert (whole.round is not None) is bool(ends)


@pytest.mark.parametrize(
    "bad", [b"", b"<html>", b"[]", b"{}", b'{"choices":7}', b'{"choices":[]}', b'{"choices":[7]}',
            b'{"choices":[{"message":7}]}', b"\xff", b"[" * 99_999],
)  # fmt: skip
def test_what_cannot_be_read(bad: bytes) -> None:
    assert read_reply(bad, TOOL).reply is None


def test_old_function_calls_are_the_client_s() -> None:
    old = b'{"choices":[{"message":{"content":null,"function_call":{"name":"f"}}}]}'
    whole = read_reply(old, TOOL)
    assert whole.reply is not None
    assert whole.reply.other_calls


def test_nothing_added_is_the_same_bytes() -> None:
    for data in (body(), body(None, ("f", "{}"))):
        assert finish_reply(data, added="", extension=None, strip_tool=TOOL) is data
        assert finish_reply(data, added="", extension=None, strip_tool=None) is data


def finished(data: bytes, **options: Any) -> ChatCompletion:
    defaults: dict[str, Any] = {"added": "", "extension": None, "strip_tool": TOOL}
    return ChatCompletion.model_validate_json(finish_reply(data, **{**defaults, **options}))


def test_words_are_added() -> None:
    made = finished(body("Hi.", n=2), added="More.", extension={"decision": "warn"})
    assert [choice.message.content for choice in made.choices] == ["Hi.\n\nMore."] * 2
    assert (made.model_extra or {})["adjourn"] == {"decision": "warn"}
    assert (made.model_extra or {})["x_unknown"] == {"kept": 1.0}
    assert finished(body(None), added="More.").choices[0].message.content == "More."
    assert finished(body("Hi."), added="No.", instead=True).choices[0].message.content == "No."
    assert finished(body("B."), before=("A. ",)).choices[0].message.content == "A. B."


def test_the_end_tool_s_calls_are_taken_out() -> None:
    made = finished(body(None, (TOOL, "{}")), added="Words.").choices[0]
    assert made.message.tool_calls is None
    assert made.finish_reason == "stop"
    both = finished(body(None, (TOOL, "{}"), ("f", "{}"))).choices[0]
    assert [call.id for call in both.message.tool_calls or ()] == ["call_1"]
    assert both.message.content is None
    assert both.finish_reason == "tool_calls"


NAMES = ("choices", "message", "content", "tool_calls", "function", "name")


@given(odds(*NAMES))
def test_hostile_replies_never_raise(odd: Odd) -> None:
    one, calls = odd.value(5), odd.some(2, odd.value)
    read_reply(json.dumps(one).encode(), TOOL)
    message = {"content": one, "tool_calls": calls, "refusal": one}
    data = json.dumps({"choices": [{"message": message}]}).encode()
    assert read_reply(data, TOOL).reply is not None


def test_our_own_reply_is_read_by_the_sdk() -> None:
    data = write_reply(new_template("cd" * 32, "m", 7), "Bye.", {"decision": "end"})
    assert isinstance(data, bytes)
    made = ChatCompletion.model_validate_json(data)
    assert made.choices[0].message.content == "Bye."
    assert (made.model_extra or {})["adjourn"] == {"decision": "end"}


def test_errors_have_the_dialect_s_form() -> None:
    plain = json.loads(error_body("No.", type="t", code="c", param="p"))
    assert plain == {"error": {"message": "No.", "type": "t", "param": "p", "code": "c"}}
    assert json.loads(error_body("No.", type="t", code="c", extension={"a": 1}))["adjourn"] == {
        "a": 1
    }
