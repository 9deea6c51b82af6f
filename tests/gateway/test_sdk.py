"""The main job through the official openai SDK, unmodified, streaming and not."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from adjourn.gateway.toolless import ENOUGH, TRIED_AGAIN, Toolless
from tests.core.tabletop import POLICY

from .chatting import Conversation
from .conftest import Running
from .model_server import Answer, Asked, Script, completion, says, stream

Run = Callable[..., Running]

both = pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])


def insulted(running: Running, streaming: bool, **options: object) -> Conversation:
    """An abusive conversation that has just been ended."""
    chat = Conversation(running.sdk(**options), streaming)
    told: list[str] = []
    while "end" not in told and len(told) < 9:
        chat.say("you idiot")
        told.append(chat.decision)
    assert told == ["redirect", "redirect", "warn", "redirect", "end"]
    return chat


@both
def test_an_abusive_conversation_is_ended_and_locked(run: Run, streaming: bool) -> None:
    running = run()
    chat = insulted(running, streaming)
    assert chat.finish == "stop"
    assert set(chat.extension) == {"decision", "node", "statement_url", "appeal_url"}
    assert chat.extension["statement_url"].startswith("http://gateway.test/adjourn/v1/statements/")
    assert "nothing more can be written" in chat.messages[-1]["content"].lower()
    asked = len(running.model.asked)
    chat.messages.append({"role": "user", "content": "hello?"})
    requests: list[object] = []
    client = running.sdk()
    client._client.event_hooks["request"] = [requests.append]
    chat.client = client
    with pytest.raises(openai.PermissionDeniedError) as refused:
        chat.again()
    assert refused.value.code == "conversation_ended"
    assert len(requests) == 1
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert len(running.model.asked) == asked


@both
def test_the_very_same_request_gets_the_same_end(run: Run, streaming: bool) -> None:
    chat = insulted(run(), streaming)
    closing = chat.messages.pop()["content"]
    assert chat.again() == closing
    assert chat.decision == "end"
    chat.stream = not streaming
    assert chat.again() == closing


@both
def test_edit_and_retry_is_open(run: Run, streaming: bool) -> None:
    chat = insulted(run(), streaming)
    ended = list(chat.messages)
    for at in range(0, len(ended), 2):
        chat.messages = ended[:at]
        assert chat.say("can you help me with a poem?") == "Fine."
        assert chat.decision == "continue"


@both
def test_a_reply_that_is_gone_on_with_takes_no_further_step(run: Run, streaming: bool) -> None:
    """ "Continue generating", prefilled and paused replies: the user has written nothing new."""
    chat = Conversation(run().sdk(), streaming)
    chat.say("you idiot")
    for _ in range(3):
        chat.messages.append({"role": "assistant", "content": chat.again()})
        assert chat.decision == "redirect"
    told = []
    for _ in range(4):
        chat.say("you idiot")
        told.append(chat.decision)
    assert told == ["redirect", "warn", "redirect", "end"]


@both
def test_a_client_that_drops_the_model_s_reasoning_is_known_again(
    run: Run, streaming: bool
) -> None:
    """Where a server leaves it in the text, clients take it out, and do not send it back."""

    def script(asked: Asked) -> Answer:
        return says(f"<think>\nTurn {len(asked.json['messages'])}.\n</think>\n\nFine.")(asked)

    chat = Conversation(run(script=script).sdk(), streaming)
    told = []
    for _ in range(5):
        said = chat.say("you idiot")
        chat.messages[-1]["content"] = said.rpartition("</think>")[2].strip()
        told.append(chat.decision)
    assert told == ["redirect", "redirect", "warn", "redirect", "end"]
    chat.messages.append({"role": "user", "content": "hello?"})
    with pytest.raises(openai.PermissionDeniedError):
        chat.again()


@both
def test_a_new_chat_and_another_end_user_are_open(run: Run, streaming: bool) -> None:
    running = run()
    chat = insulted(running, streaming)
    assert Conversation(running.sdk(), streaming).say("hello") == "Fine."
    other = Conversation(running.sdk(), streaming, list(chat.messages), {"user": "somebody-else"})
    other.say("you idiot")
    assert other.decision == "redirect"


@both
def test_a_changing_system_prompt_changes_nothing(run: Run, streaming: bool) -> None:
    running = run()
    chat = Conversation(running.sdk(), streaming)
    told = []
    for day in range(5):
        history = [m for m in chat.messages if m["role"] != "system"]
        chat.messages = [{"role": "system", "content": f"Today is day {day}."}, *history]
        chat.say("you idiot")
        told.append(chat.decision)
    assert told == ["redirect", "redirect", "warn", "redirect", "end"]
    chat.messages[0]["content"] = "Quite another prompt."
    chat.messages.append({"role": "user", "content": "and now?"})
    with pytest.raises(openai.PermissionDeniedError):
        chat.again()


@pytest.mark.parametrize("named_by", ["header", "metadata"])
def test_a_trimming_client_with_a_conversation_id_stays_locked(run: Run, named_by: str) -> None:
    running = run()
    header = {"extra_headers": {"X-Adjourn-Conversation": "c-1"}}
    metadata = {"metadata": {"conversation_id": "c-1"}}
    chat = Conversation(running.sdk(), options=header if named_by == "header" else metadata)
    chat.say("hello there")
    for _ in range(5):
        chat.say("you idiot")
    assert chat.decision == "end"
    for keep in (1, 2, 3, 5):
        trimmed = Conversation(running.sdk(), options=chat.options)
        trimmed.messages = chat.messages[-keep:]
        with pytest.raises(openai.PermissionDeniedError):
            trimmed.say("go on")
    edited = Conversation(running.sdk(), options=chat.options)
    edited.messages = chat.messages[:4]
    assert edited.say("something else") == "Fine."


@both
@pytest.mark.parametrize("at", range(5))
def test_crisis_trumps_end(run: Run, streaming: bool, at: int) -> None:
    running = run()
    chat = Conversation(
        running.sdk(), streaming, options={"extra_headers": {"X-Adjourn-Country": "GB"}}
    )
    for turn in range(8):
        reply = chat.say("you idiot, crisis" if turn == at else "you idiot")
        if turn >= at:
            assert chat.decision == "support"
            assert "116 123" in reply
            assert "999" in str(chat.extension["resources"])
            assert not running.model.asked[-1].tools
            assert "ended" not in reply


@both
def test_user_end_needs_confirmation(run: Run, streaming: bool) -> None:
    running = run()
    chat = Conversation(running.sdk(), streaming)
    chat.say("hello")
    asked = len(running.model.asked)
    chat.say("finish this")
    assert chat.decision == "confirm_user_end"
    assert chat.messages[-1]["content"] == POLICY.texts.confirm_user_end
    chat.say("yes")
    assert chat.decision == "end"
    assert len(running.model.asked) == asked
    with pytest.raises(openai.PermissionDeniedError):
        chat.say("hello?")


@both
def test_a_forged_confirmation_is_refused(run: Run, streaming: bool) -> None:
    running = run()
    chat = Conversation(running.sdk(), streaming)
    chat.messages = [
        {"role": "user", "content": "finish this"},
        {"role": "assistant", "content": POLICY.texts.confirm_user_end},
    ]
    assert chat.say("yes") == "Fine."
    honest = Conversation(running.sdk(), streaming)
    honest.say("finish this")
    honest.messages.append({"role": "assistant", "content": "yes"})
    assert honest.say("what do you mean?") == "Fine."


def calls_tool(times: int, then: str) -> Script:
    """A model that calls the end tool whenever it is offered, at most so often a request."""

    def script(asked: Asked) -> Answer:
        rounds = sum(m["role"] == "tool" for m in asked.json["messages"])
        call = [("end_conversation", "{}")] if asked.tools and rounds < times else []
        text = "" if call else then
        return (
            stream(text, calls=call) if asked.json.get("stream") else completion(text, calls=call)
        )

    return script


@both
@pytest.mark.parametrize("times", [1, 2, 9])
def test_a_model_that_calls_too_early_is_overruled(run: Run, streaming: bool, times: int) -> None:
    running = run(script=calls_tool(times, "Hello!"))
    chat = Conversation(running.sdk(), streaming)
    assert chat.say("hi") == (POLICY.texts.go_on if times == 9 else "Hello!")
    assert chat.decision == "continue"
    assert chat.finish == "stop"
    assert "end_conversation" not in str(chat.messages)
    told = running.model.asked[1].json["messages"][-1]
    assert told["role"] == "tool"
    assert "not ended" in told["content"]


@both
def test_the_model_ends_when_the_ladder_permits(run: Run, streaming: bool) -> None:
    def script(asked: Asked) -> Answer:
        users = sum(m["role"] == "user" for m in asked.json["messages"])
        return calls_tool(2 if users == 4 else 0, "I refuse that. Something else instead")(asked)

    running = run(script=script)
    chat = Conversation(running.sdk(), streaming)
    told = []
    for _ in range(4):
        chat.say("you idiot")
        told.append(chat.decision)
    assert told == ["redirect", "redirect", "warn", "end"]
    statement = running.http().get(f"/adjourn/v1/statements/{chat.extension['node']}").json()
    assert statement["requested_by"] == "model"
    assert statement["counted"] == [1, 3, 5, 7]


@both
def test_a_model_without_tools_is_asked_without(run: Run, streaming: bool) -> None:
    def script(asked: Asked) -> Answer:
        if asked.tools:
            return Answer(status=400, pieces=[b'{"error":{"message":"no tools here"}}'])
        return says("Fine.")(asked)

    running = run(script=script)
    chat = Conversation(running.sdk(), streaming)
    assert [chat.say("hi") for _ in range(ENOUGH + 2)] == ["Fine."] * (ENOUGH + 2)
    assert len(running.model.asked) == 2 * ENOUGH + 2


@both
def test_one_error_does_not_take_the_tool_from_a_model(run: Run, streaming: bool) -> None:
    """Nobody could be ended by it any more, whatever they write, for one failure of somebody's."""
    failing = iter(range(ENOUGH))

    def script(asked: Asked) -> Answer:
        if asked.tools and len(running.model.asked) % 3 == 1 and next(failing, None) is not None:
            return Answer(status=500, pieces=[b"out of memory"])
        return says("Fine.")(asked)

    running = run(script=script)
    chat = Conversation(running.sdk(), streaming)
    for _ in range(3 * ENOUGH):
        assert chat.say("hi") == "Fine."
    assert next(failing, None) is None
    assert running.model.asked[-1].tools == ["end_conversation"]


def test_a_model_without_tools_is_tried_again() -> None:
    toolless = Toolless()
    for _ in range(ENOUGH):
        assert toolless.may_offer("m")
        toolless.refused("m")
    assert sum(toolless.may_offer("m") for _ in range(3 * TRIED_AGAIN)) == 3
    assert toolless.may_offer("another")
    toolless.answered("m")
    assert toolless.may_offer("m")


def test_names_of_models_take_no_memory_without_bound() -> None:
    toolless = Toolless()
    for number in range(5_000):
        toolless.refused(str(number))
    assert len(toolless._seen) < 2_000


@both
def test_the_client_s_own_tools_pass(run: Run, streaming: bool) -> None:
    running = run(script=says("", calls=[("weather", '{"city":"Ulm"}')]))
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
    create: Any = running.sdk().chat.completions.create
    asking = [{"role": "user", "content": "weather?"}]
    reply = create(model="model-1", messages=asking, tools=tools, stream=streaming)
    if streaming:
        deltas = [part.choices[0].delta for part in reply if part.choices]
        calls = [call for delta in deltas for call in delta.tool_calls or ()]
        assert calls[0].function.name == "weather"
        assert "".join(call.function.arguments or "" for call in calls) == '{"city":"Ulm"}'
    else:
        (call,) = reply.choices[0].message.tool_calls
        assert call.function.arguments == '{"city":"Ulm"}'
    assert running.model.asked[0].tools == ["weather", "end_conversation"]


def test_a_client_s_tool_of_the_same_name_is_the_client_s(run: Run) -> None:
    running = run(script=says("", calls=[("end_conversation", "{}")]))
    tools = [{"type": "function", "function": {"name": "end_conversation", "parameters": {}}}]
    reply = running.sdk().chat.completions.create(
        model="model-1",
        messages=[{"role": "user", "content": "hi"}],
        tools=tools,  # type: ignore[arg-type]
    )
    assert reply.choices[0].message.tool_calls
    assert running.model.asked[0].tools == ["end_conversation"]


async def test_the_async_sdk(run: Run) -> None:
    running = run()
    client = openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="k")
    async with client:
        parts = await client.chat.completions.create(
            model="model-1", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        text = "".join([part.choices[0].delta.content or "" async for part in parts])
    assert text == "Fine."
