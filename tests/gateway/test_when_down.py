"""``store.when_down``: what a request gets while nobody knows whether it is locked."""

from collections.abc import Iterator

import httpx2
import pytest

from adjourn.store.memory import MemoryStore

from .conftest import Running

DIALECTS = {
    "/v1/chat/completions": {"model": "m", "messages": [{"role": "user", "content": "Hello"}]},
    "/v1/messages": {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hello"}],
    },
}


@pytest.fixture
def down() -> Iterator[MemoryStore]:
    store = MemoryStore()
    yield store
    store.available = True


def ready(running: Running) -> int:
    return httpx2.get(f"http://127.0.0.1:{running.port}/readyz").status_code


def test_pass_lets_conversations_go_on(down: MemoryStore) -> None:
    running = Running(store=down)
    running.start()
    down.available = False
    told = httpx2.post(
        f"http://127.0.0.1:{running.port}/v1/chat/completions",
        json=DIALECTS["/v1/chat/completions"],
    )
    assert told.status_code == 200
    assert ready(running) == 200
    running.stop()


@pytest.mark.parametrize("path", DIALECTS)
def test_fail_has_clients_try_again(down: MemoryStore, path: str) -> None:
    running = Running(store=down, config={"store": {"when_down": "fail"}})
    running.start()
    down.available = False
    told = httpx2.post(f"http://127.0.0.1:{running.port}{path}", json=DIALECTS[path])
    assert told.status_code == 503
    assert told.headers["retry-after"] == "1"
    error = told.json()["error"]
    assert "try again" in error["message"]
    assert error.get("code", "store_unavailable") == "store_unavailable"
    assert running.model.asked == []
    assert ready(running) == 503
    running.stop()
