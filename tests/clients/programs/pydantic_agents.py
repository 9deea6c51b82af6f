"""Pydantic AI, by Chat Completions, Responses or Anthropic Messages."""

from typing import Any

from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.output import NativeOutput
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from telling import Say, Wanted, Weather, tell, weather


def make(wanted: Wanted) -> Say:
    settings: Any = {"extra_headers": wanted.headers}
    if wanted.kind == "anthropic":
        theirs = AnthropicProvider(base_url=wanted.url, api_key="client-key")
        model: Any = AnthropicModel("model-1", provider=theirs)
    else:
        kind = OpenAIResponsesModel if wanted.kind == "responses" else OpenAIChatModel
        provider = OpenAIProvider(base_url=f"{wanted.url}/v1", api_key="client-key")
        model = kind("model-1", provider=provider)
    output: Any = NativeOutput(Weather) if wanted.structured else str
    tools = [weather] if wanted.tools else []
    agent: Any = Agent(model, tools=tools, output_type=output, model_settings=settings)
    history: list[Any] = []

    async def say(text: str) -> str:
        nonlocal history
        if wanted.stream:
            async with agent.run_stream(text, message_history=history) as result:
                output = await result.get_output()
                history = result.all_messages()
        else:
            result = await agent.run(text, message_history=history)
            output, history = result.output, result.all_messages()
        return str(output.city if wanted.structured else output)

    return say


tell(make)
