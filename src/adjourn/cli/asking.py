"""Asking a model's server which dialects it speaks, without having it do anything.

Each chat path gets an empty JSON object, which every server refuses for what is missing, so that no
token is spent. How the server refuses a path that nobody has is the measure of the other answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from adjourn.ports import Upstream, UpstreamRequest
from adjourn.runtime.watched_upstream import NO_SUCH_PATH
from adjourn.wire.spoken import DIALECTS, MESSAGES, Spoken, is_error_of

State = Literal["ok", "look", "bad"]
_NOBODYS: Final = "/v1/adjourn-doctor-asks-a-path-that-nobody-has"
_LONGEST: Final = 64 * 1024
_VERSION: Final = ("anthropic-version", "2023-06-01")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered to a path."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """What a server's answers say of the dialects, by name."""

    speaks: tuple[str, ...]
    lacks: tuple[str, ...]
    unclear: tuple[str, ...]
    why: str = ""
    """Why it is unclear, of the last that is."""


def headers_for(dialect: Spoken, key: str) -> list[tuple[str, str]]:
    """Return the headers with which a server of a dialect takes its key, if there is one."""
    if dialect is MESSAGES:
        return [_VERSION, *([("x-api-key", key)] if key else [])]
    return [("authorization", f"Bearer {key}")] if key else []


async def ask(upstream: Upstream, key: str) -> Found:
    """Ask a server for every dialect.

    Args:
        upstream: The server.
        key: Its key; empty if there is none.

    Raises:
        UpstreamUnavailable: It does not answer.
    """
    speaks: list[str] = []
    lacks: list[str] = []
    unclear: list[str] = []
    why = ""
    for dialect in DIALECTS.values():
        headers = headers_for(dialect, key)
        nobodys = await _post(upstream, _NOBODYS, headers)
        answer = await _post(upstream, dialect.path, headers)
        doubt = _doubt(answer, nobodys)
        if doubt:
            unclear.append(dialect.name)
            why = doubt
        elif _is_refusal_of_the_path(dialect, answer, nobodys):
            lacks.append(dialect.name)
        else:
            speaks.append(dialect.name)
    return Found(tuple(speaks), tuple(lacks), tuple(unclear), why)


def tell(found: Found, configured: Sequence[str]) -> tuple[State, str]:
    """Say what was found and what to set.

    Args:
        found: What the server's answers say.
        configured: ``upstream.dialects``.
    """
    server = "the model's server answers"
    wrong = [name for name in configured if name in found.lacks]
    more = [name for name in found.speaks if name not in configured]
    if len(found.lacks) == len(DIALECTS):
        return "bad", f"{server} none: check upstream.base_url"
    if wrong and len(configured) < len(DIALECTS):
        return "bad", f"{server} no {' and no '.join(wrong)}, which upstream.dialects names"
    if wrong:
        kept = ", ".join(f'"{name}"' for name in DIALECTS if name not in found.lacks)
        mend = f"set upstream.dialects = [{kept}], so that clients are told"
        return "look", f"{server} no {' and no '.join(wrong)}: {mend}"
    if more:
        return "look", f"{server} {' and '.join(more)}, which upstream.dialects leaves out"
    if found.unclear:
        return "look", f"{' and '.join(found.unclear)} cannot be told: {found.why}"
    return "ok", f"{server} {', '.join(found.speaks)}"


def _doubt(answer: Answer, nobodys: Answer) -> str:
    """Return why an answer says nothing of whether its path is there; empty if it does."""
    if answer.status in {401, 403}:
        return f"the server answers {answer.status} and may want another key (upstream.api_key)"
    if answer.status in NO_SUCH_PATH:
        return ""
    if answer == nobodys:
        return f"the server answers {answer.status} to any path"
    if answer.status in {429, 502, 503, 504}:
        return f"the server answers {answer.status}"
    return ""


def _is_refusal_of_the_path(dialect: Spoken, answer: Answer, nobodys: Answer) -> bool:
    if answer.status not in NO_SUCH_PATH:
        return False
    return answer == nobodys or not is_error_of(dialect, answer.body)


async def _post(upstream: Upstream, path: str, headers: Sequence[tuple[str, str]]) -> Answer:
    """Return the answer to an empty object, without the path if it quotes that.

    Of the path only what follows ``/v1`` is looked for: a base URL may have another beginning.
    """
    request = UpstreamRequest(
        "POST",
        path,
        [("content-type", "application/json"), ("accept-encoding", "identity"), *headers],
        b"{}",
    )
    reply = await upstream.send(request)
    body = b""
    try:
        async for chunk in reply.chunks():
            body += chunk
            if len(body) > _LONGEST:
                break
    finally:
        await reply.aclose()
    return Answer(reply.status, body.replace(path.removeprefix("/v1").encode(), b"PATH"))
