"""A lock file beside the database, so that one process at a time has it open.

SQLite from 3.7.0 to 3.51.2 can corrupt a file in WAL mode if two connections write or checkpoint at
once; besides, only one process may hand out positions of the ledger.
"""

import fcntl
import os
from pathlib import Path

from adjourn.core.errors import BadConfig


class FileLock:
    """Held from ``acquire`` until ``release``, or until the process is gone."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self.path = database.with_name(database.name + ".lock")
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            BadConfig: Another gateway has the database open.
            OSError: The lock file cannot be opened.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip()
            os.close(descriptor)
            raise BadConfig(
                f"is in use by another gateway{f' (process {holder})' if holder else ''}",
                file=str(self._database),
                key="store.path",
                hint="stop it, or give this one a file of its own; one gateway per SQLite file",
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go. The file stays: removing it would let two processes lock two files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
