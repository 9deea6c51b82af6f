"""A gateway under attack; and a listener that nobody may ever reach."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.gateway.conftest import Running, run, stopping

__all__ = ["Canary", "canary", "run", "running", "stopping"]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """One gateway for all tests of a module that leave nothing behind."""
    shared = Running(upstream={"api_key": "operator-key"})
    shared.start()
    yield shared
    shared.stop()


@pytest.fixture(autouse=True)
def _nothing_asked_yet(request: pytest.FixtureRequest) -> None:
    if "running" in request.fixturenames:
        request.getfixturevalue("running").model.asked.clear()


@dataclass
class Canary:
    """Listens on loopback and counts who comes."""

    listener: socket.socket
    visitors: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def listen(self) -> None:
        while True:
            try:
                visitor, _ = self.listener.accept()
            except OSError:
                return
            with visitor:
                visitor.settimeout(1)
                self.visitors.append(visitor.recv(1000))


@pytest.fixture
def canary() -> Iterator[Canary]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bird = Canary(listener)
        thread = threading.Thread(target=bird.listen, daemon=True)
        thread.start()
        yield bird
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
