"""Several gateway processes behind one port; they share the database, and what they count."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Final

from adjourn.cli.metrics_folder import hold_folder, metrics_folder
from adjourn.config import Config
from adjourn.core.errors import BadConfig
from adjourn.runtime.metrics import forget_process, share_metrics

_log = logging.getLogger("adjourn.workers")
_spawn = multiprocessing.get_context("spawn")

_LOOK_S: Final = 0.5
_PAUSE_S: Final = 1.0
"""Before a worker that died is replaced, so that one that cannot start keeps no core busy."""


def check_workers(config: Config, workers: int) -> None:
    """See whether a configuration suits so many processes.

    Raises:
        BadConfig: It does not.
    """
    if workers < 1:
        raise BadConfig(
            f"is {workers}", file="--workers", key="workers", hint="name 1 process or more"
        )
    if workers == 1:
        return
    if not config.store.url:
        raise BadConfig(
            f"is {workers}, but a SQLite file takes one process",
            file="--workers",
            key="workers",
            hint="leave it at 1, or name a PostgreSQL database: store.url",
        )
    if config.console.users and not config.console.session_key_file:
        raise BadConfig(
            "is not set, and all workers must share it",
            file="configuration",
            key="console.session_key_file",
            hint="make one with: head -c 32 /dev/urandom > FILE",
        )


def supervise(work: Callable[[], None], workers: int, stop_s: float) -> None:
    """Run worker processes until a signal comes.

    TERM and INT stop them, once their replies have ended; HUP has each of them reload. A worker
    that dies is replaced. Workers stop when this process is gone, even if it was killed.

    Args:
        work: What each worker does; it must be picklable, and end on SIGTERM.
        workers: How many.
        stop_s: How long a worker may take to stop once this process is gone.
    """
    with metrics_folder() as folder:
        share_metrics(folder)
        _supervise(partial(_be_a_worker, work, folder, stop_s), workers, folder)


def _be_a_worker(work: Callable[[], None], folder: str, stop_s: float) -> None:
    stop_with_parent(stop_s)
    hold_folder(folder)
    work()


def _supervise(work: Callable[[], None], workers: int, folder: str) -> None:
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: asked.append(number))
    running = [_start(work) for _ in range(workers)]
    while signal.SIGTERM not in asked and signal.SIGINT not in asked:
        wait([process.sentinel for process in running], _LOOK_S)
        if signal.SIGHUP in asked:
            asked.remove(signal.SIGHUP)
            _tell(running, signal.SIGHUP)
        for place, process in enumerate(running):
            if not process.is_alive() and not asked:
                _log.error("worker %d died (%s); it is replaced", process.pid, process.exitcode)
                forget_process(process.pid or 0, folder)
                time.sleep(_PAUSE_S)
                running[place] = _start(work)
    _tell(running, signal.SIGTERM)
    for process in running:
        process.join()


def stop_with_parent(stop_s: float) -> None:
    """End this process, as a signal would, once the one that started it is gone.

    Args:
        stop_s: How long it may take to end; then it is killed, for nobody else would do it.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def look() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(stop_s)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=look, name="adjourn-parent", daemon=True).start()


def _start(work: Callable[[], None]) -> SpawnProcess:
    process = _spawn.Process(target=work)
    process.start()
    return process


def _tell(processes: list[SpawnProcess], number: int) -> None:
    for process in processes:
        if process.is_alive() and process.pid is not None:
            os.kill(process.pid, number)
