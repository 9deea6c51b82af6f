"""The dialects by name: where each is spoken, what a client does to speak it, how its errors look.

Adjourn does not translate. What lives here is what is told to whom speaks a dialect that the
model's server does not.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

CODE: Final = "dialect_not_served"


@dataclass(frozen=True, slots=True)
class Spoken:
    """One dialect."""

    name: str
    """As the configuration has it."""
    title: str
    path: str
    """Where its chat requests are posted."""
    how: str
    """How a client comes to speak it."""


CHAT_COMPLETIONS: Final = Spoken(
    "chat_completions",
    "OpenAI Chat Completions",
    "/v1/chat/completions",
    "client.chat.completions.create of OpenAI's SDK, with a base_url that ends in /v1",
)
RESPONSES: Final = Spoken(
    "responses",
    "OpenAI Responses",
    "/v1/responses",
    "client.responses.create of OpenAI's SDK, with a base_url that ends in /v1",
)
MESSAGES: Final = Spoken(
    "messages",
    "Anthropic Messages",
    "/v1/messages",
    "client.messages.create of Anthropic's SDK, with a base_url without /v1",
)
DIALECTS: Final[Mapping[str, Spoken]] = {
    one.name: one for one in (CHAT_COMPLETIONS, RESPONSES, MESSAGES)
}
"""By name, those that more servers speak first."""
BY_PATH: Final[Mapping[str, Spoken]] = {one.path: one for one in DIALECTS.values()}
"""By where its chat requests are posted."""


def spoken_at(path: str) -> Spoken | None:
    """Return the dialect of a request's path; None if no chat requests are posted there.

    Args:
        path: The path, perhaps with a query; servers take another case and a slash at the end.
    """
    return BY_PATH.get(path.partition("?")[0].rstrip("/").casefold())


def not_served(asked: Spoken, served: Collection[str]) -> str:
    """Say to a client that the model's server does not speak its dialect, and what to change.

    Args:
        asked: What the client speaks.
        served: Names of the dialects that the server speaks.
    """
    speaks = [one for one in DIALECTS.values() if one.name in served]
    names = " and ".join(one.title for one in speaks)
    ways = "; or ".join(f"POST {one.path} ({one.how})" for one in speaks)
    return (
        f"The model's server behind this gateway does not speak {asked.title} ({asked.path});"
        f" it speaks {names}. Change the client to {ways}."
    )


class _Said(msgspec.Struct):
    message: str


class _Error(msgspec.Struct):
    """What all dialects' errors have; ``type`` is Anthropic's."""

    error: _Said
    type: str = ""


class _Bare(msgspec.Struct):
    """An error of servers that copied OpenAI's early ones."""

    object: str
    message: str


def is_error_of(dialect: Spoken, body: bytes) -> bool:
    """Tell whether a body is an error in a dialect's form, so by a server that speaks it."""
    try:
        found = msgspec.json.decode(body, type=_Error)
    except (msgspec.DecodeError, ValueError):
        return dialect is not MESSAGES and _is_bare(body)
    return (found.type == "error") is (dialect is MESSAGES)


def _is_bare(body: bytes) -> bool:
    try:
        return msgspec.json.decode(body, type=_Bare).object == "error"
    except (msgspec.DecodeError, ValueError):
        return False
