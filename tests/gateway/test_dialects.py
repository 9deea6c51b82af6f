"""A client whose dialect the model's server does not speak is told so, in its own."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import anthropic
import openai
import pytest

from adjourn.core.policy import Mode
from tests.core.tabletop import POLICY
from tests.logs import logged

from .anthropic_server import speaks
from .conftest import Running
from .model_server import Answer, Asked, completion, says

Run = Callable[..., Running]
HI: list[Any] = [{"role": "user", "content": "hi"}]
NOT_FOUND = Answer(404, pieces=[b'{"detail":"Not Found"}'])

both = pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])


def claude(running: Running) -> anthropic.Anthropic:
    client = anthropic.Anthropic(base_url=running.url, api_key="client-key")
    running.clients.append(client)
    return client


@both
def test_anthropic_s_sdk_is_told_what_the_server_speaks(run: Run, streaming: bool) -> None:
    running = run(upstream={"dialects": ["chat_completions", "responses"]})
    with pytest.raises(anthropic.NotFoundError) as refused:
        claude(running).messages.create(model="m", max_tokens=9, messages=HI, stream=streaming)
    error = json.loads(refused.value.response.content)
    assert (error["type"], error["error"]["type"]) == ("error", "not_found_error")
    assert error["error"]["code"] == "dialect_not_served"
    assert "does not speak Anthropic Messages" in error["error"]["message"]
    assert "it speaks OpenAI Chat Completions and OpenAI Responses" in str(refused.value)
    assert not running.model.asked, "nothing went to the model's server, and nothing twice"


@both
def test_openai_s_sdk_is_told_what_the_server_speaks(run: Run, streaming: bool) -> None:
    running = run(upstream={"dialects": ["messages"]}, script=speaks("Fine."))
    client: Any = running.sdk()
    asked = {"model": "m", "stream": streaming}
    for create, more in (
        (client.chat.completions.create, {"messages": HI}),
        (client.responses.create, {"input": "hi"}),
    ):
        with pytest.raises(openai.NotFoundError) as refused:
            create(**asked, **more)
        assert refused.value.code == "dialect_not_served"
        assert refused.value.type == "invalid_request_error"
        assert "it speaks Anthropic Messages. Change the client" in refused.value.message
        assert "client.messages.create" in refused.value.message
    assert not running.model.asked
    reply = claude(running).messages.create(model="m", max_tokens=9, messages=HI)
    assert reply.content[0].type == "text"
    assert len(running.model.asked) == 1


def test_what_the_server_speaks_and_other_paths_go_on_as_ever(run: Run) -> None:
    running = run(upstream={"dialects": ["chat_completions"]})
    assert running.sdk().chat.completions.create(model="m", messages=HI).choices
    for method, path in (("GET", "/v1/responses"), ("POST", "/v1/messages/count_tokens")):
        running.http().request(method, path, json={"model": "m"})
        assert running.model.asked[-1].path == path
    refused = running.http().post("/v1/Messages/", json={})
    assert refused.status_code == 404
    assert refused.headers["x-should-retry"] == "false"
    metrics = running.http().get("/metrics").text
    assert 'adjourn_refused_total{code="dialect_not_served"} 1.0' in metrics


def test_shadow_changes_nothing_here_either(run: Run) -> None:
    policy = replace(POLICY, mode=Mode.SHADOW)
    running = run(policy=policy, upstream={"dialects": ["messages"]})
    assert running.sdk().chat.completions.create(model="m", messages=HI).choices


def test_who_has_no_key_is_told_nothing_of_the_server(run: Run) -> None:
    keys = [{"id": "a", "sha256": "0" * 64}]
    running = run(upstream={"dialects": ["messages"]}, config={"keys": keys})
    with pytest.raises(openai.AuthenticationError):
        running.sdk().chat.completions.create(model="m", messages=HI)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    with logged("info") as written:
        yield written


def warnings(log: io.StringIO) -> list[str]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line["message"] for line in lines if line["level"] == "warning"]


def only_chat(asked: Asked) -> Answer:
    return says("Fine.")(asked) if asked.path == "/v1/chat/completions" else NOT_FOUND


def test_a_server_that_seems_not_to_speak_a_dialect_is_told_of_once(
    run: Run, log: io.StringIO
) -> None:
    running = run(script=only_chat)
    for _ in range(3):
        with pytest.raises(anthropic.NotFoundError, match="Not Found"):
            claude(running).messages.create(model="m", max_tokens=9, messages=HI)
    assert running.sdk().chat.completions.create(model="m", messages=HI).choices
    (told,) = warnings(log)
    assert "404 to /v1/messages with nothing that is an error of Anthropic Messages" in told
    assert "upstream.dialects" in told
    with pytest.raises(openai.NotFoundError):
        running.sdk().responses.create(model="m", input="hi")
    assert len(warnings(log)) == 2


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, pieces=[b'{"error": {"message": "no such model", "code": "model_not_found"}}']),
        Answer(404, ending="reset"),
        Answer(403, pieces=[b"forbidden"]),
        completion("Fine."),
    ],
    ids=["an error of its own", "cut", "another status", "a reply"],
)
def test_what_says_nothing_of_dialects_is_not_taken_for_it(
    run: Run, log: io.StringIO, answer: Answer
) -> None:
    running = run(script=lambda _: answer)
    running.http().post("/v1/chat/completions", json={"model": "m", "messages": HI})
    assert not [told for told in warnings(log) if "dialect" in told]


def test_a_server_whose_dialects_are_configured_is_not_watched(run: Run, log: io.StringIO) -> None:
    running = run(script=lambda _: NOT_FOUND, upstream={"dialects": ["chat_completions"]})
    reply = running.http().post("/v1/chat/completions", json={"model": "m", "messages": HI})
    assert (reply.status_code, reply.json()) == (404, {"detail": "Not Found"})
    assert not warnings(log)
