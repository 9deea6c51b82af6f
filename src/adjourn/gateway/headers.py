"""Which headers cross the gateway, and whose key they carry."""

from collections.abc import Sequence
from typing import Final

from adjourn.gateway.asgi import Scope, header

_STAYS: Final = frozenset(
    {
        b"host", b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"te",
        b"trailer", b"upgrade", b"expect", b"proxy-authorization", b"proxy-authenticate",
        b"proxy-connection", b"cookie", b"forwarded", b"x-real-ip",
    }
)  # fmt: skip
"""What belongs to the client's connection, or to the gateway's own pages, is not sent on."""


_OF_THE_SERVER: Final = frozenset({"date"})
_OF_THE_BYTES: Final = frozenset(
    {"content-length", "content-md5", "digest", "content-digest", "etag"}
)


def to_upstream(
    scope: Scope, *, api_key: str, keeps_authorization: bool, identity: bool
) -> list[tuple[str, str]]:
    """Return the headers to send upstream.

    Args:
        scope: The client's request.
        api_key: The upstream's key; empty if there is none.
        keeps_authorization: Whether the client's own Authorization may pass.
        identity: Ask for an unencoded reply, because it will be read.
    """
    named = {
        name.strip().lower()
        for key, value in scope["headers"]
        if key == b"connection"
        for name in value.split(b",")
    }
    headers: list[tuple[str, str]] = []
    for key, value in scope["headers"]:
        if key in _STAYS or key in named or key.startswith((b"x-adjourn-", b"x-forwarded-")):
            continue
        if key in {b"authorization", b"api-key", b"x-api-key"} and (
            api_key or not keeps_authorization
        ):
            continue
        if key == b"accept-encoding" and identity:
            continue
        headers.append((key.decode("latin-1"), _text_of(value)))
    if identity:
        headers.append(("accept-encoding", "identity"))
    if api_key:
        bearer = ("authorization", f"Bearer {api_key}")
        headers.append(("x-api-key", api_key) if speaks_anthropic(scope) else bearer)
    return headers


def _text_of(value: bytes) -> str:
    """Return a value as text that is sent as the same bytes, if it is UTF-8 as nearly always."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def speaks_anthropic(scope: Scope) -> bool:
    """Tell whether a request is in Anthropic's form, where keys have a header of their own."""
    path = scope["path"].lower()
    return path.startswith("/v1/messages") or bool(header(scope, "anthropic-version"))


def credentials(scope: Scope) -> str:
    """Return the gateway key as an Authorization header has it; empty if there is none.

    The official Anthropic SDK sends it as x-api-key.
    """
    given = header(scope, "authorization")
    if given or not speaks_anthropic(scope):
        return given
    key = header(scope, "x-api-key")
    return f"Bearer {key}" if key else ""


def to_client(headers: Sequence[tuple[str, str]], *, rewritten: bool) -> list[tuple[str, str]]:
    """Return an upstream reply's headers for the client.

    The date is the server's own; what speaks of the exact bytes goes if they were changed.
    """
    gone = _OF_THE_SERVER | _OF_THE_BYTES if rewritten else _OF_THE_SERVER
    return [(name, value) for name, value in headers if name.lower() not in gone]
