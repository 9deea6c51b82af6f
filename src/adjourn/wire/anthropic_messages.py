"""The dialect of Anthropic Messages, ``POST /v1/messages``."""

from collections.abc import Mapping
from typing import Any

from adjourn.wire import anthropic_request, anthropic_whole
from adjourn.wire.anthropic_outlet import MessageOutlet
from adjourn.wire.dialect import ChatRequest


class Messages:
    """A ``Dialect``, which says what each part does; its replies tell no times."""

    parse_request = staticmethod(anthropic_request.parse_request)
    forward_body = staticmethod(anthropic_request.forward_body)
    read_reply = staticmethod(anthropic_whole.read_reply)
    finish_reply = staticmethod(anthropic_whole.finish_reply)
    error_body = staticmethod(anthropic_whole.error_body)
    error_frame = staticmethod(anthropic_whole.error_frame)

    @staticmethod
    def write_reply(
        request: ChatRequest, text: str, seed: str, _at_s: int, extension: Mapping[str, Any] | None
    ) -> bytes:
        """Return a whole reply of the gateway's own."""
        return anthropic_whole.write_reply(seed, request.model, text, extension)

    @staticmethod
    def outlet(request: ChatRequest, _at_s: int) -> MessageOutlet:
        """Return the client's side of a streamed reply that begins."""
        return MessageOutlet(request)
