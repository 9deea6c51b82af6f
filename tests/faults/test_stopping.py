"""A gateway that is told to stop while replies are under way; as processes, as in production."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.gateway.conftest import Running
from tests.gateway.model_server import Answer, Asked, stream
from tests.gateway.raw import post, read_to_the_end, read_until

pytestmark = pytest.mark.slow
EVENTS = {"content-type": "text/event-stream"}
_STREAMS = 100


@pytest.fixture
def model() -> Iterator[Running]:
    """A model's server whose streams hang where they are told to, or end after a second."""

    def script(asked: Asked) -> Answer:
        if b"hang" in asked.body:
            return Answer(headers=EVENTS, pieces=stream("One two.").pieces[:2], ending="hang")
        words = " ".join(["word"] * 300)
        return Answer(headers=EVENTS, pieces=stream(words).pieces, pause_s=0.003)

    running = Running(script=script)
    running.start()
    yield running
    running.stop()


def serve(folder: Path, model: Running, drain_s: float) -> tuple[subprocess.Popen[str], int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["serve", "--upstream", f"http://127.0.0.1:{model.model.port}/v1"]
    environ = {**os.environ, "ADJOURN_SERVER__DRAIN_S": str(drain_s), "ADJOURN_LOG__FORMAT": "json"}
    process = subprocess.Popen(
        [sys.executable, "-m", "adjourn", *arguments, "--port", str(port)],
        stderr=subprocess.PIPE, text=True, cwd=folder, env=environ,
    )  # fmt: skip
    assert process.stderr is not None
    assert process.stderr.readline().startswith("adjourn listens")
    return process, port


def ask(port: int, words: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    messages = [{"role": "user", "content": words}]
    body = json.dumps({"model": "m", "stream": True, "messages": messages}).encode()
    client.sendall(post(body))
    return client


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_stop_with_open_streams(
    model: Running, tmp_path: Path, signal_number: signal.Signals
) -> None:
    """35: SIGTERM with 100 open streams: drain, then error event, ledger flushed."""
    process, port = serve(tmp_path, model, 6)
    with process, ExitStack() as stack:
        clients = [
            stack.enter_context(ask(port, f"{'hang' if i % 2 else 'end'} {i}"))
            for i in range(_STREAMS)
        ]
        begun = [read_until(client, b'"role": "assistant"') for client in clients]
        process.send_signal(signal_number)
        replies = [
            first + read_to_the_end(client) for first, client in zip(begun, clients, strict=True)
        ]
        assert process.stderr is not None
        log = process.stderr.read()
    for number, reply in enumerate(replies):
        if number % 2:
            assert b'"error"' in reply
            assert b"being stopped" in reply
            assert b"[DONE]" not in reply
        else:
            assert reply.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"), reply[-300:]
    assert process.returncode in {0, -signal_number}
    assert "Traceback" not in log
    with sqlite3.connect(tmp_path / "adjourn-data" / "adjourn.sqlite3") as database:
        (kept,) = database.execute("SELECT count(*) FROM entries WHERE kind = 'turn'").fetchone()
    assert kept == _STREAMS // 2


def test_hang_up_reloads_and_nothing_stops(model: Running, tmp_path: Path) -> None:
    """32: SIGHUP while a stream flows: the policy is replaced, the stream goes on."""
    (tmp_path / "adjourn.toml").write_text("policy = 'consumer-chat'\n")
    process, port = serve(tmp_path, model, 5)
    with process, ask(port, "end") as client:
        begun = read_until(client, b'"role": "assistant"')
        (tmp_path / "adjourn.toml").write_text("policy = 'companion'\n")
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        reloaded = json.loads(process.stderr.readline())
        (tmp_path / "adjourn.toml").write_text("policy = 'no-such-policy'\n")
        process.send_signal(signal.SIGHUP)
        refused = json.loads(process.stderr.readline())
        whole = begun
        while b"[DONE]" not in whole:
            whole += client.recv(65536)
        time.sleep(0)
        process.terminate()
    assert (reloaded["message"], reloaded["policy"]) == ("reloaded", "companion")
    assert "all stays as it was" in refused["message"]
    assert "no-such-policy" in refused["message"]
