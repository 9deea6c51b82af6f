"""The main job through the official openai SDK's Responses, unmodified, streaming and not."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from adjourn.core.policy import Mode
from tests.core.tabletop import POLICY

from .conftest import Running
from .model_server import Answer, Asked, Script
from .responses_server import (
    REASONING,
    answer,
    event,
    items_of,
    results_of,
    speaks,
    streamed,
    tools_of,
)

Run = Callable[..., Running]

both = pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])


@dataclass
class Talk:
    """A developer's chat loop on the official SDK that sends its history as items."""

    client: openai.OpenAI
    stream: bool = False
    items: list[Any] = field(default_factory=list)
    texts: list[Any] = field(default_factory=list)
    """The same history as one text a reply."""
    options: dict[str, Any] = field(default_factory=dict)
    decision: str = ""
    response: Any = None

    def say(self, text: str) -> str:
        self.items.append({"role": "user", "content": text})
        reply = self.again()
        self.texts += [self.items[-1], {"role": "assistant", "content": reply}]
        self.items += [item.model_dump(exclude_none=True) for item in self.response.output]
        return reply

    def again(self) -> str:
        asked: dict[str, Any] = {"model": "model-1", "input": self.items, **self.options}
        if self.stream:
            deltas = ""
            with self.client.responses.stream(**asked) as events:
                for number, one in enumerate(events):
                    assert one.sequence_number == number
                    if one.type == "response.output_text.delta":
                        deltas += one.delta
                self.response = events.get_final_response()
                self.decision = events._response.headers["x-adjourn-decision"]
            assert deltas == self.response.output_text
        else:
            raw = self.client.responses.with_raw_response.create(**asked)
            self.decision = raw.headers["x-adjourn-decision"]
            self.response = raw.parse()
        self.decision = self.extension.get("decision", self.decision)
        assert not any(item.type == "function_call" for item in self.response.output)
        return str(self.response.output_text)

    @property
    def extension(self) -> dict[str, Any]:
        extension: dict[str, Any] = (self.response.model_extra or {}).get("adjourn", {})
        return extension


def talk(running: Running, streaming: bool = False, **options: Any) -> Talk:
    return Talk(running.sdk(**options), streaming)


def insulted(running: Running, streaming: bool) -> Talk:
    chat = talk(running, streaming)
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
    closing = chat.response.output_text
    assert chat.response.status == "completed"
    assert set(chat.extension) == {"decision", "node", "statement_url", "appeal_url"}
    assert "nothing more can be written" in closing.lower()
    asked = len(running.model.asked)
    chat.items.append({"role": "user", "content": "hello?"})
    with pytest.raises(openai.PermissionDeniedError) as refused:
        chat.again()
    assert refused.value.code == "conversation_ended"
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert len(running.model.asked) == asked
    again = talk(running, not streaming)
    again.items = chat.items[:-2]
    assert again.again() == closing


@both
def test_the_text_of_replies_is_the_same_history_as_their_items(run: Run, streaming: bool) -> None:
    running = run(script=lambda asked: answer(asked, [REASONING, *items_of("Fine.")]))
    chat = insulted(running, streaming)
    chat.items = [*chat.texts, {"role": "user", "content": "hello?"}]
    with pytest.raises(openai.PermissionDeniedError):
        chat.again()


@both
def test_a_lock_holds_in_the_other_dialects_too(run: Run, streaming: bool) -> None:
    running = run(script=speaks("Fine."))
    chat = insulted(running, streaming)
    history = [*chat.texts, {"role": "user", "content": "hello?"}]
    with pytest.raises(openai.PermissionDeniedError):
        running.sdk().chat.completions.create(model="model-1", messages=history)
    client = anthropic.Anthropic(base_url=running.url, api_key="k")
    running.clients.append(client)
    with pytest.raises(anthropic.PermissionDeniedError):
        client.messages.create(model="model-1", max_tokens=9, messages=history)


def test_a_lock_of_another_dialect_holds_here(run: Run) -> None:
    running = run()
    history: list[Any] = []
    for _ in range(5):
        history.append({"role": "user", "content": "you idiot"})
        made = running.sdk().chat.completions.create(model="model-1", messages=history)
        history.append({"role": "assistant", "content": made.choices[0].message.content})
    history.append({"role": "user", "content": "hello?"})
    with pytest.raises(openai.PermissionDeniedError):
        running.sdk().responses.create(model="model-1", input=history)


@both
def test_edit_and_retry_is_open(run: Run, streaming: bool) -> None:
    running = run(script=speaks("Fine."))
    chat = insulted(running, streaming)
    ended = list(chat.items)
    for at in [n for n, one in enumerate(ended) if one["role"] == "user"]:
        chat.items = ended[:at]
        assert chat.say("can you help me with a poem?") == "Fine."
        assert chat.decision == "continue"


@both
@pytest.mark.parametrize(
    "at", [0, 3, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 4))]
)
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
    with pytest.raises(openai.PermissionDeniedError):
        chat.say("hello?")


def calls_tool(times: int, then: str) -> Script:
    """A model that thinks, and calls the end tool so often when it is offered."""

    def script(asked: Asked) -> Answer:
        wanted = "end_conversation" in tools_of(asked) and results_of(asked) < times
        calls = [("end_conversation", "{}")] if wanted else []
        thought = {**REASONING, "id": f"rs_{results_of(asked)}"}
        return answer(asked, [thought, *items_of("" if calls else then, calls)])

    return script


@both
@pytest.mark.parametrize("times", [1, 2, 9])
def test_a_model_that_calls_too_early_is_overruled(run: Run, streaming: bool, times: int) -> None:
    running = run(script=calls_tool(times, "Hello!"))
    chat = talk(running, streaming)
    assert chat.say("hi") == (POLICY.texts.go_on if times == 9 else "Hello!")
    assert chat.decision == "continue"
    *_, thought, call, told = running.model.asked[1].json["input"]
    assert thought == {**REASONING, "id": "rs_0"}
    assert call["name"] == "end_conversation"
    assert told["call_id"] == call["call_id"]
    assert "not ended" in told["output"]
    assert tools_of(running.model.asked[1]) == ["end_conversation"]
    assert chat.say("hi again")


@both
def test_the_model_ends_when_the_ladder_permits(run: Run, streaming: bool) -> None:
    def script(asked: Asked) -> Answer:
        users = sum("you idiot" in str(item.get("content")) for item in asked.json["input"])
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


@both
def test_a_tool_loop_of_the_client_s(run: Run, streaming: bool) -> None:
    def script(asked: Asked) -> Answer:
        if results_of(asked):
            return answer(asked, items_of("Rain."))
        calls = [("weather", '{"city": "Ulm"}')]
        return answer(asked, [REASONING, *items_of("I look.", calls)])

    running = run(script=script)
    client = running.sdk()
    history: list[Any] = [{"role": "user", "content": "weather?"}]
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "name": "weather", "parameters": schema, "strict": False}
    first = _reply_to(client, streaming, input=history, tools=[tool])
    assert [item.type for item in first.output] == ["reasoning", "message", "function_call"]
    assert json.loads(first.output[2].arguments) == {"city": "Ulm"}
    result = {"type": "function_call_output", "call_id": first.output[2].call_id, "output": "Rain"}
    history += [*first.output, result]
    second = _reply_to(client, streaming, input=history, tools=[tool])
    assert second.output_text == "Rain."
    assert tools_of(running.model.asked[0]) == ["weather", "end_conversation"]


@both
def test_a_client_s_tool_of_the_same_name_is_the_client_s(run: Run, streaming: bool) -> None:
    running = run(script=speaks("", calls=[("end_conversation", "{}")]))
    tool = {"type": "function", "name": "end_conversation", "parameters": {}, "strict": False}
    reply = _reply_to(running.sdk(), streaming, input="hi", tools=[tool])
    assert reply.output[0].type == "function_call"


def _reply_to(client: openai.OpenAI, streaming: bool, **asked: Any) -> Any:
    if not streaming:
        return client.responses.create(model="model-1", **asked)
    with client.responses.stream(model="model-1", **asked) as events:
        return events.get_final_response()


class Weather(BaseModel):
    """What a structured reply holds."""

    city: str


def test_structured_replies_stay_structured(run: Run) -> None:
    running = run(script=speaks('{"city": "Ulm"}'))
    for _ in range(5):
        parsed = running.sdk().responses.parse(
            model="model-1", input="you idiot", text_format=Weather
        )
        assert parsed.output_parsed == Weather(city="Ulm")


async def test_the_async_sdk(run: Run) -> None:
    running = run(script=speaks("Fine."))
    async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="k") as client:
        assert (await client.responses.create(model="model-1", input="hi")).output_text == "Fine."
        async with client.responses.stream(model="model-1", input="hi") as events:
            assert (await events.get_final_response()).output_text == "Fine."
        raw = await client.responses.create(model="model-1", input="hi", stream=True)
        assert [one.type async for one in raw][-1] == "response.completed"


def test_a_stream_cut_after_any_event_is_an_error(run: Run) -> None:
    whole = streamed(items_of("One two three."))
    running = run()
    for cut in range(len(whole.pieces)):
        running.model.script = _always(replace(whole, pieces=whole.pieces[:cut]))
        with pytest.raises(openai.APIError):
            talk(running, streaming=True, max_retries=0).say(f"hi {cut}")


def _always(made: Answer) -> Script:
    return lambda _: made


def test_an_error_in_a_stream_is_passed_on(run: Run) -> None:
    error = {"type": "error", "code": "server_error", "message": "Too much.", "param": None}
    whole = streamed(items_of("One two"))
    pieces = [*whole.pieces[:5], event({**error, "sequence_number": 5})]
    running = run(script=_always(replace(whole, pieces=pieces)))
    raw = running.http().post("/v1/responses", json={"model": "m", "input": "hi", "stream": True})
    assert raw.content == b"".join(pieces)


HISTORY_ELSEWHERE = [
    {"previous_response_id": "resp_1"},
    {"conversation": "conv_1"},
    {"background": True},
]


@pytest.mark.parametrize("more", HISTORY_ELSEWHERE)
def test_a_history_that_is_not_sent_is_refused(run: Run, more: dict[str, Any]) -> None:
    running = run(script=speaks("Fine."))
    with pytest.raises(openai.BadRequestError, match="whole conversation") as refused:
        running.sdk().responses.create(model="model-1", input="hi", **more)
    assert (refused.value.code, refused.value.param) == ("history_not_sent", next(iter(more)))
    assert not running.model.asked


@pytest.mark.parametrize("more", HISTORY_ELSEWHERE)
def test_in_shadow_mode_it_passes_untouched(run: Run, more: dict[str, Any]) -> None:
    running = run(script=speaks("Fine."), policy=replace(POLICY, mode=Mode.SHADOW))
    body = json.dumps({"model": "m", "input": "you idiot", **more}).encode()
    reply = running.http().post("/v1/responses", content=body)
    assert (reply.status_code, running.model.asked[0].body) == (200, body)
    assert not [name for name in reply.headers if name.startswith("x-adjourn-decision")]


@both
def test_shadow_changes_nothing(run: Run, streaming: bool) -> None:
    running = run(script=calls_tool(1, "Fine."), policy=replace(POLICY, mode=Mode.SHADOW))
    asked = {"model": "m", "input": "you idiot, crisis", "stream": streaming}
    body = json.dumps(asked).encode()
    for _ in range(6):
        reply = running.http().post("/v1/responses", content=body)
        made = running.model.script(running.model.asked[-1])
        assert running.model.asked[-1].body == body
        assert reply.content == b"".join(made.pieces)


def test_other_endpoints_pass_untouched(run: Run) -> None:
    running = run(script=lambda _: Answer(pieces=[b'{"id": "resp_1", "output": []}']))
    client = running.sdk()
    assert client.responses.retrieve("resp_1").id == "resp_1"
    running.model.script = lambda _: Answer(pieces=[b'{"input_tokens": 7}'])
    assert client.responses.input_tokens.count(model="m", input="hi").input_tokens == 7
    assert [asked.path for asked in running.model.asked] == [
        "/v1/responses/resp_1",
        "/v1/responses/input_tokens",
    ]


def test_bad_requests_are_refused_in_the_dialect(run: Run) -> None:
    running = run()
    with pytest.raises(openai.BadRequestError) as refused:
        running.sdk().responses.create(model="model-1", input=[])
    assert (refused.value.param, refused.value.type) == ("input", "invalid_request_error")
