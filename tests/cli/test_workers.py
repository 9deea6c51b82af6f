"""``adjourn serve --workers``, and the tools, on a PostgreSQL database."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres import PASSWORD, PostgresServer

from .conftest import Call

UPSTREAM = "http://127.0.0.1:9/v1"


@pytest.fixture
def database(postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server's URL without the password, which the environment has."""
    (tmp_path / "key").write_bytes(os.urandom(32))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADJOURN_STORE__PASSWORD", PASSWORD)
    monkeypatch.setenv("ADJOURN_APPEALS__KEY_FILE", str(tmp_path / "key"))
    return f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres"


def test_workers_need_what_they_must_share(call: Call, database: str, tmp_path: Path) -> None:
    assert "1 process or more" in call("serve", "--upstream", UPSTREAM, "--workers", "0").complaint
    (tmp_path / "adjourn.toml").write_text(
        f"[[console.users]]\nid = 'a'\nrole = 'operator'\nsha256 = '{'0' * 64}'\n"
    )
    told = call("serve", "--upstream", UPSTREAM, "--store", database, "--workers", "2").complaint
    assert "console.session_key_file" in told


def test_gateways_on_one_database_need_one_key_for_appeals(
    call: Call, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ADJOURN_APPEALS__KEY_FILE")
    told = call("appeals", "list", "--store", database).complaint
    assert "appeals.key_file" in told


def serving(database: str) -> tuple[int, list[str]]:
    """Return a port that is free, and the command that serves on it with two workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return port, [
        sys.executable, "-m", "adjourn", "serve", "--upstream", UPSTREAM, "--port", str(port),
        "--store", database, "--workers", "2",
    ]  # fmt: skip


@pytest.mark.slow
def test_workers_serve_are_replaced_and_stop(call: Call, database: str) -> None:
    port, command = serving(database)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            assert process.stderr.readline().endswith("with 2 workers\n")
            assert healthy(port)
            workers = children(process.pid)
            assert len(workers) == 2
            for _ in range(20):
                ask(port)
            assert {counted(port) for _ in range(10)} == {20.0}
            os.kill(workers[0], signal.SIGKILL)
            wait_until(lambda: len(set(children(process.pid)) - {workers[0]}) == 2)
            assert healthy(port)
            ask(port)
            assert {counted(port) for _ in range(10)} == {21.0}
        finally:
            process.terminate()
        told = process.stderr.read()
    assert process.returncode == 0
    assert "is replaced" in told
    assert PASSWORD not in told
    assert call("ledger", "verify", "--store", database).stdout.endswith("nothing is wrong\n")
    assert call("appeals", "list", "--store", database).stdout == "There are no appeals.\n"
    assert call("report", "--store", database).status == 0


@pytest.mark.slow
def test_a_killed_gateway_leaves_nothing_behind(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers stop, rather than serve an old configuration for ever; then its port is free,
    and what they counted in goes when the next one starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    port, command = serving(database)
    folders: list[Path] = []
    for _ in range(2):
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            assert process.stderr.readline().endswith("with 2 workers\n")
            assert healthy(port)
            workers = children(process.pid)
            folders += [one for one in tmp_path.glob("adjourn-metrics-*") if one not in folders]
            process.kill()
            process.wait(30)
            wait_until(lambda gone=workers: not any(map(is_running, gone)))  # type: ignore[misc]
    assert [folder.exists() for folder in folders] == [False, True]


STUCK = """
import functools, signal, sys, time
from adjourn.cli.workers import supervise

def work(file):
    signal.signal(signal.SIGTERM, lambda *_: open(file, "a").write("told to stop. "))
    open(file, "a").write("began. ")
    while True:
        time.sleep(0.01)

if __name__ == "__main__":
    supervise(functools.partial(work, sys.argv[1]), 1, stop_s=0.3)
"""


@pytest.mark.slow
def test_a_worker_that_does_not_stop_is_ended_when_its_gateway_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    program, file = tmp_path / "stuck.py", tmp_path / "told"
    program.write_text(STUCK)
    with subprocess.Popen([sys.executable, "-W", "ignore", program, file]) as process:
        wait_until(lambda: file.exists() and "began" in file.read_text())
        (worker,) = children(process.pid)
        process.kill()
        process.wait(30)
    wait_until(lambda: not is_running(worker))
    assert file.read_text() == "began. told to stop. "


def ask(port: int) -> None:
    """Ask for a reply of the model's server, which is not there."""
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/chat/completions", body, timeout=30)
    assert refused.value.code == 502
    refused.value.close()


def counted(port: int) -> float:
    """How many requests for chat were served, as whichever worker is asked tells it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    assert sum(line.startswith("adjourn_info{") for line in lines) == 1
    assert not [line for line in lines if line.startswith("adjourn_requests_open ") and "1" in line]
    chat = [line for line in lines if line.startswith("adjourn_requests_total{")]
    return sum(float(line.split()[-1]) for line in chat if "chat_completions" in line)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look again and again, for as long as a busy machine may need."""
    for _ in range(300):
        if is_so():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to be")


def healthy(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
        return bool(answer.status == 200)


def children(pid: int) -> list[int]:
    """Return the worker processes of a process (without multiprocessing's own)."""
    listed = subprocess.run(
        ["ps", "-ww", "--ppid", str(pid), "-o", "pid=,args="],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "spawn_main" in line]


def is_running(pid: int) -> bool:
    """Tell whether a process is there and not only waits for being noticed as gone."""
    listed = subprocess.run(
        ["ps", "-p", str(pid), "-o", "stat="], check=False, capture_output=True, text=True
    ).stdout
    return bool(listed) and not listed.startswith("Z")
