"""Requests in the dialect of OpenAI Chat Completions: reading them, and adding to them.

What adjourn does not understand is kept as the bytes it came as: top-level fields are never
re-encoded unless something is added to that very field.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from adjourn.core.messages import Message, OpaquePart, Part, Role, TextPart
from adjourn.core.policy import EndTool
from adjourn.wire.dialect import ChatRequest, ToolRound
from adjourn.wire.reading import (
    decode,
    end_user_of,
    fields_of,
    fingerprint,
    items_of,
    model_of,
    refuse,
    refuse_look_alikes,
    text_of,
    tools_of,
    with_field,
)
from adjourn.wire.transcript import Transcript

_ROLES: Final[Mapping[str, Role]] = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}
_TEXT_KINDS: Final = frozenset({"text", "input_text", "output_text"})
_encode = msgspec.json.Encoder().encode


def parse_request(body: bytes) -> ChatRequest:
    """Read a request's body.

    Raises:
        BadRequest: It is not JSON, or not a chat request; one sentence says what to mend.
    """
    fields = fields_of(body)
    model = model_of(fields)
    if "messages" not in fields:
        refuse("messages", "is missing", "Send a list of messages.")
    messages = transcript_of(fields["messages"])
    known: dict[str, Any] = {
        name: decode(fields[name])
        for name in (
            "stream", "n", "response_format", "tools", "tool_choice", "functions",
            "safety_identifier", "user", "metadata",
        )
        if name in fields
    }  # fmt: skip
    tools = tools_of(known)
    names = frozenset(_tool_names(tools))
    choices = known.get("n")
    choices = choices if isinstance(choices, int) and choices > 1 else 1
    return ChatRequest(
        body=body,
        fields=fields,
        model=model,
        messages=messages,
        stream=known.get("stream") is True,
        choices=choices,
        takes_text=not wants_json(known.get("response_format")),
        takes_tool=choices == 1
        and "functions" not in known
        and known.get("tool_choice") in (None, "auto"),
        tool_names=names,
        has_tools=bool(tools) or "functions" in known,
        end_user=end_user_of(known),
        conversation=text_of(known.get("metadata"), "conversation_id"),
    )


def parse_messages(raw: bytes | msgspec.Raw) -> tuple[Message, ...]:
    """Read a list of messages (JSON).

    Raises:
        BadRequest: It is not a list of messages.
    """
    return transcript_of(raw).read()


def transcript_of(raw: bytes | msgspec.Raw) -> Transcript:
    """Return a list of messages (JSON) to be read.

    A system prompt may change from request to request: it is not part of the history.

    Raises:
        BadRequest: It is no list, or empty.
    """
    items = items_of(raw, "messages")
    first = decode(items[0])
    name = first.get("role") if isinstance(first, dict) else None
    if name in ("system", "developer"):
        return Transcript("chat", _messages, items[1:], lead=(_message(0, first),), first=1)
    return Transcript("chat", _messages, items)


def forward_body(
    request: ChatRequest,
    *,
    guidance: str | None = None,
    tool: EndTool | None = None,
    rounds: Sequence[ToolRound] = (),
) -> bytes:
    """Return the body to send to the model: the client's own bytes if nothing is added.

    Guidance goes into the first system message, because many chat templates take no other.
    """
    if guidance is None and not rounds:
        if tool is None:
            return request.body
        if "tools" not in request.fields:
            return with_field(request.body, "tools", _encode([_as_function(tool)]))
    fields: dict[str, Any] = dict(request.fields)
    if guidance is not None or rounds:
        messages = msgspec.json.decode(request.fields["messages"], type=list[msgspec.Raw])
        added = [msgspec.Raw(piece) for one in rounds for piece in _round_messages(one)]
        if guidance is not None:
            messages = _guided(messages, guidance)
        fields["messages"] = [*messages, *added]
    if tool is not None:
        tools = fields.get("tools")
        decoded = msgspec.json.decode(tools, type=list[msgspec.Raw] | None) if tools else None
        fields["tools"] = [*(decoded or ()), _as_function(tool)]
    return _encode(fields)


def _guided(messages: list[msgspec.Raw], guidance: str) -> list[msgspec.Raw]:
    first = decode(messages[0])
    if first.get("role") in ("system", "developer"):
        content = first.get("content")
        if isinstance(content, str):
            first["content"] = f"{content}\n\n{guidance}" if content else guidance
        else:
            first["content"] = [*(content or ()), {"type": "text", "text": guidance}]
        return [msgspec.Raw(_encode(first)), *messages[1:]]
    return [msgspec.Raw(_encode({"role": "system", "content": guidance})), *messages]


def _round_messages(one: ToolRound) -> tuple[bytes, bytes]:
    answer = {"role": "tool", "tool_call_id": one.call_id, "content": one.result}
    return one.message, _encode(answer)


def _as_function(tool: EndTool) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": {"type": "object", "properties": {}},
        },
    }


def _messages(items: Sequence[Any], first: int) -> Iterator[Message]:
    for index, item in enumerate(items, first):
        yield _message(index, item)


def _message(index: int, message: Any) -> Message:
    param = f"messages[{index}]"
    if not isinstance(message, dict):
        refuse(param, "must be an object", 'Send {"role": "user", "content": "..."}.')
    refuse_look_alikes(message, param)
    name = message.get("role")
    role = _ROLES.get(name) if isinstance(name, str) else None
    if role is None:
        known = ", ".join(_ROLES)
        refuse(f"{param}.role", "is not known", f"Use one of {known}.")
    content = message.get("content")
    parts: tuple[Part, ...] = (
        (TextPart(content),) if isinstance(content, str) else tuple(parts_of(param, content))
    )
    if role is not Role.ASSISTANT:
        return Message(role, parts)
    refusal = message.get("refusal")
    if isinstance(refusal, str):
        parts = (*parts, TextPart(refusal))
    return Message(role, said(parts))


def said(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return what an assistant said as one text, however many parts it came in."""
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    return (TextPart(text),) if text else ()


def parts_of(param: str, content: Any) -> Iterator[Part]:
    """Yield the parts of a message's content: a string, or a list of text, images and the like.

    Raises:
        BadRequest: It is neither; ``param`` is what the client called it.
    """
    if content is None:
        return
    if isinstance(content, str):
        yield TextPart(content)
        return
    if not isinstance(content, list):
        refuse(f"{param}.content", "must be a string or a list of parts", "Send a string.")
    for number, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str):
            refuse(
                f"{param}.content[{number}]",
                "must be an object with a type",
                'Send {"type": "text", "text": "..."}.',
            )
        refuse_look_alikes(part, f"{param}.content[{number}]")
        text = part.get("refusal") if kind == "refusal" else part.get("text")
        if (kind in _TEXT_KINDS or kind == "refusal") and isinstance(text, str):
            yield TextPart(text)
        else:
            yield OpaquePart(kind, fingerprint(part))


def _tool_names(tools: Sequence[Any]) -> Iterator[str]:
    for tool in tools:
        function = tool.get("function") if isinstance(tool, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if isinstance(name, str):
            yield name


def wants_json(response_format: Any) -> bool:
    """Tell whether the reply must be JSON."""
    return isinstance(response_format, dict) and response_format.get("type") in (
        "json_object",
        "json_schema",
    )
