"""LiteLLM's SDK, with its providers ``openai`` and ``anthropic``."""

import json
from typing import Any

import litellm
from telling import Say, Wanted, Weather, tell, weather

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def make(wanted: Wanted) -> Say:
    is_anthropic = wanted.kind == "anthropic"
    options: dict[str, Any] = {
        "model": f"{'anthropic' if is_anthropic else 'openai'}/model-1",
        "api_base": wanted.url if is_anthropic else f"{wanted.url}/v1",
        "api_key": "client-key",
        "extra_headers": wanted.headers,
        "stream": wanted.stream,
    }
    if wanted.tools:
        options["tools"] = [TOOL]
    if wanted.structured:
        options["response_format"] = Weather
    history: list[Any] = []

    async def reply() -> Any:
        made: Any = await litellm.acompletion(messages=history, **options)
        if wanted.stream:
            chunks = [chunk async for chunk in made]
            made = litellm.stream_chunk_builder(chunks, messages=history)
        message = made.choices[0].message
        history.append(message.model_dump(exclude_none=True))
        return message

    async def say(text: str) -> str:
        history.append({"role": "user", "content": text})
        message = await reply()
        while message.tool_calls:
            for call in message.tool_calls:
                answer = weather(**json.loads(call.function.arguments))
                history.append({"role": "tool", "tool_call_id": call.id, "content": answer})
            message = await reply()
        said = str(message.content)
        return str(json.loads(said)["city"]) if wanted.structured else said

    return say


tell(make)
