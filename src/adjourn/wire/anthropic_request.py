"""Requests in the dialect of Anthropic Messages: reading them, and adding to them.

What makes a conversation here is what makes it in every dialect: what the user wrote and what the
assistant said. Tool calls, thinking and cache marks come and go between requests and are not part
of it; results of tools are messages of their own, because they are not the user's words.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from adjourn.core.messages import Message, OpaquePart, Part, Role, TextPart
from adjourn.core.policy import EndTool
from adjourn.wire.dialect import ChatRequest, ToolRound
from adjourn.wire.openai_request import said
from adjourn.wire.reading import (
    decode,
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
}
_RESULT: Final = "_tool_result"
_encode = msgspec.json.Encoder().encode


def parse_request(body: bytes) -> ChatRequest:
    """Read a request's body.

    Raises:
        BadRequest: It is not JSON, or not a request for a message; one sentence says what to mend.
    """
    fields = fields_of(body)
    model = model_of(fields)
    if "messages" not in fields:
        refuse("messages", "is missing", "Send a list of messages.")
    known: dict[str, Any] = {
        name: decode(fields[name])
        for name in (
            "system", "stream", "tools", "tool_choice", "metadata", "output_config",
            "output_format",
        )
        if name in fields
    }  # fmt: skip
    tools = tools_of(known)
    return ChatRequest(
        body=body,
        fields=fields,
        model=model,
        messages=Transcript(
            "messages",
            _messages,
            items_of(fields["messages"], "messages"),
            lead=_system(known.get("system")),
        ),
        stream=known.get("stream") is True,
        takes_text=not _wants_json(known),
        takes_tool=_leaves_choice(known.get("tool_choice")),
        tool_names=names_of(tools),
        has_tools=bool(tools),
        end_user=text_of(known.get("metadata"), "user_id"),
        conversation=text_of(known.get("metadata"), "conversation_id"),
    )


def forward_body(
    request: ChatRequest,
    *,
    guidance: str | None = None,
    tool: EndTool | None = None,
    rounds: Sequence[ToolRound] = (),
) -> bytes:
    """Return the body to send to the model: the client's own bytes if nothing is added.

    Guidance goes behind the system prompt and the end tool behind the client's tools, so that what
    was cached of the prompt before them stays cached.
    """
    if guidance is None and not rounds:
        if tool is None:
            return request.body
        if "tools" not in request.fields:
            offered = _encode([_as_tool(tool.name, tool.description)])
            return with_field(request.body, "tools", offered)
    fields: dict[str, Any] = dict(request.fields)
    if guidance is not None:
        fields["system"] = _guided(fields.get("system"), guidance)
    if rounds:
        messages = msgspec.json.decode(fields["messages"], type=list[msgspec.Raw])
        fields["messages"] = [*messages, *(m for one in rounds for m in _round_messages(one))]
    if tool is not None:
        fields["tools"] = [*_raw_tools(fields), _as_tool(tool.name, tool.description)]
    elif rounds:  # calls in the history need their tool, although it is not to be called again
        name = str(_calls(rounds[-1].message)[-1]["name"])
        fields["tools"] = [*_raw_tools(fields), _as_tool(name, "Not available any more.")]
    return _encode(fields)


def _raw_tools(fields: Mapping[str, Any]) -> list[msgspec.Raw]:
    tools = fields.get("tools")
    return (msgspec.json.decode(tools, type=list[msgspec.Raw] | None) or []) if tools else []


def _guided(system: msgspec.Raw | None, guidance: str) -> Any:
    given = decode(system) if system is not None else None
    if isinstance(given, list):
        return [*given, {"type": "text", "text": guidance}]
    return f"{given}\n\n{guidance}" if given else guidance


def _as_tool(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {}}
    return {"name": name, "description": description, "input_schema": schema}


def _round_messages(one: ToolRound) -> tuple[msgspec.Raw, dict[str, Any]]:
    result = {"type": "tool_result", "tool_use_id": one.call_id, "content": one.result}
    return msgspec.Raw(one.message), {"role": "user", "content": [result]}


def _calls(message: bytes) -> list[dict[str, Any]]:
    content = msgspec.json.decode(message)["content"]
    return [block for block in content if block["type"] == "tool_use"]


def _system(system: Any) -> tuple[Message, ...]:
    if not system:
        return ()
    return (Message(Role.SYSTEM, tuple(_parts("system", system))),)


def _messages(items: Sequence[Any], first: int) -> Iterator[Message]:
    for index, item in enumerate(items, first):
        yield from _message(f"messages[{index}]", item)


def _message(param: str, message: Any) -> Iterator[Message]:
    """Yield a message: what tools gave back in it, then what the user wrote."""
    if not isinstance(message, dict):
        refuse(param, "must be an object", 'Send {"role": "user", "content": "..."}.')
    refuse_look_alikes(message, param)
    name = message.get("role")
    role = _ROLES.get(name) if isinstance(name, str) else None
    if role is None:
        refuse(f"{param}.role", "is not known", f"Use one of {', '.join(_ROLES)}.")
    parts = tuple(_parts(f"{param}.content", message.get("content")))
    if role is Role.ASSISTANT:
        yield Message(role, said(parts))
        return
    results = tuple(p for p in parts if isinstance(p, OpaquePart) and p.kind == _RESULT)
    written = tuple(p for p in parts if p not in results)
    for result in results:
        yield Message(Role.TOOL, _result_parts(param, result.data))
    if written or not results:
        yield Message(role, written)


def _result_parts(param: str, block: bytes) -> tuple[Part, ...]:
    content = decode(block).get("content")
    return tuple(_parts(f"{param}.content", content)) if content else ()


def _parts(param: str, content: Any) -> Iterator[Part]:
    if content is None:
        return
    if isinstance(content, str):
        yield TextPart(content)
        return
    if not isinstance(content, list):
        refuse(param, "must be a string or a list of blocks", "Send a string.")
    for number, block in enumerate(content):
        kind = block.get("type") if isinstance(block, dict) else None
        if not isinstance(kind, str):
            hint = 'Send {"type": "text", "text": "..."}.'
            refuse(f"{param}[{number}]", "must be an object with a type", hint)
        refuse_look_alikes(block, f"{param}[{number}]")
        if kind == "text" and isinstance(block.get("text"), str):
            yield TextPart(block["text"])
        elif kind == "tool_result":
            yield OpaquePart(_RESULT, _encode(block))
        else:
            marked = {key: value for key, value in block.items() if key != "cache_control"}
            yield OpaquePart(kind, fingerprint(marked))


def _wants_json(known: Mapping[str, Any]) -> bool:
    config = known.get("output_config")
    return bool(known.get("output_format") or (isinstance(config, dict) and config.get("format")))


def _leaves_choice(tool_choice: Any) -> bool:
    """Whether the model may choose among tools; the end tool is never forced or slipped in."""
    return tool_choice is None or text_of(tool_choice, "type") == "auto"
