"""The OpenAI Agents SDK, by Chat Completions or Responses."""

from typing import Any

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from telling import Say, Wanted, Weather, tell, weather

set_tracing_disabled(True)


def make(wanted: Wanted) -> Say:
    client = AsyncOpenAI(base_url=f"{wanted.url}/v1", api_key="client-key")
    kind = OpenAIResponsesModel if wanted.kind == "responses" else OpenAIChatCompletionsModel
    agent = Agent(
        name="helper",
        instructions="Be brief.",
        model=kind(model="model-1", openai_client=client),
        tools=[function_tool(weather)] if wanted.tools else [],
        output_type=Weather if wanted.structured else None,
        model_settings=ModelSettings(extra_headers=wanted.headers),
    )
    history: list[Any] = []

    async def say(text: str) -> str:
        nonlocal history
        asked = [*history, {"role": "user", "content": text}]
        if wanted.stream:
            result: Any = Runner.run_streamed(agent, asked)
            async for _ in result.stream_events():
                pass
        else:
            result = await Runner.run(agent, asked)
        history = result.to_input_list()
        return str(result.final_output.city if wanted.structured else result.final_output)

    return say


tell(make)
