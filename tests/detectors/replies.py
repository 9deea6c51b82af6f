"""Replies of model servers, in the shapes that vLLM and the OpenAI API document."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from adjourn.detectors.turns import Turn

Odds = Mapping[str, float]
"""Token to probability, in one token's place."""


def said(*texts: str) -> tuple[Turn, ...]:
    """Return turns that alternate, the last one the user's."""
    last = len(texts) - 1
    return tuple(
        Turn("assistant" if (last - i) % 2 else "user", text) for i, text in enumerate(texts)
    )


def replied(*texts: str) -> tuple[Turn, ...]:
    """Return turns that alternate, the last one the assistant's."""
    last = len(texts) - 1
    return tuple(
        Turn("user" if (last - i) % 2 else "assistant", text) for i, text in enumerate(texts)
    )


def chat(text: str | None, *steps: tuple[str, Odds]) -> bytes:
    """Return a chat completion; each step is the token written and the likeliest ones."""
    content = [
        {
            "token": token,
            "logprob": math.log(odds.get(token, 1.0)),
            "bytes": list(token.encode()),
            "top_logprobs": [
                {"token": one, "logprob": math.log(p), "bytes": None} for one, p in odds.items()
            ],
        }
        for token, odds in steps
    ]
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "refusal": None},
        "logprobs": {"content": content, "refusal": None} if steps else None,
        "finish_reason": "stop",
    }
    return _reply("chat.completion", choice)


def completion(text: str, *steps: tuple[str, Odds]) -> bytes:
    """Return a completion."""
    logprobs = {
        "tokens": [token for token, _ in steps],
        "token_logprobs": [math.log(odds.get(token, 1.0)) for token, odds in steps],
        "top_logprobs": [{one: math.log(p) for one, p in odds.items()} for _, odds in steps],
        "text_offset": [0] * len(steps),
    }
    choice = {
        "index": 0,
        "text": text,
        "logprobs": logprobs if steps else None,
        "finish_reason": "length",
    }
    return _reply("text_completion", choice)


def plain(*tokens: str) -> Sequence[tuple[str, Odds]]:
    """Return steps of which the model was certain."""
    return [(token, {token: 1.0}) for token in tokens]


def _reply(kind: str, choice: Mapping[str, Any]) -> bytes:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return json.dumps(
        {
            "id": "r-1",
            "object": kind,
            "created": 1_800_000_000,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }
    ).encode()
