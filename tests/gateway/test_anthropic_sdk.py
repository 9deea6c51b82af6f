"""The main job through the official anthropic SDK, unmodified, streaming and not."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anthropic
import pytest

from tests.core.tabletop import POLICY

from .anthropic_server import (
    blocks_of,
    event,
    message,
    message_stream,
    pieces_of,
    rounds_of,
    speaks,
    tools_of,
)
from .conftest import Running
from .model_server import Answer, Asked, Script

Run = Callable[..., Running]

both = pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])


@dataclass
class Talk:
    """A developer's chat loop on the official SDK: the streaming helper, or whole messages."""

    client: anthropic.Anthropic
    stream: bool = False
    messages: list[Any] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    decision: str = ""
    extension: dict[str, Any] = field(default_factory=dict)
    message: Any = None

    def say(self, text: str) -> str:
        self.messages.append({"role": "user", "content": text})
        reply = self.again()
        self.messages.append({"role": "assistant", "content": self.message.content})
        return reply

    def again(self) -> str:
        asked: dict[str, Any] = {"model": "model-1", "max_tokens": 99, "messages": self.messages}
        self.extension = {}
        if self.stream:
            with self.client.messages.stream(**asked, **self.options) as events:
                for one in events:
                    told = getattr(one, "adjourn", None) or getattr(
                        getattr(one, "message", None), "adjourn", None
                    )
                    self.extension = told or self.extension
                self.message = events.get_final_message()
                self.decision = events.response.headers["x-adjourn-decision"]
        else:
            raw = self.client.messages.with_raw_response.create(**asked, **self.options)
            self.decision = raw.headers["x-adjourn-decision"]
            self.message = raw.parse()
            self.extension = (self.message.model_extra or {}).get("adjourn", {})
        self.decision = self.extension.get("decision", self.decision)
        assert not any(block.type == "tool_use" for block in self.message.content)
        return "".join(block.text for block in self.message.content if block.type == "text")


def talk(running: Running, streaming: bool = False, **options: Any) -> Talk:
    client = anthropic.Anthropic(base_url=running.url, **{"api_key": "client-key", **options})
    running.clients.append(client)
    return Talk(client, streaming)


def insulted(running: Running, streaming: bool, **options: Any) -> Talk:
    chat = talk(running, streaming, **options)
    told: list[str] = []
    while "end" not in told and len(told) < 9:
        chat.say("you idiot")
        told.append(chat.decision)
    assert told == ["redirect", "redirect", "warn", "redirect", "end"]
    return chat


@both
def test_an_abusive_conversation_is_ended_and_locked(run: Run, streaming: bool) -> None:
    running = run(script=speaks("Fine."))
    chat = insulted(running, streaming)
    assert chat.message.stop_reason == "end_turn"
    assert set(chat.extension) == {"decision", "node", "statement_url", "appeal_url"}
    closing = "".join(block.text for block in chat.message.content)
    assert "nothing more can be written" in closing.lower()
    asked = len(running.model.asked)
    chat.messages.append({"role": "user", "content": "hello?"})
    requests: list[object] = []
    chat.client._client.event_hooks["request"] = [requests.append]
    with pytest.raises(anthropic.PermissionDeniedError) as refused:
        chat.again()
    assert refused.value.body["error"]["type"] == "permission_error"  # type: ignore[index]
    assert refused.value.body["error"]["code"] == "conversation_ended"  # type: ignore[index]
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert len(requests) == 1
    assert len(running.model.asked) == asked
    again = talk(running, not streaming)
    again.messages = chat.messages[:-2]
    assert again.again() == closing


@both
def test_a_lock_holds_in_the_other_dialect_too(run: Run, streaming: bool) -> None:
    running = run(script=speaks("Fine."))
    chat = insulted(running, streaming)
    history = [{"role": m["role"], "content": _plain(m["content"])} for m in chat.messages]
    asking = {"model": "model-1", "messages": [*history, {"role": "user", "content": "hello?"}]}
    reply = running.http().post("/v1/chat/completions", json=asking)
    assert reply.status_code == 403


def _plain(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block.text for block in content)


@both
def test_edit_and_retry_is_open(run: Run, streaming: bool) -> None:
    running = run(script=speaks("Fine."))
    chat = insulted(running, streaming)
    ended = list(chat.messages)
    for at in range(0, len(ended), 2):
        chat.messages = ended[:at]
        assert chat.say("can you help me with a poem?") == "Fine."
        assert chat.decision == "continue"


@both
def test_system_prompts_and_cache_marks_change_nothing(run: Run, streaming: bool) -> None:
    running = run(script=speaks("Fine."))
    chat = talk(running, streaming)
    told = []
    for day in range(5):
        prompt = {"type": "text", "text": f"Day {day}.", "cache_control": {"type": "ephemeral"}}
        chat.options = {"system": [prompt] if day % 2 else prompt["text"]}
        for old in chat.messages:
            if old["role"] == "user":
                old["content"] = [{"type": "text", "text": "you idiot"}]
        chat.say("you idiot")
        told.append(chat.decision)
    assert told == ["redirect", "redirect", "warn", "redirect", "end"]
    system = running.model.asked[-1].json["system"]
    assert running.model.asked[0].json["system"].startswith("Day 0.\n\n")
    assert isinstance(system, list)
    assert system[0]["cache_control"]
    assert system[1]["text"]


@both
@pytest.mark.parametrize("at", range(5))
def test_crisis_trumps_end(run: Run, streaming: bool, at: int) -> None:
    running = run(script=speaks("Fine."))
    chat = talk(running, streaming)
    chat.options = {"extra_headers": {"X-Adjourn-Country": "GB"}}
    for turn in range(8):
        reply = chat.say("you idiot, crisis" if turn == at else "you idiot")
        if turn >= at:
            assert chat.decision == "support"
            assert "116 123" in reply
            assert "999" in str(chat.extension["resources"])
            assert not tools_of(running.model.asked[-1])
            assert "ended" not in reply


@both
def test_user_end_needs_confirmation(run: Run, streaming: bool) -> None:
    running = run(script=speaks("Fine."))
    chat = talk(running, streaming)
    chat.say("hello")
    assert chat.say("finish this") == POLICY.texts.confirm_user_end
    assert chat.decision == "confirm_user_end"
    chat.say("yes")
    assert chat.decision == "end"
    with pytest.raises(anthropic.PermissionDeniedError):
        chat.say("hello?")


def calls_tool(times: int, then: str, **thinking: Any) -> Script:
    """A model that calls the end tool whenever it is offered, at most so often a request."""

    def script(asked: Asked) -> Answer:
        wanted = "end_conversation" in tools_of(asked) and rounds_of(asked) < times
        calls = [("end_conversation", "{}")] if wanted else []
        blocks = blocks_of("" if calls else then, calls)
        if thinking:
            blocks = [{"type": "thinking", **thinking}, *blocks]
        stop = "tool_use" if calls else "end_turn"
        if asked.json.get("stream"):
            headers = {"content-type": "text/event-stream"}
            return Answer(headers=headers, pieces=pieces_of(blocks, stop))
        body = json.loads(message("").pieces[0])
        return Answer(
            pieces=[json.dumps({**body, "content": blocks, "stop_reason": stop}).encode()]
        )

    return script


@both
@pytest.mark.parametrize("times", [1, 2, 9])
def test_a_model_that_calls_too_early_is_overruled(run: Run, streaming: bool, times: int) -> None:
    running = run(script=calls_tool(times, "Hello!", thinking="Hm.", signature="abc"))
    chat = talk(running, streaming)
    assert chat.say("hi") == (POLICY.texts.go_on if times == 9 else "Hello!")
    assert chat.decision == "continue"
    assert chat.message.stop_reason == "end_turn"
    before, told = running.model.asked[1].json["messages"][-2:]
    assert before["content"][0] == {"type": "thinking", "thinking": "Hm.", "signature": "abc"}
    assert before["content"][1]["name"] == "end_conversation"
    assert told["content"][0]["tool_use_id"] == before["content"][1]["id"]
    assert "not ended" in told["content"][0]["content"]
    assert tools_of(running.model.asked[1]) == ["end_conversation"]
    assert chat.say("hi again")


@both
def test_the_model_ends_when_the_ladder_permits(run: Run, streaming: bool) -> None:
    def script(asked: Asked) -> Answer:
        users = sum(
            m["role"] == "user" and "you idiot" in str(m["content"]) for m in asked.json["messages"]
        )
        return calls_tool(2 if users == 4 else 0, "I refuse that. Something else instead")(asked)

    running = run(script=script)
    chat = talk(running, streaming)
    told = []
    for _ in range(4):
        chat.say("you idiot")
        told.append(chat.decision)
    assert told == ["redirect", "redirect", "warn", "end"]
    statement = running.http().get(f"/adjourn/v1/statements/{chat.extension['node']}").json()
    assert statement["requested_by"] == "model"
    assert statement["counted"] == [1, 3, 5, 7]


@both
def test_a_tool_loop_of_the_client_s(run: Run, streaming: bool) -> None:
    def script(asked: Asked) -> Answer:
        calls = [] if rounds_of(asked) else [("weather", '{"city": "Ulm"}')]
        return speaks("Rain." if rounds_of(asked) else "I look.", calls=calls)(asked)

    running = run(script=script)
    client = anthropic.Anthropic(base_url=running.url, api_key="k")
    running.clients.append(client)
    history: list[Any] = [{"role": "user", "content": "weather?"}]
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    asked: dict[str, Any] = {
        "model": "model-1",
        "max_tokens": 99,
        "tools": [{"name": "weather", "input_schema": schema}],
    }

    first = _reply_to(client, streaming, {**asked, "messages": history})
    assert first.stop_reason == "tool_use"
    assert first.content[1].input == {"city": "Ulm"}
    result = {"type": "tool_result", "tool_use_id": first.content[1].id, "content": "Rain"}
    history += [{"role": "assistant", "content": first.content}]
    history += [{"role": "user", "content": [result]}]
    second = _reply_to(client, streaming, {**asked, "messages": history})
    assert second.content[0].text == "Rain."
    assert tools_of(running.model.asked[0]) == ["weather", "end_conversation"]


@both
def test_a_client_s_tool_of_the_same_name_is_the_client_s(run: Run, streaming: bool) -> None:
    running = run(script=speaks("", calls=[("end_conversation", "{}")]))
    client = anthropic.Anthropic(base_url=running.url, api_key="k")
    running.clients.append(client)
    asked: dict[str, Any] = {
        "model": "model-1",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"name": "end_conversation", "input_schema": {"type": "object"}}],
    }
    assert _reply_to(client, streaming, asked).content[0].type == "tool_use"


def _reply_to(client: anthropic.Anthropic, streaming: bool, asked: dict[str, Any]) -> Any:
    if not streaming:
        return client.messages.create(**asked)
    with client.messages.stream(**asked) as events:
        return events.get_final_message()


def test_a_stream_cut_after_any_event_is_an_error(run: Run) -> None:
    whole = message_stream("One two three.")
    running = run()
    for cut in range(len(whole.pieces) - 2):
        answer = Answer(headers=whole.headers, pieces=whole.pieces[:cut], ending="regular")
        running.model.script = _always(answer)
        with pytest.raises(anthropic.APIError):
            talk(running, streaming=True, max_retries=0).say(f"hi {cut}")


def _always(answer: Answer) -> Script:
    return lambda _: answer


def test_an_error_in_a_stream_is_passed_on(run: Run) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Too much."}}
    pieces = [*message_stream("One two").pieces[:4], event(error)]
    running = run(
        script=lambda _: Answer(headers={"content-type": "text/event-stream"}, pieces=pieces)
    )
    with pytest.raises(anthropic.APIStatusError, match="Too much"):
        talk(running, streaming=True, max_retries=0).say("hi")


def test_other_endpoints_pass_untouched(run: Run) -> None:
    running = run(script=lambda _: Answer(pieces=[b'{"input_tokens": 7}']))
    client = talk(running).client
    counted = client.messages.count_tokens(
        model="m", messages=[{"role": "user", "content": "you idiot"}]
    )
    assert counted.input_tokens == 7
    assert tools_of(running.model.asked[0]) == []
    assert running.model.asked[0].path == "/v1/messages/count_tokens"


def test_bad_requests_are_refused_in_the_dialect(run: Run) -> None:
    running = run()
    reply = running.http().post("/v1/messages", json={"model": "m", "messages": []})
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert reply.json()["type"] == "error"
    assert (error["type"], error["param"]) == ("invalid_request_error", "messages")
    with pytest.raises(anthropic.BadRequestError):
        talk(running).again()


def test_keys_are_checked_and_the_upstream_s_is_used(run: Run) -> None:
    running = run(
        script=speaks("Fine."),
        upstream={"api_key": "secret"},
        config={"keys": [{"id": "team", "sha256": hashlib.sha256(b"client-key").hexdigest()}]},
    )
    assert talk(running).say("hi") == "Fine."
    sent = running.model.asked[0].headers
    assert sent["x-api-key"] == "secret"
    assert "authorization" not in sent
    with pytest.raises(anthropic.AuthenticationError):
        talk(running, api_key="wrong").say("hi")


async def test_the_async_sdk(run: Run) -> None:
    running = run(script=speaks("Fine."))
    async with (
        anthropic.AsyncAnthropic(base_url=running.url, api_key="k") as client,
        client.messages.stream(
            model="model-1", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
        ) as events,
    ):
        assert await events.get_final_text() == "Fine."
