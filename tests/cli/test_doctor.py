"""``adjourn doctor`` and ``adjourn keys``."""

import asyncio
import hashlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from adjourn.cli import main
from adjourn.config import load_config
from adjourn.store.sqlite import SqliteStore
from tests.gateway.conftest import Running
from tests.gateway.model_server import Answer, Asked

from .conftest import Call


@pytest.fixture
def model() -> Iterator[Running]:
    """A model's server that wants no key."""
    running = Running(script=lambda _: Answer(pieces=[b'{"data": []}']))
    running.start()
    yield running
    running.stop()


def examine(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, str]]:
    """Run the doctor; return its exit status and the worst state by check."""
    try:
        main(["doctor", "--json", *arguments])
    except SystemExit as left:
        status = int(left.code or 0)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    states = {
        one["check"]: one["state"] for one in sorted(found, key=lambda one: one["state"] == "bad")
    }
    return status, states


def test_all_is_well(
    model: Running,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"http://127.0.0.1:{model.model.port}/v1"
    status, states = examine(capsys, "--upstream", url)
    assert status == 0
    assert set(states.values()) <= {"ok", "look"}
    assert set(states) == {
        "config", "policy", "store", "detector", "upstream", "dialects", "clock", "keys", "files",
        "helplines",
    }  # fmt: skip
    assert not list(tmp_path.iterdir()), "the doctor makes nothing"


def test_a_key_is_shown_as_anthropic_s_servers_take_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def script(asked: Asked) -> Answer:
        return Answer(200 if asked.headers.get("x-api-key") == "sesame" else 401, pieces=[b"{}"])

    running = Running(script=script)
    running.start()
    toml = tmp_path / "adjourn.toml"
    toml.write_text(
        f"[upstream]\nbase_url = 'http://127.0.0.1:{running.model.port}/v1'\napi_key = 'sesame'\n"
    )
    _, states = examine(capsys, "--config", str(toml))
    assert states["upstream"] == "ok"
    running.stop()


def test_what_is_wrong_is_told_each_on_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "x.sqlite3"
    store.write_text("no database, but long enough to be taken for one" * 90)
    toml = tmp_path / "adjourn.toml"
    toml.write_text(
        f"policy = '{tmp_path}/no.toml'\n[server]\nhost = '0.0.0.0'\n"
        "[upstream]\nbase_url = 'http://127.0.0.1:9/v1'\n"
        f"[store]\npath = '{store}'\n[ledger]\nkey_file = '{tmp_path}/none'\n"
    )
    status, states = examine(capsys, "--config", str(toml))
    assert status == 1
    bad = {check for check, state in states.items() if state == "bad"}
    assert bad == {"policy", "store", "upstream", "keys", "files"}


def test_a_broken_configuration_is_the_only_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = tmp_path / "adjourn.toml"
    toml.write_text("polcy = 1")
    assert examine(capsys, "--config", str(toml)) == (1, {"config": "bad"})


def test_keys_that_run_out_and_files_that_are_open_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "upstream-key"
    secret.write_text("sesame")
    secret.chmod(0o644)
    toml = tmp_path / "adjourn.toml"
    toml.write_text(
        f"[upstream]\nbase_url='http://127.0.0.1:9/v1'\napi_key_file='{secret}'\n"
        f"[store]\npath='{tmp_path}/s'\n"
        f"[[keys]]\nid='app'\nsha256='{'0' * 64}'\nnot_after=2020-01-01\n"
    )
    _, states = examine(capsys, "--config", str(toml))
    assert (states["keys"], states["files"]) == ("bad", "look")


def test_a_store_that_is_there_is_looked_into_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "s.sqlite3"
    asyncio.run(SqliteStore.open(file).aclose())
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    _, states = examine(capsys, "--store", str(file), "--upstream", "http://127.0.0.1:9")
    assert states["store"] == "ok"
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_new_key_fits_the_lines_printed_with_it(call: Call, tmp_path: Path) -> None:
    made = call(
        "keys", "new", "--id", 'a"b', "--scope", "proxy", "--scope", "report", "--days", "9"
    )
    assert made.status == 0
    key, _, lines = made.stdout.partition("\n\n")
    toml = tmp_path / "adjourn.toml"
    toml.write_text(lines)
    (known,) = load_config(str(toml), environ={}).keys
    assert known.sha256 == hashlib.sha256(key.encode()).hexdigest()
    assert (known.id, known.scopes) == ('a"b', ("proxy", "report"))
    assert known.not_after is not None
    assert key not in lines
    assert tomllib.loads(lines)["keys"][0]["id"] == 'a"b'


def test_keys_differ_and_are_long(call: Call) -> None:
    made = [json.loads(call("keys", "new", "--id", "a", "--json").stdout) for _ in range(2)]
    assert made[0]["key"] != made[1]["key"]
    assert len(made[0]["key"]) >= 43
