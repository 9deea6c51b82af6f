"""Requests in the dialect of OpenAI Responses: reading them, and adding to them.

What makes a conversation is what the user wrote and what the assistant said, as in every dialect.
A reply may come in several messages with reasoning and calls between them: they are joined, so
that the assistant's turn is one node whether a client sends its items back or its text. Results
of tools are messages of their own. A history that stays at the model's server cannot be judged.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

import msgspec

from adjourn.core.errors import HistoryNotSent
from adjourn.core.messages import Message, OpaquePart, Part, Role
from adjourn.core.policy import EndTool
from adjourn.wire.dialect import ChatRequest, ToolRound
from adjourn.wire.openai_request import parts_of, said, wants_json
from adjourn.wire.reading import (
    decode,
    end_user_of,
    fields_of,
    fingerprint,
    items_of,
    model_of,
    names_of,
    refuse,
    refuse_look_alikes,
    text_of,
    tools_of,
    with_field,
)
from adjourn.wire.transcript import Transcript

_ROLES: Final[Mapping[str, Role]] = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
}
_ELSEWHERE: Final = ("previous_response_id", "conversation", "background")
"""Fields that keep part of the conversation at the model's server."""
_encode = msgspec.json.Encoder().encode


def parse_request(body: bytes) -> ChatRequest:
    """Read a request's body.

    Raises:
        BadRequest: It is not JSON, or not a request for a response; one sentence says what to mend.
        HistoryNotSent: Part of the conversation is kept at the model's server.
    """
    fields = fields_of(body)
    model = model_of(fields)
    known: dict[str, Any] = {
        name: decode(fields[name])
        for name in (
            "instructions", "stream", "tools", "tool_choice", "text", *_ELSEWHERE,
            "safety_identifier", "user", "metadata",
        )
        if name in fields
    }  # fmt: skip
    for name in _ELSEWHERE:
        if known.get(name):
            _refuse_unseen(name, "Send the whole conversation in input and leave the field out.")
    tools, text = tools_of(known), known.get("text")
    return ChatRequest(
        body=body,
        fields=fields,
        model=model,
        messages=_transcript(fields, _instructions(known.get("instructions"))),
        stream=known.get("stream") is True,
        takes_text=not (isinstance(text, dict) and wants_json(text.get("format"))),
        takes_tool=known.get("tool_choice") in (None, "auto"),
        tool_names=names_of(tools),
        has_tools=bool(tools),
        end_user=end_user_of(known),
        conversation=text_of(known.get("metadata"), "conversation_id"),
    )


def forward_body(
    request: ChatRequest,
    *,
    guidance: str | None = None,
    tool: EndTool | None = None,
    rounds: Sequence[ToolRound] = (),
) -> bytes:
    """Return the body to send to the model: the client's own bytes if nothing is added."""
    if guidance is None and not rounds:
        if tool is None:
            return request.body
        if "tools" not in request.fields:
            return with_field(request.body, "tools", _encode([_as_function(tool)]))
    fields: dict[str, Any] = dict(request.fields)
    if guidance is not None:
        given = decode(fields["instructions"]) if "instructions" in fields else None
        fields["instructions"] = f"{given}\n\n{guidance}" if given else guidance
    if rounds:
        given = decode(fields["input"])
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        stored = "store" not in fields or decode(fields["store"]) is not False
        added = [item for one in rounds for item in _round_items(one, stored=stored)]
        fields["input"] = [*items, *added]
    if tool is not None:
        tools = decode(fields["tools"]) if "tools" in fields else None
        fields["tools"] = [*(tools or ()), _as_function(tool)]
    return _encode(fields)


def _as_function(tool: EndTool) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    }


def _round_items(one: ToolRound, *, stored: bool) -> Iterator[dict[str, Any]]:
    """Yield a round's items as input.

    Ids lead to what the server has stored: where it stores nothing, they lead nowhere, and
    reasoning that is not in the item itself (encrypted) cannot be given back.
    """
    for item in msgspec.json.decode(one.message):
        if stored:
            yield item
        elif item.get("type") != "reasoning" or item.get("encrypted_content"):
            yield {key: value for key, value in item.items() if key != "id"}
    yield {"type": "function_call_output", "call_id": one.call_id, "output": one.result}


def _instructions(instructions: Any) -> tuple[Message, ...]:
    if instructions is not None and not isinstance(instructions, str):
        refuse("instructions", "must be a string", "Put other items into input.")
    return (Message.of(Role.SYSTEM, instructions),) if instructions else ()


def _transcript(fields: Mapping[str, msgspec.Raw], lead: tuple[Message, ...]) -> Transcript:
    given = fields.get("input")
    if given is None and "prompt" in fields:  # a stored prompt needs no more
        return Transcript("responses", _messages, lead=lead)
    kind = bytes(given or b"").lstrip()[:1]
    if given is not None and kind == b'"':
        lead = (*lead, Message.of(Role.USER, decode(given)))
        return Transcript("responses", _messages, lead=lead)
    if given is None or kind != b"[":
        hint = "Send what the user wrote, or a list of items."
        refuse("input", "must be a string or a list of items", hint)
    items = items_of(given, "input")
    return Transcript("responses", _messages, items, lead=lead, joins=True)


def _messages(items: Sequence[Any], first: int) -> Iterator[Message]:
    """Yield items as messages, those of one reply as one."""
    before: Message | None = None
    for index, item in enumerate(items, first):
        message = _message(f"input[{index}]", item)
        if message is None:
            continue
        if before is not None and message.role is before.role is Role.ASSISTANT:
            message = Message(Role.ASSISTANT, said((*before.parts, *message.parts)))
        elif before is not None:
            yield before
        before = message
    if before is not None:
        yield before


def _message(param: str, item: Any) -> Message | None:
    """Return an item as a message; None if it says nothing, such as reasoning or a call."""
    if not isinstance(item, dict):
        refuse(param, "must be an object", 'Send {"role": "user", "content": "..."}.')
    refuse_look_alikes(item, param)
    kind = item.get("type")
    if "role" in item or kind == "message":
        name = item.get("role")
        role = _ROLES.get(name) if isinstance(name, str) else None
        if role is None:
            refuse(f"{param}.role", "is not known", f"Use one of {', '.join(_ROLES)}.")
        parts = tuple(parts_of(param, item.get("content")))
        return Message(role, said(parts) if role is Role.ASSISTANT else parts)
    if not isinstance(kind, str):
        refuse(param, "must have a type or a role", 'Send {"role": "user", "content": "..."}.')
    if kind == "item_reference":
        _refuse_unseen(param, "Send the item itself.")
    if kind.endswith("_output"):
        return Message(Role.TOOL, tuple(_result(param, item.get("output"))))
    return None


def _result(param: str, output: Any) -> Iterator[Part]:
    """Return what a tool gave: text and images, or an object of the tool's own kind."""
    pieces = output if isinstance(output, list) else []
    if output is None or isinstance(output, str) or (pieces and all(map(_is_part, pieces))):
        return parts_of(param, output)
    return iter((OpaquePart("output", fingerprint(output)),))


def _is_part(piece: Any) -> bool:
    return isinstance(piece, dict) and isinstance(piece.get("type"), str)


def _refuse_unseen(param: str, hint: str) -> NoReturn:
    raise HistoryNotSent(
        f"{param} keeps part of the conversation at the model's server, where it cannot be judged.",
        hint=hint,
        param=param,
    )
