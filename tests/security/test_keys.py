"""Keys: guessed, malformed, out of scope; and the operator's own, which never gets out."""

import hashlib
import hmac
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adjourn.gateway.keys import GatewayKey, Keyring, KeyScope
from adjourn.store.sqlite import SqliteStore
from adjourn.testing import FakeClock
from tests.gateway.conftest import Running
from tests.gateway.model_server import Answer, Asked, completion, says, stream
from tests.gateway.raw import exchange, post, status
from tests.logs import logged

Run = Callable[..., Running]

HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
BODY = json.dumps(HELLO).encode()


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@pytest.mark.parametrize("secret", ["first", "middle", "last", "nobody's", ""])
def test_every_key_is_compared_in_constant_time(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever's key it is, and if it is nobody's, the same comparisons are made."""
    compared: list[tuple[Any, Any]] = []
    real = hmac.compare_digest

    def compare(a: Any, b: Any) -> bool:
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr("hmac.compare_digest", compare)
    keys = [GatewayKey(name, digest(name)) for name in ("first", "middle", "last")]
    found = Keyring(keys, FakeClock()).tenant(f"Bearer {secret}")
    assert found == (secret if secret in {"first", "middle", "last"} else None)
    assert len(compared) == 3
    assert {len(a) == len(b) == 32 for a, b in compared} == {True}


@pytest.mark.parametrize(
    "authorization",
    [
        "", "Bearer", "Bearer ", "Basic c2VzYW1l", "sesame", "bearer  ", "Bearer sesame x",
        "Bearer ' OR '1'='1", "Bearer sesame'--", "Bearer \xff\xfe", "Bearer " + "a" * 50_000,
        "Bearer " + digest("sesame"), "Bearer %73esame", "Bearer sesam\u00e9",
    ],
)  # fmt: skip
def test_what_is_no_key_opens_nothing(run: Run, authorization: str) -> None:
    running = run(config={"keys": [{"id": "app", "sha256": digest("sesame")}]})
    reply = exchange(running, post(BODY, f"authorization: {authorization}", "connection: close"))
    assert status(reply) == 401
    assert not running.model.asked


def test_a_key_of_another_scope_opens_nothing() -> None:
    keys = [GatewayKey(scope, digest(scope), frozenset({scope})) for scope in KeyScope]
    ring = Keyring(keys, FakeClock())
    for key in KeyScope:
        for scope in KeyScope:
            assert ring.tenant(f"Bearer {key}", scope) == (key if key is scope else None)


def test_a_key_with_the_scope_console_may_read_the_console_and_change_nothing(run: Run) -> None:
    keys = [
        {"id": "wall", "sha256": digest("sesame"), "scopes": ["console"]},
        {"id": "past", "sha256": digest("old"), "scopes": ["console"], "not_after": "2020-01-01"},
        {"id": "app", "sha256": digest("app")},
    ]
    running = run(config={"keys": keys})
    for secret in ("old", "app"):
        assert running.http().post("/console/sign-in", data={"key": secret}).status_code == 401
    http = running.http()
    assert http.post("/console/sign-in", data={"key": "sesame"}).status_code == 303
    assert http.get("/console").status_code == 200
    assert http.post("/console/policy", data={"text": "x"}).status_code in {401, 403}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    with logged("debug") as written:
        yield written


def test_keys_are_never_logged_stored_or_told(run: Run, tmp_path: Path, log: io.StringIO) -> None:
    """After all kinds of requests, no file, log line, metric or reply holds a key."""
    replies = iter(
        [
            completion("Fine."), stream("Fine."), Answer(500, pieces=[b"{}"]),
            Answer(ending="reset"), Answer(pieces=[b"no json"]), stream("Fine.", ending="reset"),
        ]
    )  # fmt: skip

    def script(asked: Asked) -> Answer:
        return next(replies, None) or says("Fine.")(asked)

    keys = [
        {"id": "app", "sha256": digest("gateway-secret")},
        {"id": "ops", "sha256": digest("report-secret"), "scopes": ["report"]},
    ]
    running = run(
        script=script,
        store=SqliteStore.open(tmp_path / "adjourn.sqlite3"),
        config={"keys": keys, "log": {"requests": True}},
        upstream={"api_key": "upstream-secret"},
    )
    with_key = {"authorization": "Bearer gateway-secret"}
    told = ""
    for number in range(9):
        asked = {**HELLO, "stream": number % 2 == 1}
        for path in ("/v1/chat/completions", "/v1/embeddings"):
            http = running.http()
            try:
                reply = http.post(path, json=asked, headers=with_key)
            except Exception as error:  # noqa: BLE001 - a cut reply is one of the cases
                told += repr(error)
            else:
                told += reply.text + str(reply.headers)
    wrong = running.http().post(
        "/v1/x", json=HELLO, headers={"authorization": "Bearer wrong-secret"}
    )
    with_report = {"authorization": "Bearer report-secret"}
    told += wrong.text + running.http().get("/metrics", headers=with_report).text
    assert all(a.headers["authorization"] == "Bearer upstream-secret" for a in running.model.asked)
    running.stop()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"appeal" in kept or kept
    ours = "\n".join(
        line
        for line in log.getvalue().splitlines()
        if json.loads(line)["logger"].startswith("adjourn")
    )
    assert "served" in ours
    for secret in ("upstream-secret", "gateway-secret", "report-secret", "wrong-secret"):
        assert secret not in told
        assert secret not in ours
        assert secret.encode() not in kept
        assert repr(secret) not in repr(running.front)
