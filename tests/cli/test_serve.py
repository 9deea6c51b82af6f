"""``adjourn serve``: what is wrong with the set-up is told before a request is served."""

import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from .conftest import Call

UPSTREAM = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_an_upstream_the_mend_is_told(call: Call) -> None:
    complaint = call("serve").complaint
    assert complaint.startswith("configuration: upstream.base_url: is not set")
    assert "--upstream URL" in complaint


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("policy = 3\n", "adjourn.toml:1: policy:"),
        ("[upstream]\nbase_ulr = 'x'\n", "adjourn.toml:2: upstream.base_ulr: unknown key"),
        ("[upstream\n", "adjourn.toml:1: not TOML"),
        ("[server]\nport = 99999\n", "adjourn.toml:2: server.port:"),
        ("[detection]\ndetectors = ['locl']\n", "there is no detector 'locl'"),
    ],
)
def test_a_broken_configuration_is_told(call: Call, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "adjourn.toml").write_text(text)
    assert told in call("serve", "--upstream", UPSTREAM).complaint


def test_a_broken_or_missing_policy_is_told(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("format = 1\nname = 'x'\nversion = '1'\ngronds = 1\n")
    told = call("serve", "--upstream", UPSTREAM, "--policy", "mine.toml").complaint
    assert told == "mine.toml:4: gronds: unknown key (did you mean grounds?)"
    told = call("serve", "--upstream", UPSTREAM, "--policy", "minor").complaint
    assert "did you mean minors?" in told


def test_a_store_that_cannot_be_opened_is_told(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("this is no database, and long enough not to be empty" * 9)
    for store in ("file", "file/below.sqlite3"):
        told = call("serve", "--upstream", UPSTREAM, "--store", store, "--port", "0").complaint
        assert store in told


def test_a_port_that_is_taken_is_told(call: Call) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        told = call("serve", "--upstream", UPSTREAM, "--port", port).complaint
    assert f"cannot listen on 127.0.0.1:{port}" in told
    assert "--port" in told


def test_workers_share_no_sqlite_file(call: Call) -> None:
    assert "SQLite" in call("serve", "--upstream", UPSTREAM, "--workers", "2").complaint


def test_usage_errors_exit_2(call: Call) -> None:
    for arguments in (("serve", "--prot", "1"), ("serve", "--port", "many"), ("servce",)):
        called = call(*arguments)
        assert called.status == 2
        assert "Traceback" not in called.stderr


def test_it_serves_and_stops_on_a_signal(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "adjourn",
        "serve",
        "--upstream",
        UPSTREAM,
        "--port",
        str(port),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    with process, process.stderr:
        assert process.stderr.readline() == f"adjourn listens on http://127.0.0.1:{port}/v1\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as healthy:
            assert healthy.status == 200
        process.terminate()
        assert "Traceback" not in process.stderr.read()
    assert process.wait(20) in (0, -15)
    assert (tmp_path / "adjourn-data" / "adjourn.sqlite3").exists()
