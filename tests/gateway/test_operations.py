"""What operators rely on: metrics, readiness, request ids, logs, limits, reload."""

import asyncio
import hashlib
import io
import json
import logging
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from adjourn.config import Config, LogConfig, load_config
from adjourn.core.assessments import Unknown
from adjourn.core.errors import StoreUnavailable
from adjourn.runtime.logs import start_log
from adjourn.store.memory import MemoryStore
from adjourn.testing import FixedDetector
from tests.logs import logged

from .chatting import Conversation
from .conftest import Running
from .model_server import Answer, completion, says, stream
from .raw import eventually

Run = Callable[..., Running]

HELLO = {"model": "model-1", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    with logged("info") as written:
        yield written


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def figures(running: Running, **headers: str) -> dict[str, float]:
    text = running.http().get("/metrics", headers=headers).text
    pairs = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


def to_the_end(running: Running) -> Conversation:
    """Go up the ladder to an end that the policy decides on."""
    chat = Conversation(running.sdk())
    for _ in range(8):
        chat.say("you idiot")
        if chat.decision == "end":
            return chat
    raise AssertionError(chat.decision)


def test_metrics_count_what_was_decided(run: Run) -> None:
    running = run()
    Conversation(running.sdk()).say("hello")
    Conversation(running.sdk()).say("I am in a crisis")
    chat = to_the_end(running)
    with pytest.raises(Exception, match="403"):
        chat.say("and another thing")
    seen = figures(running)
    ok = 'adjourn_requests_total{decision="%s",dialect="chat_completions",status="%s"}'
    assert seen[ok % ("continue", 200)] == 1
    assert seen[ok % ("warn", 200)] == 1
    assert seen[ok % ("support", 200)] == 1
    assert seen[ok % ("end", 200)] == 1
    assert seen[ok % ("locked", 403)] == 1
    assert seen['adjourn_ends_total{requested_by="policy"}'] == 1
    assert (seen["adjourn_warnings_total"], seen["adjourn_crises_total"]) == (1, 1)
    assert seen["adjourn_locked_total"] == 1
    assert seen['adjourn_detector_seconds_count{detector="fixed"}'] > 0
    assert seen['adjourn_store_seconds_count{call="append"}'] > 0
    assert seen['adjourn_upstream_replies_total{status="200"}'] > 0
    assert seen["adjourn_streams_open"] == 0
    assert seen["adjourn_requests_open"] == 0


def test_denied_requests_of_the_model_are_counted(run: Run) -> None:
    asked = iter([completion(None, calls=[("end_conversation", "{}")]), completion("Fine.")])
    running = run(script=lambda _: next(asked))
    Conversation(running.sdk()).say("hello")
    assert figures(running)["adjourn_denied_model_requests_total"] == 1


def test_no_label_is_the_client_s_to_choose(run: Run) -> None:
    running = run()
    for number in range(20):
        name = f"made-up-{number}"
        body = {**HELLO, "model": name, "user": name}
        running.http().post(f"/v1/{name}", json=body, headers={"x-request-id": name})
        running.http().post("/v1/chat/completions", json=body, headers={"authorization": name})
    assert "made-up" not in running.http().get("/metrics").text


def test_metrics_want_a_key_with_the_scope_report_where_there_are_keys(run: Run) -> None:
    keys = [
        {"id": name, "sha256": hashlib.sha256(name.encode()).hexdigest(), "scopes": [name]}
        for name in ("proxy", "report")
    ]
    running = run(config={"keys": keys})
    http = running.http()
    assert http.get("/metrics").status_code == 401
    assert http.get("/metrics", headers={"authorization": "Bearer proxy"}).status_code == 401
    assert http.get("/metrics", headers={"authorization": "Bearer report"}).status_code == 200
    with_report = {"authorization": "Bearer report"}
    assert http.post("/v1/chat/completions", json=HELLO, headers=with_report).status_code == 401
    assert http.get("/readyz").status_code == 200


def test_a_key_that_has_run_out_is_refused_and_its_successor_is_not(run: Run) -> None:
    def key(secret: str, last_day: str | None) -> dict[str, Any]:
        digest = hashlib.sha256(secret.encode()).hexdigest()
        return {"id": "app", "sha256": digest, "not_after": last_day}

    running = run(config={"keys": [key("old", "2020-01-01"), key("new", "2999-12-31")]})
    sent = [
        running.http().post(
            "/v1/chat/completions", json=HELLO, headers={"authorization": f"Bearer {secret}"}
        )
        for secret in ("old", "new")
    ]
    assert [reply.status_code for reply in sent] == [401, 200]


class _DownStore(MemoryStore):
    """A store that does not answer while it is down."""

    down = False

    async def entries(self, start: int, limit: int) -> Any:
        if self.down:
            raise StoreUnavailable("gone")
        return await super().entries(start, limit)


def test_readiness_tells_what_does_not_work(run: Run) -> None:
    store = _DownStore()
    blind = FixedDetector(lambda _: Unknown("blind", "no model"), name="blind")
    running = run(
        store=store, more_detectors=(blind,), script=lambda _: Answer(503, pieces=[b"{}"])
    )
    store.down = True
    for _ in range(3):
        running.http().post("/v1/chat/completions", json=HELLO)
    reply = running.http().get("/readyz")
    assert reply.status_code == 200
    assert reply.json() == {"ready": True, "degraded": ["store", "detector:blind", "upstream"]}
    seen = figures(running)
    assert seen['adjourn_degraded{part="detector:blind"}'] == 1
    assert seen['adjourn_degraded{part="detector:fixed"}'] == 0
    assert seen['adjourn_detector_unknown_total{detector="blind"}'] > 0


def test_a_gateway_that_stops_is_not_ready_and_sends_clients_elsewhere(run: Run) -> None:
    running = run()
    running.front.begin_stopping()
    assert running.http().get("/readyz").status_code == 503
    reply = running.http().post("/v1/chat/completions", json=HELLO)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert reply.json()["error"]["code"] == "stopping"
    anthropic = running.http().post("/v1/messages", json=HELLO).json()
    assert (anthropic["type"], anthropic["error"]["type"]) == ("error", "overloaded_error")


def test_what_is_too_much_at_once_is_refused_and_can_be_tried_again(run: Run) -> None:
    head = {"content-type": "text/event-stream"}
    running = run(
        config={"server": {"max_requests": 1}},
        script=lambda _: Answer(headers=head, pieces=stream("a b").pieces[:2], ending="hang"),
    )
    with running.http().stream(
        "POST", "/v1/chat/completions", json={**HELLO, "stream": True}
    ) as first:
        pieces = first.iter_raw()  # closes the reply when it is dropped
        next(pieces)
        reply = running.http().post("/v1/chat/completions", json=HELLO)
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        assert reply.json()["error"]["code"] == "too_many_requests_at_once"
        assert running.http().get("/healthz").status_code == 200
    assert figures(running)['adjourn_refused_total{code="too_many_requests_at_once"}'] == 1


def test_requests_have_an_id_the_client_s_own_if_it_has_one(run: Run) -> None:
    running = run()
    http = running.http()
    own = http.post("/v1/chat/completions", json=HELLO, headers={"x-request-id": "req-7"})
    assert own.headers["x-adjourn-request-id"] == "req-7"
    for bad in ("a b", "x" * 129, "<script>"):
        made = http.post("/v1/chat/completions", json=HELLO, headers={"x-request-id": bad})
        assert len(made.headers["x-adjourn-request-id"]) == 16
    assert http.get("/healthz").headers["x-adjourn-request-id"]


def test_the_log_has_one_line_a_request_and_nothing_that_was_written(
    run: Run, log: io.StringIO
) -> None:
    running = run(
        script=says("The secret answer."),
        config={"log": {"requests": True}},
        upstream={"api_key": "upstream-secret"},
    )
    forged = 'm"\n{"level":"error","message":"forged"}\x1b[31m\u202e'
    for words in ("my private words", "you idiot"):
        body = {"model": forged, "messages": [{"role": "user", "content": words}]}
        running.http().post(
            "/v1/chat/completions", json=body, headers={"authorization": "Bearer client-secret"}
        )
    running.http().get("/metrics")
    text = log.getvalue()
    served = [line for line in lines(log) if line["message"] == "served"]
    assert [line["status"] for line in served][:2] == ["200", "200"]
    assert served[0]["model"] == forged[:100]
    assert all(len(line["request"]) == 16 for line in served)
    assert text.isascii()
    assert "\x1b" not in text
    for secret in ("private", "idiot", "secret"):
        assert secret not in text


def test_a_failure_of_ours_is_answered_and_logged_without_what_was_written(
    run: Run, log: io.StringIO
) -> None:
    running = run()

    async def fail(*_: Any) -> None:
        raise RuntimeError("my private words")

    running.front._gateway._driver.run = fail  # type: ignore[method-assign,assignment]
    reply = running.http().post("/v1/chat/completions", json=HELLO)
    assert reply.status_code == 500
    (line,) = [line for line in lines(log) if line["message"] == "a request failed"]
    assert line["request"] in reply.json()["error"]["message"]
    assert line["error"] == "RuntimeError"
    assert "front.py" in line["where"]
    assert "private" not in log.getvalue()


def test_text_lines_cannot_be_forged() -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    written = io.StringIO()
    try:
        start_log(LogConfig(format="text"), written)
        logging.getLogger("adjourn.x").warning("one\ntwo %s", "\x9b31m", extra={"model": "a\nb c"})
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    (line,) = written.getvalue().splitlines()
    assert line.endswith(r'WARNING adjourn.x: one\ntwo \u009b31m model="a\nb c"')


def reload(running: Running, config: Callable[[], Config]) -> bool:
    import asyncio

    work = running.front.reload(config)
    return asyncio.run_coroutine_threadsafe(work, running.loop).result(30)


def test_reloading_takes_keys_and_a_proved_policy(
    run: Run, tmp_path: Path, log: io.StringIO
) -> None:
    from adjourn.runtime.policies import load_policy

    text = load_policy("consumer-chat")[1]
    file = tmp_path / "mine.toml"
    file.write_text(text)
    running = run(policy_file=file)

    def config(**keys: str) -> Config:
        toml = tmp_path / "adjourn.toml"
        known = "".join(f'[[keys]]\nid="{i}"\nsha256="{v}"\n' for i, v in keys.items())
        toml.write_text(f"policy = '{file}'\n[store]\npath = 'elsewhere'\n{known}")
        return load_config(str(toml), environ={})

    digest = hashlib.sha256(b"sesame").hexdigest()
    file.write_text(text.replace('version = "', 'version = "next-', 1))
    assert reload(running, lambda: config(app=digest))
    assert running.http().post("/v1/chat/completions", json=HELLO).status_code == 401
    sesame = {"authorization": "Bearer sesame"}
    assert running.http().post("/v1/chat/completions", json=HELLO, headers=sesame).is_success
    assert 'policy_version="next-' in log_of_policy(running)
    (warned,) = [line["message"] for line in lines(log) if line["level"] == "warning"]
    assert "store.path" in warned
    assert "elsewhere" not in warned


def log_of_policy(running: Running) -> str:
    front: Any = running.front
    return str(front._metrics.text().decode())


def test_a_policy_changed_by_another_process_is_taken_over(
    run: Run, tmp_path: Path, log: io.StringIO
) -> None:
    """Of two gateways with one policy file, the second gets what the first put in force."""
    from adjourn.runtime.policies import load_policy

    file = tmp_path / "mine.toml"
    text = load_policy("consumer-chat")[1]
    file.write_text(text)
    first, second = run(policy_file=file), run(policy_file=file)

    def done(running: Running, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, running.loop).result(30)

    def digest(running: Running) -> str:
        return running.front._gateway._driver.in_force.digest

    before = digest(second)
    done(second, second.front._reloading.look_at_policy())
    assert digest(second) == before
    changed = text.replace("redirections_before_warning = 2", "redirections_before_warning = 3")
    assert changed != text
    done(first, first.front._reloading._live.change(changed))
    watch = second.front.watch_policy(0.01)
    watching = asyncio.run_coroutine_threadsafe(watch, second.loop)
    eventually(lambda: digest(second) == digest(first) != before)
    file.write_text("no toml [")
    eventually(lambda: "is not taken" in log.getvalue())
    file.unlink()
    watching.cancel()
    assert digest(second) == digest(first)
    assert log.getvalue().count("is not taken") == 1
    figures_of_second = figures(second)
    assert figures_of_second['adjourn_reloads_total{result="done"}'] == 1
    assert figures_of_second['adjourn_reloads_total{result="refused"}'] == 1


@pytest.mark.parametrize("broken", ["no toml [", "format = 1\nname = 'x'\n"])
def test_a_broken_policy_is_not_taken_over(
    run: Run, tmp_path: Path, log: io.StringIO, broken: str
) -> None:
    from adjourn.runtime.policies import load_policy

    file = tmp_path / "mine.toml"
    file.write_text(load_policy("consumer-chat")[1])
    running = run(policy_file=file)
    before = running.front._gateway._driver.in_force
    file.write_text(broken)
    assert not reload(running, lambda: Config(policy=str(file)))
    assert running.front._gateway._driver.in_force is before
    assert "all stays as it was: " in log.getvalue()
    assert figures(running)['adjourn_reloads_total{result="refused"}'] == 1
