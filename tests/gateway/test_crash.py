"""Killed at any moment, the gateway loses no end that a client has seen."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import openai
import pytest

from adjourn.report.ledger_check import Finding, check_ledger
from adjourn.store.sqlite_ledger import SqliteLedger

from .chatting import Conversation
from .conftest import Running


class Crashing:
    """A gateway process that can be killed and started again on the same database."""

    def __init__(self, database: Path, base_url: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.database = database
        self._arguments = [str(self.port), str(database), base_url]

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.gateway.serve_for_crash", *self._arguments]
        self.process = subprocess.Popen(command)
        for _ in range(500):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.1):
                return
            assert self.process.poll() is None
            time.sleep(0.02)
        raise AssertionError("the gateway did not start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def sdk(self) -> openai.OpenAI:
        url = f"http://127.0.0.1:{self.port}/v1"
        return openai.OpenAI(base_url=url, api_key="k", max_retries=0, timeout=10)


@pytest.fixture
def crashing(run: Callable[..., Running], tmp_path: Path) -> Iterator[Crashing]:
    gateway = Crashing(tmp_path / "a.sqlite3", f"http://127.0.0.1:{run().model.port}/v1")
    gateway.start()
    yield gateway
    gateway.kill()


def ended_conversations(client: openai.OpenAI, name: str, seen: list[list[dict[str, Any]]]) -> None:
    """Have conversations ended one after the other until the gateway dies."""
    number = 0
    with suppress(openai.APIError):
        while True:
            number += 1
            chat = Conversation(client, number % 2 == 0, options={"user": f"{name}-{number}"})
            while chat.decision != "end":
                chat.say("you idiot")
            seen.append([{"user": chat.options["user"]}, *chat.messages])


@pytest.mark.parametrize(
    "rounds", [1, pytest.param(12, marks=pytest.mark.slow)], ids=["once", "often"]
)
def test_kill_9_loses_no_recorded_end(crashing: Crashing, rounds: int) -> None:
    seen: list[list[dict[str, Any]]] = []
    for turn in range(rounds):
        client = crashing.sdk()
        threads = [
            threading.Thread(target=ended_conversations, args=(client, f"{turn}-{i}", seen))
            for i in range(3)
        ]
        for thread in threads:
            thread.start()
        before = len(seen)
        for _ in range(2000):  # at least one end was seen; then at any moment of the next ones
            if len(seen) > before:
                break
            time.sleep(0.01)
        time.sleep(0.037 * turn)
        crashing.kill()
        for thread in threads:
            thread.join()
        crashing.start()
        client = crashing.sdk()
        for options, *messages in seen:
            chat = Conversation(client, messages=list(messages), options=options)
            with pytest.raises(openai.PermissionDeniedError):
                chat.say("and now?")
            chat.messages = list(messages[:-1])
            assert chat.again() == messages[-1]["content"]
        assert len(seen) > before
    crashing.kill()
    assert ledger_findings(crashing.database) == ()


def ledger_findings(database: Path) -> tuple[Finding, ...]:
    with closing(SqliteLedger.open(str(database))) as ledger:
        return check_ledger(ledger.stream(), ends=ledger.ends()).findings
