"""Which paths below ``/v1/`` are passed on at all.

Servers disagree about what ``//``, ``/../``, ``;``, an encoded ``?`` and double encoding mean.
What one of them might take for another endpoint than this gateway does is refused, so that nobody
reaches the model past the ladder, or with the operator's key something else on the model's server.
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import unquote

_ODD: Final = frozenset("\\;?#\x7f") | {chr(code) for code in range(0x20)}
_ROUNDS: Final = 3


def is_plain(path: str, endpoints: Collection[str] = ()) -> bool:
    """Tell whether a decoded path means the same to every server.

    Args:
        path: The path, decoded once.
        endpoints: Paths in lower case that nobody may reach by decoding once more.

    >>> is_plain("/v1/chat/completions"), is_plain("/v1/../admin"), is_plain("/v1/%2e%2e/admin")
    (True, False, False)
    """
    if "%" not in path and "//" not in path and "/." not in path and not set(path) & _ODD:
        return True  # nothing that needs a closer look
    for _ in range(_ROUNDS):
        segments = path.rstrip("/").split("/")[1:]
        if any(segment in {"", ".", ".."} for segment in segments) or set(path) & _ODD:
            return False
        decoded = unquote(path)
        if decoded == path:
            return True
        path = decoded
        if path.rstrip("/").casefold() in endpoints:
            return False
    return False
