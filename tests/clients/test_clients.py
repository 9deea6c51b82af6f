"""Clients that people use, with nothing changed but the ``base_url``.

Each runs in an environment of its own (``make test-clients``), because they would not all fit into
one, and none belongs among what adjourn needs.
"""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import anthropic_server, responses_server
from tests.gateway.conftest import Running
from tests.gateway.model_server import Answer, Asked, Script, says

Run = Callable[..., Running]

PROGRAMS = Path(__file__).parent / "programs"
PYTHONS = {
    "litellm_sdk": "ADJOURN_LITELLM_PYTHON",
    "langchain_chat": "ADJOURN_CLIENTS_PYTHON",
    "openai_agents": "ADJOURN_CLIENTS_PYTHON",
    "pydantic_agents": "ADJOURN_CLIENTS_PYTHON",
}
"""By program, which variable names the interpreter that it runs in."""


@dataclass(frozen=True)
class ClientUnderTest:
    """A program, and the dialect that it is to speak."""

    program: str
    kind: str

    def talk(self, running: Running, says: list[str], **more: Any) -> list[dict[str, Any]]:
        """Return what the client gave for each message: a text, or an error."""
        python = os.environ[PYTHONS[self.program]]
        wanted = {"stream": False, "tools": False, "structured": False, "headers": {}, **more}
        done = subprocess.run(
            [python, str(PROGRAMS / f"{self.program}.py")],
            input=json.dumps({"url": running.url, "kind": self.kind, "says": says, **wanted}),
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "OPENAI_API_KEY": "unused"},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        return told


CLIENTS = [
    ClientUnderTest("langchain_chat", "chat"),
    ClientUnderTest("langchain_chat", "responses"),
    ClientUnderTest("langchain_chat", "anthropic"),
    ClientUnderTest("openai_agents", "chat"),
    ClientUnderTest("openai_agents", "responses"),
    ClientUnderTest("pydantic_agents", "chat"),
    ClientUnderTest("pydantic_agents", "responses"),
    ClientUnderTest("pydantic_agents", "anthropic"),
    ClientUnderTest("litellm_sdk", "chat"),
    ClientUnderTest("litellm_sdk", "anthropic"),
]

BY_TOOL = [
    ClientUnderTest("pydantic_agents", "anthropic"),
    ClientUnderTest("litellm_sdk", "anthropic"),
]
"""Those that ask models they do not know for a structured reply by way of a tool: a tool loop."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(variable not in os.environ for variable in PYTHONS.values()),
        reason="the clients are not installed: make test-clients",
    ),
]
every = pytest.mark.parametrize("client", CLIENTS, ids=lambda c: f"{c.program}-{c.kind}")
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

SPEAKS: dict[str, Callable[..., Script]] = {
    "chat": says,
    "responses": responses_server.speaks,
    "anthropic": anthropic_server.speaks,
}


def with_tool(kind: str) -> Script:
    """A model that asks for the weather, once."""

    def script(asked: Asked) -> Answer:
        knows = "Rain in Ulm" in asked.body.decode()
        calls = [] if knows else [("weather", '{"city": "Ulm"}')]
        return SPEAKS[kind]("It rains." if knows else "", calls=calls)(asked)

    return script


def locked(running: Running) -> int:
    """How often a locked conversation was knocked at."""
    lines = running.http().get("/metrics").text.splitlines()
    return next(int(float(n.split()[1])) for n in lines if n.startswith("adjourn_locked_total"))


@every
@both
def test_the_ladder_reaches_the_user(run: Run, client: ClientUnderTest, stream: bool) -> None:
    running = run(script=SPEAKS[client.kind]("Fine."))
    told = client.talk(running, [*["you idiot"] * 5, "hello?"], stream=stream)
    texts = [one.get("text", one) for one in told[:5]]
    for text in texts[:4]:
        assert text.startswith("Fine.")
        assert len(text) > len("Fine.")
    assert "may be ended" in texts[2]
    assert "nothing more can be written" in texts[4].lower()
    refused = told[5]
    assert "conversation was ended" in refused["message"]
    assert locked(running) == 1, "a client that tries a locked conversation again"


@every
@both
def test_crisis_trumps_end(run: Run, client: ClientUnderTest, stream: bool) -> None:
    running = run(script=SPEAKS[client.kind]("Fine."))
    headers = {"X-Adjourn-Country": "GB"}
    texts = ["you idiot", "you idiot, crisis", *["you idiot"] * 5]
    told = client.talk(running, texts, stream=stream, headers=headers)
    assert all("116 123" in one["text"] for one in told[1:])
    assert not locked(running)


@every
@both
def test_a_tool_loop(run: Run, client: ClientUnderTest, stream: bool) -> None:
    running = run(script=with_tool(client.kind))
    told = client.talk(running, ["How is the weather in Ulm?"], stream=stream, tools=True)
    assert told == [{"text": "It rains."}]
    assert len(running.model.asked) == 2


@pytest.mark.parametrize(
    "client",
    [one for one in CLIENTS if one not in BY_TOOL],
    ids=lambda c: f"{c.program}-{c.kind}",
)
def test_structured_replies(run: Run, client: ClientUnderTest) -> None:
    running = run(script=SPEAKS[client.kind]('{"city": "Ulm"}'))
    told = client.talk(running, ["you idiot, which city?"] * 4, structured=True)
    assert told == [{"text": "Ulm"}] * 4
