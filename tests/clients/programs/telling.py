"""What the programs share: a conversation is asked for on stdin, and told as JSON on stdout."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True)
class Wanted:
    """What the test wants the client to do."""

    url: str
    kind: str
    says: list[str]
    stream: bool
    tools: bool
    structured: bool
    headers: dict[str, str]


class Weather(BaseModel):
    """What a structured reply holds."""

    city: str


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"Rain in {city}"


Say = Callable[[str], Awaitable[str]]


def tell(make: Callable[[Wanted], Say]) -> None:
    """Have the conversation, and print what the client gave for each message."""
    wanted = Wanted(**json.load(sys.stdin))
    asyncio.run(_talk(wanted, make(wanted)))


async def _talk(wanted: Wanted, say: Say) -> None:
    told: list[dict[str, Any]] = []
    for text in wanted.says:
        try:
            told.append({"text": await say(text)})
        except Exception as error:
            told.append(
                {
                    "error": type(error).__name__,
                    "status": getattr(error, "status_code", None),
                    "message": str(error),
                }
            )
    print(json.dumps(told))
