"""Reading a whole reply, and adding the gateway's words to it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adjourn.core.turns import ModelReply
from adjourn.wire.dialect import WholeReply
from adjourn.wire.openai_calls import Call, the_one_end_call
from adjourn.wire.reading import json_of

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class _Said(msgspec.Struct, gc=False):
    content: str
    refusal: None = None
    tool_calls: None = None
    function_call: None = None


class _OneChoice(msgspec.Struct, gc=False):
    message: _Said


class _TextReply(msgspec.Struct, gc=False):
    """A reply of one choice that is text and nothing else, as nearly all are."""

    choices: tuple[_OneChoice]


_decode_text = msgspec.json.Decoder(_TextReply).decode


def read_reply(body: bytes, tool_name: str | None) -> WholeReply:
    """Read a whole reply.

    Args:
        body: The reply's body.
        tool_name: Name of the end tool, if its calls are to be recognised.
    """
    text = _only_text(body)
    if text is not None:
        return WholeReply(ModelReply((text,)), may_call=False)
    choices = _choices(body)
    if not choices:
        return WholeReply(None, "the model's server sent a reply that cannot be read")
    texts = tuple(_text(choice["message"]) for choice in choices)
    calls = _calls(choices[0]["message"])
    others = any(
        call.name != tool_name for choice in choices for call in _calls(choice["message"])
    ) or any(choice["message"].get("function_call") for choice in choices)
    finish = choices[0].get("finish_reason")
    call = tool_name and the_one_end_call(calls, tool_name, other_calls=others, finish=finish)
    stray = not call and any(one.name == tool_name for one in calls)
    reply = ModelReply(texts, 1 if call else 0, others, stray)
    return WholeReply(reply, "", call.round(texts[0]) if call else None)


def finish_reply(
    body: bytes,
    *,
    added: str,
    extension: Mapping[str, Any] | None,
    strip_tool: str | None,
    instead: bool = False,
    before: tuple[str, ...] = (),
) -> bytes:
    """Return a whole reply with the gateway's words in it; the same bytes if there are none.

    Args:
        body: The model's reply.
        added: Words after the model's own.
        extension: The ``adjourn`` field.
        strip_tool: Name of the end tool, whose calls the client does not see.
        instead: The added words replace the model's.
        before: Words of earlier rounds, which come first.
    """
    reply = _decode(body)
    stripped = [_strip(choice, strip_tool) for choice in reply["choices"] if strip_tool]
    if not (added or extension or instead or any(before) or any(stripped)):
        return body
    for choice in reply["choices"]:
        message = choice["message"]
        text = "" if instead else "".join(before) + (message.get("content") or "")
        if added:
            text = f"{text}\n\n{added}" if text else added
        if text or not message.get("tool_calls"):
            message["content"] = text
    return _encode({**reply, "adjourn": extension} if extension else reply)


def _strip(choice: dict[str, Any], tool: str | None) -> bool:
    message = choice["message"]
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return False
    kept = [call for call in calls if _as_call(call).name != tool]
    if len(kept) == len(calls):
        return False
    message["tool_calls"] = kept
    if not kept:
        del message["tool_calls"]
        choice["finish_reason"] = "stop"
    return True


def _only_text(body: bytes) -> str | None:
    """Return what a reply says that is nothing but text; None if it may be more."""
    try:
        (choice,) = _decode_text(body).choices
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return choice.message.content


def _choices(body: bytes) -> list[dict[str, Any]]:
    """Return the choices that have a message; none if the body is no chat completion."""
    reply = json_of(body)
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list):
        return []
    good = [c for c in choices if isinstance(c, dict) and isinstance(c.get("message"), dict)]
    return good if len(good) == len(choices) else []


def _text(message: dict[str, Any]) -> str:
    pieces = [message.get("content"), message.get("refusal")]
    return "".join(piece for piece in pieces if isinstance(piece, str))


def _calls(message: dict[str, Any]) -> list[Call]:
    calls = message.get("tool_calls")
    return [_as_call(call) for call in calls] if isinstance(calls, list) else []


def _as_call(call: Any) -> Call:
    made = Call()
    if isinstance(call, dict):
        made.add(call)
    return made
