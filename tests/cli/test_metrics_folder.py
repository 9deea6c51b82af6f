"""Folders that a killed gateway leaves behind go at the next start; others stay."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adjourn.cli.metrics_folder import forget_left_behind, metrics_folder

HOLDS = """
import sys, time
from adjourn.cli.metrics_folder import hold_folder, metrics_folder
if len(sys.argv) > 1:
    hold_folder(sys.argv[1])
    print("held", flush=True)
    time.sleep(600)
with metrics_folder() as folder:
    print(folder, flush=True)
    time.sleep(600)
"""


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that makes a folder, or holds one; and the first line that it prints."""
    command = [sys.executable, "-c", HOLDS, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            yield started, started.stdout.readline().strip()
        finally:
            started.kill()


@pytest.fixture(autouse=True)
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_it_is_there_while_it_is_used_and_gone_afterwards(where: Path) -> None:
    with metrics_folder() as folder:
        assert Path(folder).parent == where
        assert forget_left_behind(where) == []
    assert not list(where.iterdir())


def test_what_a_killed_process_left_behind_goes_at_the_next_start(where: Path) -> None:
    with process() as (parent, folder), process(folder) as (worker, _):
        (Path(folder) / "counter_7.db").write_bytes(b"x")
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)
        assert forget_left_behind(where) == [], "a worker is still there"
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        with metrics_folder() as mine:
            assert list(where.iterdir()) == [Path(mine)]


def test_what_is_not_ours_stays(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other, unheld, elsewhere, link = (
        where / name
        for name in ("adjourn-metrics-other", "adjourn-metrics-unheld", "else", "adjourn-metrics-l")
    )
    for folder in (other, unheld, elsewhere):
        folder.mkdir()
    (other / "held").touch()
    (elsewhere / "held").touch()
    link.symlink_to(elsewhere)
    somebody_else = os.geteuid() + 1
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: somebody_else)
        assert forget_left_behind(where) == []
    assert forget_left_behind(where) == [other]
    assert {path.name for path in where.iterdir()} == {unheld.name, elsewhere.name, link.name}
