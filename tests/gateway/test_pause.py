"""Pauses through the official SDKs, whole and streamed, in all dialects; tests set the clock."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anthropic
import openai
import pytest

from adjourn.core.entries import Append, EndRecord
from adjourn.core.errors import StoreUnavailable
from adjourn.core.policy import Mode, PauseRules
from adjourn.runtime.clock import SystemClock
from adjourn.store.memory import MemoryStore
from tests.core.tabletop import POLICY

from . import anthropic_server, responses_server, test_anthropic_sdk, test_responses_sdk
from .chatting import Conversation
from .conftest import Running
from .model_server import Answer, Script, says

Run = Callable[..., Running]

PAUSING = replace(POLICY, pause=PauseRules(enabled=True, seconds=600))
AT_MS = 1_800_000_000_000
RESUMES_AT = "2027-01-15T08:10:00Z"
GB = {"x-adjourn-country": "GB"}


class Watch(SystemClock):
    """A clock whose time of day is set by hand."""

    wall_ms = AT_MS

    def now_ms(self) -> int:
        return self.wall_ms


class Stubborn(MemoryStore):
    """Records everything but what a pause answers."""

    async def append(self, append: Append) -> EndRecord | None:
        if any(rule.startswith("pause.") for rule in append.entry.rules):
            raise StoreUnavailable("asked to")
        return await super().append(append)


def completions(running: Running, stream: bool) -> Any:
    return Conversation(running.sdk(default_headers=GB), stream)


def messages(running: Running, stream: bool) -> Any:
    return test_anthropic_sdk.talk(running, stream, default_headers=GB)


def responses(running: Running, stream: bool) -> Any:
    return test_responses_sdk.talk(running, stream, default_headers=GB)


DIALECTS: list[tuple[Script, Callable[[Running, bool], Any]]] = [
    (says("Fine."), completions),
    (anthropic_server.speaks("Fine."), messages),
    (responses_server.speaks("Fine."), responses),
]
every_dialect = pytest.mark.parametrize(("script", "talk"), DIALECTS, ids=lambda one: one.__name__)
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture
def watch() -> Watch:
    return Watch()


def retry(chat: Any, text: str) -> str:
    """Send the last message once more, as a client does that lost the reply."""
    history = chat.items if hasattr(chat, "items") else chat.messages
    while history[-1] != {"role": "user", "content": text}:
        history.pop()
    history.pop()
    return str(chat.say(text))


@both
@every_dialect
def test_a_pause_gives_support_and_goes_on_by_itself(
    run: Run, watch: Watch, script: Script, talk: Callable[[Running, bool], Any], stream: bool
) -> None:
    running = run(script=script, policy=PAUSING, clock=watch)
    chat = talk(running, stream)
    assert chat.say("crisis").startswith("Fine.")
    assert "resumes_at" not in chat.extension
    asked = len(running.model.asked)
    words = chat.say("still crisis")
    for held, later_ms, left in ((words, 0, 600), (chat.say("hello"), 0, 600), ("", 1, 600)):
        watch.wall_ms += later_ms
        told = held or chat.say("are you there?")
        assert chat.decision == "support"
        assert "116 123" in told
        assert "at most 10 min" in told
        assert "end" not in told.split()
        assert chat.extension["resources"]["country"] == "GB"
        assert chat.extension["resumes_at"] == RESUMES_AT
        assert chat.extension["resumes_in_s"] == left
    watch.wall_ms = AT_MS + 599_999
    assert "116 123" in chat.say("I am in a crisis")
    assert chat.extension["resumes_in_s"] == 1
    assert len(running.model.asked) == asked, "the model was not asked"
    watch.wall_ms = AT_MS + 600_000
    for text in ("hello", "crisis", "crisis"):
        assert chat.say(text).startswith("Fine.")
        assert chat.decision == "support"
        assert "116 123" in str(chat.extension["resources"])
        assert not {"resumes_at", "resumes_in_s"} & set(chat.extension)
    assert len(running.model.asked) == asked + 3
    assert talk(running, stream).say("hello") == "Fine.", "a new chat is open"


@both
@every_dialect
def test_the_same_request_gets_the_same_answer_and_then_goes_on(
    run: Run, watch: Watch, script: Script, talk: Callable[[Running, bool], Any], stream: bool
) -> None:
    running = run(script=script, policy=PAUSING, clock=watch)
    chat = talk(running, stream)
    chat.say("crisis")
    words = chat.say("still crisis")
    node = chat.extension["node"]
    for wall_ms in (AT_MS + 1, AT_MS + 599_999):
        watch.wall_ms = wall_ms
        assert retry(chat, "still crisis") == words
        assert chat.extension["resumes_at"] == RESUMES_AT
        assert chat.extension["node"] == node
    watch.wall_ms = AT_MS + 600_000
    assert retry(chat, "still crisis").startswith("Fine.")
    assert chat.extension["node"] == node
    state = running.http().get(f"/adjourn/v1/nodes/{node}").json()["state"]
    assert state == "open", "nothing is locked"


@every_dialect
def test_a_clock_that_is_set_back_ends_a_pause(
    run: Run, watch: Watch, script: Script, talk: Callable[[Running, bool], Any]
) -> None:
    running = run(script=script, policy=PAUSING, clock=watch)
    chat = talk(running, False)
    for _ in range(2):
        chat.say("crisis")
    watch.wall_ms = AT_MS - 86_400_000
    assert chat.say("hello").startswith("Fine.")
    watch.wall_ms = AT_MS + 1
    assert chat.say("hello").startswith("Fine.")


@every_dialect
def test_recorded_before_seen(
    run: Run, watch: Watch, script: Script, talk: Callable[[Running, bool], Any]
) -> None:
    running = run(script=script, policy=PAUSING, clock=watch, store=Stubborn())
    chat = talk(running, True)
    for _ in range(3):
        assert chat.say("crisis").startswith("Fine.")
        assert chat.decision == "support"
        assert "resumes_at" not in chat.extension


@every_dialect
@pytest.mark.parametrize("ending", ["eof", "reset"])
def test_support_behind_a_reply_that_was_cut_is_support(
    run: Run, watch: Watch, script: Script, talk: Callable[[Running, bool], Any], ending: str
) -> None:
    """Whoever speaks again after it is paused, as after any other."""

    def cut(body: Any) -> Answer:
        whole = script(body)
        at = next(at for at, piece in enumerate(whole.pieces) if b"Fine" in piece)
        return replace(whole, pieces=whole.pieces[: at + 1], ending=ending)

    running = run(script=cut, policy=PAUSING, clock=watch)
    chat = talk(running, True)
    said = chat.say("crisis")
    assert said.startswith("Fine")
    assert "116 123" in said
    chat.say("still crisis")
    assert chat.extension["resumes_at"] == RESUMES_AT
    assert len(running.model.asked) == 1


def test_a_pause_holds_in_the_other_dialect_too(run: Run, watch: Watch) -> None:
    running = run(policy=PAUSING, clock=watch)
    chat = completions(running, False)
    for _ in range(2):
        chat.say("crisis")
    client = anthropic.Anthropic(base_url=running.url, api_key="client-key")
    running.clients.append(client)
    history = [*chat.messages, {"role": "user", "content": "hello"}]
    reply = client.messages.create(model="m", max_tokens=9, messages=history)
    assert (reply.model_extra or {})["adjourn"]["resumes_at"] == RESUMES_AT


def test_with_pauses_off_nothing_is_different(run: Run, watch: Watch) -> None:
    """The same bytes to the model and to the client, and the same calls of the store."""

    class Counted(MemoryStore):
        calls = 0

        async def append(self, append: Append) -> EndRecord | None:
            Counted.calls += 1
            return await super().append(append)

    told: list[list[object]] = []
    for rules in (PauseRules(), PauseRules(enabled=False, seconds=60)):
        Counted.calls = 0
        running = run(policy=replace(POLICY, pause=rules), clock=watch, store=Counted())
        chat = completions(running, False)
        seen = [[chat.say("crisis"), chat.decision, chat.extension] for _ in range(4)]
        told.append([seen, [asked.body for asked in running.model.asked]])
        assert Counted.calls == 4
        assert len(running.model.asked) == 4
        assert all(set(one[2]) == {"decision", "node", "resources"} for one in seen)
    assert told[0] == told[1]


def test_a_reply_that_must_be_json_is_the_model_s(run: Run, watch: Watch) -> None:
    running = run(policy=PAUSING, clock=watch)
    chat = completions(running, False)
    for _ in range(2):
        chat.say("crisis")
    chat.options["response_format"] = {"type": "json_object"}
    assert chat.say("crisis") == "Fine."
    assert "116 123" in str(chat.extension["resources"])
    assert "resumes_at" not in chat.extension


def test_shadow_mode_pauses_nobody(run: Run, watch: Watch) -> None:
    shadow = replace(PAUSING, mode=Mode.SHADOW)
    running = run(policy=shadow, clock=watch)
    client: openai.OpenAI = running.sdk()
    said: list[Any] = []
    for _ in range(3):
        said.append({"role": "user", "content": "crisis"})
        reply = client.chat.completions.create(model="m", messages=said)
        assert "adjourn" not in (reply.model_extra or {})
        assert reply.choices[0].message.content == "Fine."
        said.append({"role": "assistant", "content": "Fine."})
    figures = running.http().get("/metrics").text
    assert "adjourn_pauses_total 0.0" in figures


def test_pauses_are_counted(run: Run, watch: Watch) -> None:
    running = run(policy=PAUSING, clock=watch)
    chat = completions(running, False)
    for _ in range(4):
        chat.say("crisis")
    figures = running.http().get("/metrics").text
    assert "adjourn_pauses_total 1.0" in figures
    assert "adjourn_crises_total 4.0" in figures
