"""The dialect of OpenAI Responses, ``POST /v1/responses``."""

from adjourn.wire import openai_frames, responses_request, responses_whole
from adjourn.wire.responses_outlet import ResponseOutlet
from adjourn.wire.sse import as_event


class Responses:
    """A ``Dialect``, which says what each part does."""

    parse_request = staticmethod(responses_request.parse_request)
    forward_body = staticmethod(responses_request.forward_body)
    read_reply = staticmethod(responses_whole.read_reply)
    finish_reply = staticmethod(responses_whole.finish_reply)
    write_reply = staticmethod(responses_whole.write_reply)
    outlet = staticmethod(ResponseOutlet)
    error_body = staticmethod(openai_frames.error_body)

    @staticmethod
    def error_frame(message: str, *, code: str, type: str) -> bytes:  # noqa: A002 - the dialect's
        """Return the event that ends a stream with an error; nothing may follow it.

        It says the same twice: the documented event has the fields at its top, and the official
        SDK raises an error only for what is under ``error``.
        """
        told = {"code": code, "message": message, "param": None}
        return as_event({"type": "error", **told, "error": {**told, "type": type}})
