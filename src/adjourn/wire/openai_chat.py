"""The dialect of OpenAI Chat Completions, ``POST /v1/chat/completions``."""

from collections.abc import Mapping
from typing import Any

from adjourn.wire import openai_frames, openai_request, openai_whole
from adjourn.wire.dialect import ChatRequest
from adjourn.wire.openai_outlet import ChatOutlet


class ChatCompletions:
    """A ``Dialect``, which says what each part does."""

    parse_request = staticmethod(openai_request.parse_request)
    forward_body = staticmethod(openai_request.forward_body)
    read_reply = staticmethod(openai_whole.read_reply)
    finish_reply = staticmethod(openai_whole.finish_reply)
    outlet = staticmethod(ChatOutlet)
    error_body = staticmethod(openai_frames.error_body)
    error_frame = staticmethod(openai_frames.error_frame)

    @staticmethod
    def write_reply(
        request: ChatRequest, text: str, seed: str, at_s: int, extension: Mapping[str, Any] | None
    ) -> bytes:
        """Return a whole reply of the gateway's own."""
        template = openai_frames.new_template(seed, request.model, at_s)
        choices = openai_frames.own_choices(request.choices)
        return openai_frames.write_reply(template, text, extension, choices=choices)
