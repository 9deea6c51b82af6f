"""Building replies in the dialect of OpenAI Chat Completions: frames, whole replies, errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from adjourn.wire.dialect import Frame
from adjourn.wire.sse import SseDecoder

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

_MOST_CHOICES: Final = 128
"""More of them is nobody given; a client may ask for any number."""
DONE: Final = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Template:
    """What all chunks of one reply have in common: id, created, model and the like."""

    fields: Mapping[str, Any]

    def chunk(self, choices: Sequence[Mapping[str, Any]], **extra: Any) -> bytes:
        """Return a frame with these choices."""
        body = {**self.fields, "object": "chat.completion.chunk", "choices": choices, **extra}
        return as_event(body)


def as_event(body: Any) -> bytes:
    """Return a JSON value as one server-sent event."""
    return b"data: " + _encode(body) + b"\n\n"


def new_template(seed: str, model: str, created: int) -> Template:
    """Return the template of a reply of the gateway's own.

    Args:
        seed: Id of the node that is answered.
        model: The model's name as the client gave it.
        created: Seconds since the Unix epoch.
    """
    return Template({"id": f"chatcmpl-adjourn-{seed[:24]}", "created": created, "model": model})


def own_choices(asked: int) -> int:
    """Return how many choices a reply of the gateway's own has: as many as were asked for."""
    return min(asked, _MOST_CHOICES)


def text_frame(template: Template, text: str, choice: int = 0) -> bytes:
    """Return a frame that adds text to a choice."""
    return template.chunk([{"index": choice, "delta": {"content": text}, "finish_reason": None}])


def finish_frames(
    template: Template,
    extension: Mapping[str, Any] | None,
    last: Sequence[Frame] = (),
    *,
    choices: int = 1,
) -> list[bytes]:
    """Return the frames that end a reply.

    Args:
        template: The reply's template.
        extension: The ``adjourn`` field; it goes on the chunk that has the finish reason.
        last: The model's own last frames; without any, regular ones are made.
        choices: How many choices to finish, if they are made.
    """
    if not last:
        ends = [{"index": i, "delta": {}, "finish_reason": "stop"} for i in range(choices)]
        extra = {"adjourn": extension} if extension else {}
        return [template.chunk(ends, **extra), DONE]
    return [_extended(frame.raw, extension) for frame in last]


def _extended(raw: bytes, extension: Mapping[str, Any] | None) -> bytes:
    if extension is None:
        return raw
    ended = raw + b"\n\n"  # the last event of a stream may lack it
    data = next((event.data or b"" for event in SseDecoder().feed(ended)), b"").strip()
    if not data.startswith(b"{"):
        return raw
    chunk = _decode(data)
    choices = chunk.get("choices")
    finishes = any(
        isinstance(choice, dict) and choice.get("finish_reason")
        for choice in (choices if isinstance(choices, list) else ())
    )
    return as_event({**chunk, "adjourn": extension}) if finishes else raw


def error_frame(message: str, *, code: str, type: str) -> bytes:  # noqa: A002 - the dialect's word
    """Return the frame that ends a stream with an error; nothing may follow it."""
    return as_event(_error(message, type, code, None))


def error_body(
    message: str,
    *,
    type: str,  # noqa: A002 - the dialect's word
    code: str,
    param: str | None = None,
    extension: Mapping[str, Any] | None = None,
) -> bytes:
    """Return an error in the dialect's form."""
    body = _error(message, type, code, param)
    return _encode({**body, "adjourn": extension} if extension else body)


def _error(message: str, kind: str, code: str, param: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def reply_frames(
    template: Template, text: str, extension: Mapping[str, Any] | None, *, choices: int = 1
) -> list[bytes]:
    """Return the frames of a reply of the gateway's own, the same in every choice."""
    head = {"role": "assistant", "content": ""}
    frames: list[bytes] = []
    for index in range(choices):
        opening = {"index": index, "delta": head, "finish_reason": None}
        frames += [template.chunk([opening]), text_frame(template, text, index)]
    return [*frames, *finish_frames(template, extension, choices=choices)]


def write_reply(
    template: Template, text: str, extension: Mapping[str, Any] | None, *, choices: int = 1
) -> bytes:
    """Return the body of a whole reply of the gateway's own, the same in every choice."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"message": message, "finish_reason": "stop", "logprobs": None}
    body = {
        **template.fields,
        "object": "chat.completion",
        "choices": [{"index": index, **choice} for index in range(choices)],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }
    return _encode({**body, "adjourn": extension} if extension else body)
