"""LangChain: ``ChatOpenAI``, by Chat Completions or Responses, and ``ChatAnthropic``."""

from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage, message_chunk_to_message
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from telling import Say, Wanted, Weather, tell, weather

weather_tool = tool(weather)


def make(wanted: Wanted) -> Say:
    options: dict[str, Any] = {"model": "model-1", "api_key": "client-key", "max_retries": 2}
    options["default_headers"] = wanted.headers
    model: Any
    if wanted.kind == "anthropic":
        model = ChatAnthropic(base_url=wanted.url, **options)
    else:
        by_responses = wanted.kind == "responses"
        model = ChatOpenAI(base_url=f"{wanted.url}/v1", use_responses_api=by_responses, **options)
    if wanted.structured:
        structured = model.with_structured_output(Weather, method="json_schema")

        async def ask(text: str) -> str:
            return str((await structured.ainvoke(text)).city)

        return ask
    bound = model.bind_tools([weather_tool]) if wanted.tools else model
    history: list[Any] = []

    async def say(text: str) -> str:
        history.append(HumanMessage(text))
        history.append(await _reply(bound, history, stream=wanted.stream))
        while history[-1].tool_calls:
            call = history[-1].tool_calls[0]
            history.append(ToolMessage(weather(**call["args"]), tool_call_id=call["id"]))
            history.append(await _reply(bound, history, stream=wanted.stream))
        return str(history[-1].text)

    return say


async def _reply(model: Any, history: list[Any], *, stream: bool) -> Any:
    if not stream:
        return await model.ainvoke(history)
    whole: Any = None
    async for chunk in model.astream(history):
        whole = chunk if whole is None else whole + chunk
    return message_chunk_to_message(whole)


tell(make)
