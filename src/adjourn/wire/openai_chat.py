"""The dialect of OpenAI Chat Completions: requests and replies, whole and streamed."""

from adjourn.wire.openai_frames import (
    Frame,
    FrameKind,
    Template,
    error_body,
    error_frame,
    finish_frames,
    new_template,
    text_frame,
    write_reply,
)
from adjourn.wire.openai_request import (
    ChatRequest,
    ToolRound,
    forward_body,
    parse_messages,
    parse_request,
)
from adjourn.wire.openai_stream import StreamEnd, StreamReader
from adjourn.wire.openai_whole import WholeReply, finish_reply, read_reply

__all__ = [
    "ChatRequest",
    "Frame",
    "FrameKind",
    "StreamEnd",
    "StreamReader",
    "Template",
    "ToolRound",
    "WholeReply",
    "error_body",
    "error_frame",
    "finish_frames",
    "finish_reply",
    "forward_body",
    "new_template",
    "parse_messages",
    "parse_request",
    "read_reply",
    "text_frame",
    "write_reply",
]
